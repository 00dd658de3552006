"""Virtual time across processes."""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import queue
import signal
import subprocess
import threading
import time
from concurrent.futures import CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import pytest
from concurrency_study.world import Deadlock, NotCovered, StillAlive
from concurrency_study.worlds.processes import ProcessesWorld, quiet
from concurrency_study.worlds.processes.machines import Branch
from concurrency_study.worlds.processes.world import _Sent
from concurrency_study.worlds.threads import machine

pytestmark = pytest.mark.world("processes")


@pytest.fixture(autouse=True)
def nothing_is_left(abandoned):
    """Fail if a test leaves a process or a file in shared memory."""
    before, children = abandoned(), {*quiet.children(os.getpid())}
    yield
    assert not multiprocessing.active_children()
    assert not quiet.alive({*quiet.children(os.getpid())} - children)
    limit = time.monotonic() + 10
    left = abandoned() - before
    while left and time.monotonic() < limit:
        time.sleep(0.01)  # another program makes a file before it maps it
        left &= abandoned()
    assert not left


def in_processes(most, function, inputs):
    with ProcessPoolExecutor(most) as pool:
        return list(pool.map(function, inputs))


@pytest.fixture
def nap(world):
    """A function that sleeps, and returns the instants at which it began and ended."""

    @world.blocking
    def nap(seconds):
        began = time.monotonic()
        time.sleep(seconds)
        return began, time.monotonic()

    return nap


def test_two_processes_sleep_side_by_side(world, nap):
    assert world.run(in_processes, 2, nap, [3, 5]) == [(0, 3), (0, 5)]
    assert world.returned_at == 5
    assert sorted(world.trace.when("end")) == [(3, "nap(3)"), (5, "nap(5)")]


def test_a_call_waits_for_a_free_process(world, nap):
    found = world.run(in_processes, 2, nap, [1, 2, 3, 4, 5])
    assert found == [(0, 1), (0, 2), (1, 4), (2, 6), (4, 9)]
    assert world.trace.most_at_once() == 2


def test_a_day_takes_no_time(world, nap):
    began = time.monotonic()
    world.run(in_processes, 2, nap, [86_400] * 2, within=10**6)
    assert world.returned_at == 86_400
    assert time.monotonic() - began < 60


def test_computing_takes_no_virtual_time(world):
    def compute(number):
        sum(range(3_000_000))
        time.sleep(1)
        return time.monotonic()

    assert world.run(in_processes, 2, compute, [1, 2, 3]) == [1, 1, 2]


def test_the_clock_waits_for_a_process_that_starts_late(world):
    def main():
        process = multiprocessing.Process(target=time.sleep, args=(2,))
        process.start()
        time.sleep(1)
        process.join()
        return time.monotonic()

    assert world.run(main) == 2


def test_every_clock_shows_the_time_of_the_root(world, monkeypatch):
    dates = itertools.count(time.time_ns(), 5_000_000_000)  # a process starts slowly
    monkeypatch.setattr(machine, "real_time_ns", partial(next, dates))

    def look(_):
        time.sleep(1.5)
        return time.monotonic(), time.perf_counter_ns(), time.time()

    def main():
        time.sleep(1)
        return in_processes(1, look, [0]), time.time()

    [(monotonic, ns, date)], here = world.run(main)
    assert (monotonic, ns) == (2.5, 2_500_000_000)
    assert date == here


def test_waits_with_a_timeout_take_virtual_time_in_every_process(world):
    def work(_):
        found = [threading.Event().wait(3), time.monotonic()]
        mine, theirs = multiprocessing.Pipe()
        found += [mine.poll(2), time.monotonic()]
        mine.close()
        theirs.close()
        return found

    assert world.run(in_processes, 1, work, [0]) == [[False, 3, False, 5]]


def test_processes_talk_over_pipes_and_queues(world):
    def echo(pipe, line):
        time.sleep(1)
        line.put(pipe.recv() + 1)
        time.sleep(1)
        pipe.send(time.monotonic())

    def main():
        pipe, theirs = multiprocessing.Pipe()
        line = multiprocessing.Queue()
        process = multiprocessing.Process(target=echo, args=(theirs, line))
        process.start()
        pipe.send(41)
        found = [line.get(), time.monotonic(), pipe.recv(), time.monotonic()]
        process.join()
        line.close()
        line.join_thread()
        for end in (pipe, theirs):
            end.close()
        return found

    assert world.run(main) == [42, 1, 2, 2]


def test_a_queue_is_empty_after_its_timeout(world):
    def main():
        line = multiprocessing.Queue()
        with pytest.raises(queue.Empty):
            line.get(timeout=3)
        line.close()
        line.join_thread()
        return time.monotonic()

    assert world.run(main) == 3


def test_a_process_may_start_processes(world, nap):
    def inner(seconds):
        return in_processes(2, nap, [seconds, 2 * seconds])

    found = world.run(in_processes, 2, inner, [1, 2])
    assert found == [[(0, 1), (0, 2)], [(0, 2), (0, 4)]]
    assert world.returned_at == 4


def test_threads_of_a_process_take_virtual_time(world):
    def work(_):
        threads = [threading.Thread(target=time.sleep, args=(n,)) for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic()

    assert world.run(in_processes, 2, work, [0, 1]) == [2, 2]


def test_a_wait_for_futures_ends_at_its_timeout(world, nap):
    def main():
        with ProcessPoolExecutor(2) as pool:
            done, running = wait([pool.submit(nap, 1), pool.submit(nap, 4)], 3)
            return len(done), len(running), time.monotonic()

    assert world.run(main) == (1, 1, 3)
    assert world.returned_at == 4


def test_a_process_that_dies_ends_its_job_in_the_trace(world):
    @world.blocking
    def die(seconds):
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    def main():
        with ProcessPoolExecutor(1) as pool, pytest.raises(BrokenProcessPool):
            pool.submit(die, 2).result()
        return time.monotonic()

    assert world.run(main) == 2
    assert world.trace.when("start") == [(0, "die(2)")]


def test_a_note_that_causes_another_one_in_another_process_comes_first(world):
    @world.blocking
    def second(pipe):
        pipe.recv()

    @world.blocking
    def first(pipe):
        pipe.send(1)

    def main():
        for _ in range(50):
            mine, theirs = multiprocessing.Pipe()
            processes = [
                multiprocessing.Process(target=second, args=(theirs,)),
                multiprocessing.Process(target=first, args=(mine,)),
            ]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            mine.close()
            theirs.close()

    world.run(main)
    ends = [event.actor for event in world.trace if event.what == "end"]
    starts = [event.actor for event in world.trace if event.what == "start"]
    assert len(ends) == len(starts) == 100
    order = [(e.what, e.actor.partition("(")[0]) for e in world.trace]
    for start in range(0, len(order), 4):
        turn = order[start : start + 4]
        assert turn.index(("start", "first")) < turn.index(("end", "second"))


def test_a_deadlock_between_processes_is_found(world):
    def wait_for_ever(pipe):
        pipe.recv()

    def main():
        pipe, theirs = multiprocessing.Pipe()
        multiprocessing.Process(target=wait_for_ever, args=(theirs,)).start()
        pipe.recv()

    began = time.monotonic()
    with pytest.raises(Deadlock) as raised:
        world.run(main)
    assert any(line.startswith("process ") for line in raised.value.waiters)
    assert time.monotonic() - began < 30


def test_a_process_that_outlives_the_answer_fails_the_run_and_is_ended(world):
    def main():
        multiprocessing.Process(target=time.sleep, args=(60,)).start()

    with pytest.raises(StillAlive) as raised:
        world.run(main)
    assert any("process" in line for line in raised.value.alive)


def test_processes_that_may_be_left_are_ended(world):
    def main():
        multiprocessing.Process(target=time.sleep, args=(60,)).start()

    world.run(main, leftovers="allow")


def test_an_error_of_the_test_comes_home_as_the_same_object(world):
    error = KeyError("mine")

    def fail(_):
        raise error

    with pytest.raises(KeyError) as raised:
        world.run(in_processes, 1, fail, [0])
    assert raised.value is error


def test_a_class_of_a_test_travels(world):
    class Halt(Exception):
        pass

    def fail(text):
        raise Halt(text)

    with pytest.raises(Halt, match="made there"):
        world.run(in_processes, 1, fail, ["made there"])


def test_a_list_of_a_test_is_copied(world):
    seen = []

    def note(number):
        seen.append(number)
        return list(seen)

    assert world.run(in_processes, 1, note, [1, 2]) == [[1], [2]]
    assert seen == []


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods_are_refused(world, method):
    def main():
        multiprocessing.get_context(method).Process(target=print).start()

    with pytest.raises(NotCovered, match="fork"):
        world.run(main)


@pytest.mark.parametrize("start", [os.fork, lambda: subprocess.run(["true"])])
def test_other_processes_are_refused(world, start):
    with pytest.raises(NotCovered):
        world.run(start)


def test_a_process_from_before_the_run_is_left_alone(world, nap):
    with subprocess.Popen(["sleep", "60"]) as other:
        assert world.run(in_processes, 1, nap, [1]) == [(0, 1)]
        assert other.poll() is None
        other.kill()


def test_a_cancellation_interrupts_the_root_in_its_wait(world, nap):
    def main():
        process = multiprocessing.Process(target=time.sleep, args=(60,))
        process.start()
        try:
            process.join()
        finally:
            process.terminate()
            process.join()

    assert world.run(main, cancel_at=2.5) == "cancelled"
    assert world.returned_at == 2.5


def test_a_job_that_a_signal_ends_as_it_starts_has_ended(world, nap, monkeypatch):
    """It is cancelled between its start and the first line that would note that."""

    def note(self, actor, what, detail=""):
        real_note(self, actor, what, detail)
        if what == "start":
            raise CancelledError

    def call():
        with pytest.raises(CancelledError):
            nap(1)

    def main():
        process = multiprocessing.Process(target=call)
        process.start()
        process.join()

    real_note = _Sent.note
    monkeypatch.setattr(_Sent, "note", note)
    world.run(main)
    events = [event.what for event in world.trace if event.actor == "nap(1)"]
    assert events == ["start", "cancelled"]


class Failed(Exception):
    """The error of a job."""


def terminated(*_):
    raise CancelledError


def test_a_signal_after_the_end_of_a_job_does_not_replace_its_error(world, monkeypatch):
    """It comes between the note of the error and the end of the function."""

    def tell(self, *message):
        real_tell(self, *message)
        if message[2:3] == ("error",):
            libc.kill(os.getpid(), signal.SIGTERM)

    @world.blocking
    def fail():
        raise Failed

    def call(results):
        signal.signal(signal.SIGTERM, terminated)
        found = []
        for function in (fail, lambda: time.sleep(1)):
            try:
                function()
            except BaseException as error:
                found.append(type(error))
        results.send(found)

    def main():
        mine, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=call, args=(theirs,))
        process.start()
        found = mine.recv()
        process.join()
        mine.close()
        theirs.close()
        return found

    libc = ctypes.CDLL(None)  # os.kill calls the handler at once in a run
    real_tell = Branch.tell
    monkeypatch.setattr(Branch, "tell", tell)
    assert world.run(main) == [Failed, CancelledError]


def test_a_function_that_a_run_replaces_travels_to_a_pool(world):
    assert world.run(in_processes, 1, time.sleep, [3]) == [None]
    assert world.returned_at == 3


@pytest.mark.parametrize("seconds", [None, 1])
def test_sigterm_ends_a_process_as_it_does_outside_of_a_run(world, seconds):
    def main():
        process = multiprocessing.Process(target=time.sleep, args=(60,))
        process.start()
        if seconds is not None:
            time.sleep(seconds)
        process.terminate()
        process.join()
        return process.exitcode

    for _ in range(20):
        assert world.run(main) == -signal.SIGTERM
        assert world.returned_at == (seconds or 0)


@pytest.mark.parametrize("timed", ["Event", "Lock", "Condition", "Semaphore"])
def test_a_wait_for_a_lock_of_multiprocessing_with_a_timeout_is_refused(world, timed):
    def main():
        made = getattr(multiprocessing, timed)()
        if timed == "Condition":
            with made:
                made.wait(3)
        elif timed == "Event":
            made.wait(3)
        else:
            assert made.acquire(timeout=3)
            made.acquire(timeout=3)

    with pytest.raises(NotCovered, match="multiprocessing, which would pass in real"):
        world.run(main)


def test_a_lock_of_multiprocessing_without_a_wait_may_have_a_timeout(world):
    def main():
        lock = multiprocessing.RLock()
        event = multiprocessing.Event()
        event.set()
        return lock.acquire(timeout=3), lock.acquire(timeout=3), event.wait(3)

    assert world.run(main) == (True, True, True)
    assert world.returned_at == 0


def test_a_process_outlives_the_process_that_has_started_it(world):
    pipe, theirs = multiprocessing.Pipe()

    def grandchild():
        time.sleep(3)
        theirs.send("alive")

    def child():
        multiprocessing.Process(target=grandchild).start()
        time.sleep(60)

    def main():
        process = multiprocessing.Process(target=child)
        process.start()
        time.sleep(1)
        process.terminate()
        process.join()
        return pipe.recv()

    with pipe, theirs:
        assert world.run(main, leftovers="allow") == "alive"
    assert world.returned_at == 3


def test_an_orphan_that_is_not_connected_yet_is_waited_for(world, monkeypatch):
    real = ProcessesWorld.become_branch

    def late(self, name):
        sum(range(10_000_000))
        return real(self, name)

    monkeypatch.setattr(ProcessesWorld, "become_branch", late)

    def child(theirs):
        multiprocessing.Process(target=theirs.send, args=("alive",)).start()
        os._exit(0)

    def main():
        pipe, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=child, args=(theirs,))
        process.start()
        process.join()
        with pipe, theirs:
            return pipe.recv()

    assert world.run(main, leftovers="allow") == "alive"


def test_an_orphan_that_has_closed_its_connection_first_is_waited_for(world):
    def grandchild():
        machine.mine().hang_up()  # as the system does at the end of a process
        sum(range(10_000_000))
        os._exit(0)

    def child():
        multiprocessing.Process(target=grandchild).start()
        os._exit(0)

    def main():
        pipe, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=child)
        process.start()
        process.join()
        theirs.close()
        with pipe, pytest.raises(EOFError):
            pipe.recv()

    world.run(main)


def test_the_story_of_a_run_has_a_lane_for_each_process(world):
    def child():
        time.sleep(1)
        world.trace.note("print", "call", "child")

    def main():
        processes = [multiprocessing.Process(target=f) for f in (child, int, sleeper)]
        for process in processes:
            process.start()
        time.sleep(2)
        processes[2].terminate()
        for process in processes:
            process.join()
        with ProcessPoolExecutor(1) as pool:
            pool.submit(abs, -1).result()

    def sleeper():
        time.sleep(60)

    world.watching = True
    world.run(main)
    found = {actor.name: (actor.kind, actor.how) for actor in world.trace.actors}
    assert found == {
        "main": ("process", "end"),
        "child": ("process", "end"),
        "int": ("process", "end"),
        "sleeper": ("process", "cancelled"),
        "worker": ("process", "end"),
    }
    (printed,) = [event for event in world.trace.story() if event.actor == "print"]
    assert (printed.at, printed.by) == (1, "child")


# The looks at other processes


def test_a_process_that_sleeps_is_quiet_and_one_that_computes_is_not():
    with subprocess.Popen(["sleep", "60"]) as asleep:
        while Path(f"/proc/{asleep.pid}/comm").read_text("utf-8") != "sleep\n":
            time.sleep(0.001)
        time.sleep(0.05)
        first = quiet.look([asleep.pid], sure=False)
        assert first
        assert quiet.look([asleep.pid], sure=True) == first
        asleep.kill()
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        time.sleep(0.05)
        assert quiet.look([busy.pid], sure=True) is None
        busy.kill()


def test_a_process_that_has_run_between_two_looks_is_noticed():
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1, bufsize=0) as cat:
        cat.stdin.write(b"x")
        assert cat.stdout.read(1) == b"x"
        while (first := quiet.look([cat.pid], sure=True)) is None:
            time.sleep(0.001)
        cat.stdin.write(b"y")
        assert cat.stdout.read(1) == b"y"
        while (second := quiet.look([cat.pid], sure=True)) is None:
            time.sleep(0.001)
        assert first != second
        cat.kill()


def test_a_process_that_has_ended_is_quiet():
    with subprocess.Popen(["true"]) as done:
        time.sleep(0.2)
        assert quiet.look([done.pid], sure=True) == {}
    assert quiet.look([done.pid], sure=True) == {}


def test_the_clock_does_not_jump_if_a_process_has_run_between_two_looks(
    world, nap, monkeypatch
):
    looks = []

    def look(processes, *, sure):
        seen = real(processes, sure=sure)
        if sure and seen is not None and len(looks) < 20:
            looks.append(world.now())
            return {**seen, 0: b"it has run"}
        return seen

    real = quiet.look
    monkeypatch.setattr(quiet, "look", look)
    assert world.run(in_processes, 1, nap, [3]) == [(0, 3)]
    assert looks == [0] * 20
