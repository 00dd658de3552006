"""The gevent world: exact instants, leftovers named, no error lost or printed."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import gevent
import gevent.hub
import gevent.os
import gevent.select
import gevent.socket
import gevent.subprocess
import pytest
from concurrency_study.world import (
    CANCELLED,
    Deadlock,
    LostError,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds.gevent import GeventWorld
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore, RLock, Semaphore
from gevent.pool import Group, Pool
from gevent.queue import Channel, Empty, Full, JoinableQueue, Queue
from gevent.server import StreamServer
from gevent.threadpool import ThreadPool, ThreadPoolExecutor


@pytest.fixture
def place(capfd):
    yield GeventWorld()
    assert capfd.readouterr() == ("", "")


def fails(after=0.0, error=ValueError):
    gevent.sleep(after)
    raise error(f"after {after:g}")


# Time


def test_timers_of_one_instant_fire_in_order_of_creation(place):
    seen = []

    def sleeper(name):
        gevent.sleep(1)
        seen.append(name)

    place.run(lambda: gevent.joinall([gevent.spawn(sleeper, n) for n in range(50)]))
    assert seen == list(range(50))


def test_a_sleep_of_zero_runs_the_other_greenlets(place):
    seen = []

    def answer():
        other = gevent.spawn(seen.append, "other")
        gevent.sleep(0)
        seen.append("answer")
        other.get()

    place.run(answer)
    assert seen == ["other", "answer"]
    assert place.returned_at == 0


def test_a_sleep_as_long_as_its_timeout_is_not_interrupted(place):
    def answer():
        with gevent.Timeout(1):
            gevent.sleep(1)
        return place.now()

    assert place.run(answer) == 1


def test_spawn_later_and_callbacks_at_an_instant(place):
    say = place.recorder()
    place.at(2, say, "planned")

    def answer():
        place.at(1.5, say, "asked for")
        gevent.spawn_later(1, say, "spawned").join()
        gevent.sleep(2)

    place.run(answer)
    assert say == [(1, "spawned"), (1.5, "asked for"), (2, "planned")]


def test_a_repeating_timer(place):
    seen = []

    def answer():
        timer = gevent.get_hub().loop.timer(1, repeat=2)
        timer.start(lambda: seen.append(place.now()))
        gevent.sleep(6)
        timer.again(lambda: seen.append(place.now()))
        gevent.sleep(3)
        timer.close()
        gevent.sleep(3)

    place.run(answer)
    assert seen == [1, 3, 5, 8]


# Greenlets


def test_join_and_get(place):
    def work(seconds):
        gevent.sleep(seconds)
        return seconds

    def answer():
        one, two = gevent.spawn(work, 1), gevent.spawn(work, 2)
        one.join(timeout=0.5)
        early = place.now(), one.ready()
        with place.raises(gevent.Timeout):
            two.get(timeout=1)
        return early, one.get(), place.now(), two.get(), place.now()

    assert place.run(answer) == ((0.5, False), 1, 1.5, 2, 2)


def test_joinall_with_a_timeout_and_iwait(place):
    def answer():
        jobs = [gevent.spawn(gevent.sleep, seconds) for seconds in (3, 1, 2)]
        done = gevent.joinall(jobs, timeout=1.5)
        at = [(place.now(), jobs.index(job)) for job in gevent.iwait(jobs)]
        return [jobs.index(job) for job in done], at

    assert place.run(answer) == ([1], [(1.5, 1), (2, 2), (3, 0)])


def test_joinall_raises_the_first_error(place):
    def answer():
        jobs = [gevent.spawn(fails, 2), gevent.spawn(fails, 1, KeyError)]
        try:
            gevent.joinall(jobs, raise_error=True)
        finally:
            gevent.killall(jobs)

    with place.raises(KeyError):
        place.run(answer)
    assert place.returned_at == 1


def test_kill_runs_cleanup_that_sleeps(place):
    seen = []

    def job():
        try:
            gevent.sleep(10)
        finally:
            gevent.sleep(0.5)
            seen.append(place.now())

    def answer():
        one, two, unborn = (gevent.spawn(job) for _ in range(3))
        unborn.kill()
        gevent.sleep(1)
        one.kill()
        seen.append(place.now())
        gevent.killall([two], timeout=2)
        assert isinstance(one.get(), gevent.GreenletExit)

    place.run(answer)
    assert seen == [1.5, 1.5, 2]


def test_links(place):
    seen = []

    def answer():
        job = gevent.spawn(fails, 1)
        job.link_exception(lambda job: seen.append((place.now(), job.exception)))
        gevent.sleep(2)

    place.run(answer)
    [(at, error)] = seen
    assert at == 1
    assert isinstance(error, ValueError)


# Timeouts


def test_timeouts(place):
    def answer():
        outer, inner = gevent.Timeout(1), gevent.Timeout(5)
        with place.raises(gevent.Timeout) as raised, outer, inner:
            gevent.sleep(10)
        assert raised.value is outer
        with gevent.Timeout(1, False):
            gevent.sleep(10)
        with place.raises(KeyError), gevent.Timeout(1, KeyError):
            gevent.sleep(10)
        with gevent.Timeout(1), gevent.Timeout(None):
            gevent.sleep(0.5)
        return gevent.with_timeout(0.5, gevent.sleep, 1, timeout_value="late")

    assert place.run(answer) == "late"
    assert place.returned_at == 4


# Queues, events, locks


def test_events(place):
    def answer():
        event, result = Event(), AsyncResult()
        place.at(2, event.set)
        place.at(3, result.set, "value")
        assert not event.wait(timeout=1)
        assert event.wait(timeout=5)
        with place.raises(gevent.Timeout):
            result.get(timeout=0.5)
        return place.now(), result.get(), place.now()

    assert place.run(answer) == (2.5, "value", 3)


def test_queues(place):
    def answer():
        queue = JoinableQueue(1)
        queue.put("a")
        with place.raises(Full):
            queue.put("b", timeout=1)
        place.at(2, queue.get_nowait)
        queue.put("c")
        then = [place.now()]
        place.at(4, queue.task_done)
        place.at(5, queue.task_done)
        queue.get()
        with place.raises(Empty):
            queue.get(timeout=1)
        then.append(place.now())
        queue.join()
        then.append(place.now())
        return then

    assert place.run(answer) == [2, 3, 5]


def test_a_channel(place):
    def answer():
        channel = Channel()
        putter = gevent.spawn_later(2, channel.put, "through")
        with place.raises(Empty):
            channel.get(timeout=1)
        through = channel.get(), place.now()
        putter.get()
        return through

    assert place.run(answer) == ("through", 2)


@pytest.mark.parametrize("kind", [Semaphore, BoundedSemaphore, RLock])
def test_locks(place, kind):
    lock = kind()

    def holder():
        with lock:
            gevent.sleep(3)

    def answer():
        other = gevent.spawn(holder)
        gevent.sleep(0)
        assert not lock.acquire(timeout=1)
        then = place.now()
        with lock:
            return then, place.now(), other.get()

    assert place.run(answer) == (1, 3, None)


def test_a_queue_from_before_the_run(place):
    queue = Queue()
    place.at(1, queue.put, "late")
    assert place.run(queue.get, timeout := True, 2) == "late", timeout
    assert place.returned_at == 1


# Pools


def test_a_pool_limits_its_concurrency(place):
    def work(seconds):
        gevent.sleep(seconds)
        return seconds

    def answer():
        pool = Pool(2)
        got = [(place.now(), r) for r in pool.imap_unordered(work, [3, 1, 1])]
        return got, pool.map(work, [1, 2, 1]), place.now()

    assert place.run(answer) == ([(1, 1), (2, 1), (3, 3)], [1, 2, 1], 5)


def test_a_group_that_raises(place):
    def answer():
        group = Group()
        group.spawn(fails, 1)
        group.spawn(gevent.sleep, 2)
        group.join(raise_error=True)

    with place.raises(ValueError):
        place.run(answer)
    assert place.returned_at == 2


# Threads


def test_a_worker_may_wait_for_a_thread_in_virtual_time(place):
    begun, go = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert go.wait(300)
        return place.now()

    def answer():
        result = gevent.get_hub().threadpool.spawn(work)
        begun.wait()
        threading.Timer(0.5, go.set).start()
        gevent.sleep(1)
        return result.get(), place.now()

    assert place.run(answer) == (0.5, 1)


def test_a_worker_sleeps_virtually(place):
    def work(seconds):
        time.sleep(seconds)
        return seconds, place.now()

    def answer():
        pool = gevent.get_hub().threadpool
        two = pool.spawn(work, 2)
        first = pool.apply(work, (1,))
        gevent.sleep(0.5)
        return first, place.now(), two.get(), pool.map(work, [1, 2]), place.now()

    assert place.run(answer) == ((1, 1), 1.5, (2, 2), [(1, 3), (2, 4)], 4)


def test_more_jobs_than_threads(place):
    def answer():
        pool = ThreadPool(2)
        results = [
            gevent.spawn(pool.apply, time.sleep, (seconds,))
            for seconds in (2, 1, 3, 1, 1)
        ]
        try:
            return [(place.now(), results.index(r)) for r in gevent.iwait(results)]
        finally:
            pool.kill()

    assert sorted(place.run(answer)) == [(1, 1), (2, 0), (3, 3), (4, 2), (4, 4)]


def test_join_of_a_thread_pool_is_exact(place):
    def answer():
        pool = ThreadPool(3)
        for seconds in (2, 0.25, 1):
            pool.spawn(time.sleep, seconds)
        pool.join()
        pool.kill()

    place.run(answer)
    assert place.returned_at == 2


def test_a_thread_pool_executor(place):
    def answer():
        with ThreadPoolExecutor(1) as executor:
            future = executor.submit(time.sleep, 2)
            return future.result(timeout=3), place.now()

    assert place.run(answer) == (None, 2)


def test_an_unretrieved_error_of_a_worker_is_lost(place):
    def work():
        raise KeyError("worker")

    def answer():
        gevent.get_hub().threadpool.spawn(work)
        gevent.sleep(1)

    with place.raises(LostError):
        place.run(answer)


def test_a_worker_outlives_the_answer(place):
    def answer():
        gevent.get_hub().threadpool.spawn(time.sleep, 3)
        gevent.sleep(1)

    with pytest.raises(StillAlive, match="a worker thread was alive"):
        place.run(answer)
    place.run(gevent.sleep, 1)


# Jobs


def test_a_job_that_suspends_by_itself_is_refused(place):
    class Pause:
        def __await__(self):
            yield

    @place.job
    async def job(w):
        await Pause()

    with place.raises(NotCovered):
        place.run(job)


# Ends


def test_cancellation(place):
    assert place.run(gevent.sleep, 5, cancel_at=2) == CANCELLED
    assert place.returned_at == 2
    assert place.run(gevent.sleep, 5, cancel_at=0) == CANCELLED
    assert place.run(lambda: "done", cancel_at=0) == "done"

    def stubborn():
        try:
            gevent.sleep(5)
        except gevent.GreenletExit:
            return "survived"

    assert place.run(stubborn, cancel_at=2) == "survived"


def test_a_value_and_an_error(place):
    assert place.run(lambda a, b: a + b, 1, 2) == 3
    with place.raises(ValueError):
        place.run(fails, 1)
    with place.raises(SystemExit):
        place.run(fails, 1, SystemExit)


def test_leftovers(place):
    ended = []

    def lingers():
        try:
            gevent.sleep(5)
        finally:
            ended.append(place.now())

    @place.job
    async def job(w):
        await w.sleep(5)

    def answer():
        gevent.spawn(lingers)
        gevent.spawn(job)
        gevent.sleep(1)

    with pytest.raises(
        StillAlive, match=r"job\(\) was alive\n  greenlet lingers was alive, at test_"
    ):
        place.run(answer)
    assert ended == [1]

    def never_begun():
        gevent.spawn_later(3, ended.append, "never")

    with pytest.raises(StillAlive, match="at 0 s"):
        place.run(never_begun)
    place.run(gevent.sleep, 10)
    assert ended == [1]


def test_a_leftover_whose_cleanup_never_ends(place):
    def stubborn():
        try:
            gevent.sleep(5)
        finally:
            Event().wait()

    def answer():
        gevent.spawn(stubborn)
        gevent.sleep(1)

    with pytest.raises(StillAlive):
        place.run(answer)
    place.run(gevent.sleep, 10)


# Lost errors


def test_an_error_of_an_unreferenced_greenlet_is_lost(place):
    def answer():
        gevent.spawn(fails, 1)
        gevent.sleep(2)

    with pytest.raises(LostError, match="after 1"):
        place.run(answer)


def test_an_unretrieved_error_in_a_pool_is_lost(place):
    def answer():
        pool = Pool(2)
        pool.spawn(fails, 1)
        pool.join()

    with place.raises(LostError):
        place.run(answer)


def test_an_error_whose_only_link_is_for_values_is_lost(place):
    def answer():
        gevent.spawn(fails, 1).link_value(print)
        gevent.sleep(2)

    with place.raises(LostError):
        place.run(answer)


def test_an_error_in_a_link_or_a_raw_greenlet_is_lost(place):
    def linked():
        gevent.spawn(gevent.sleep, 1).link(lambda _: fails())
        gevent.sleep(2)

    def raw():
        gevent.spawn_raw(fails, 1)
        gevent.sleep(2)

    for answer in (linked, raw):
        with place.raises(LostError):
            place.run(answer)


def test_a_retrieved_error_is_not_lost(place):
    def waited_for():
        with place.raises(ValueError):
            gevent.spawn(fails, 1).get()

    def asked_later():
        job = gevent.spawn(fails, 1)
        gevent.sleep(2)
        assert not job.successful()
        assert isinstance(job.exception, ValueError)

    def one_by_one():
        jobs = [gevent.spawn(fails, 1), gevent.spawn(fails, 2)]
        for job in gevent.iwait(jobs):
            with place.raises(ValueError):
                job.get()

    def in_a_group():
        group = Group()
        group.spawn(fails, 1)
        group.spawn(fails, 2)
        with place.raises(ValueError):
            group.join(raise_error=True)

    def unordered():
        with place.raises(ValueError):
            list(Pool(2).imap_unordered(fails, [1]))

    def looked_at_by_a_bystander():
        job = Pool(1).spawn(fails, 1)
        gevent.sleep(0)
        gevent.sleep(1)  # it wakes at the instant of the failure, right after it
        assert isinstance(job.exception, ValueError)

    def in_threads():
        with place.raises(ZeroDivisionError):
            gevent.get_hub().threadpool.map(lambda x: 1 / x, [1, 0])

    for answer in (
        waited_for,
        asked_later,
        one_by_one,
        in_a_group,
        unordered,
        looked_at_by_a_bystander,
        in_threads,
    ):
        place.run(answer)


def test_an_error_that_ends_the_process_reaches_the_caller(place):
    def answer():
        gevent.spawn(fails, 1, SystemExit)
        gevent.sleep(2)

    with place.raises(SystemExit):
        place.run(answer)
    assert place.run(gevent.sleep, 1) is None


# Deadlock


def test_a_deadlock_names_each_waiter_and_its_wait(place):
    @place.job
    async def job(w):
        await w.forever()

    def answer():
        gevent.spawn(job)
        Queue().get()

    line = answer.__code__.co_firstlineno
    with pytest.raises(Deadlock) as raised:
        place.run(answer)
    assert raised.value.waiters == [
        f"greenlet answer: test_gevent.py:{line + 2}: Queue().get()",
        f"greenlet job: test_gevent.py:{line - 2}: await w.forever(), "
        "in GeventJob.native_forever",
    ]
    place.run(gevent.sleep, 1)
    assert place.returned_at == 1


# Real input


def test_input_comes_before_a_jump_in_time(place):
    def answer():
        reader, writer = os.pipe()
        seen = []

        def read():
            gevent.os.make_nonblocking(reader)
            while got := gevent.os.nb_read(reader, 10):
                seen.append((place.now(), got))
                gevent.sleep(1)
            os.close(reader)

        job = gevent.spawn(read)
        gevent.sleep(1)
        os.write(writer, b"one")
        gevent.sleep(0.5)
        os.write(writer, b"two")
        gevent.sleep(3)
        os.close(writer)
        job.get()
        return seen

    assert place.run(answer) == [(1, b"one"), (2, b"two")]


def test_input_from_outside_is_waited_for(place):
    reader, writer = os.pipe()
    threading.Timer(0.05, os.write, (writer, b"x")).start()

    def answer():
        gevent.socket.wait_read(reader)
        gevent.sleep(1)
        return os.read(reader, 1)

    try:
        assert place.run(answer) == b"x"
    finally:
        os.close(reader)
        os.close(writer)
    assert place.returned_at == 1


def test_sockets_and_select(place):
    def answer():
        ours, theirs = gevent.socket.socketpair()
        with ours, theirs:
            ours.settimeout(1)
            with place.raises(TimeoutError):
                ours.recv(1)
            assert gevent.select.select([ours], [], [], 1) == ([], [], [])
            place.at(3, lambda: gevent.spawn(theirs.sendall, b"x"))
            ready, _, _ = gevent.select.select([ours], [], [], 2)
            return ready == [ours], place.now(), ours.recv(1)

    assert place.run(answer) == (True, 3, b"x")


def test_a_socket_from_before_the_run(place):
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        place.at(2, lambda: gevent.spawn(theirs.sendall, b"x"))
        assert place.run(ours.recv, 1) == b"x"
    assert place.returned_at == 2


# The hub


def test_processes_and_signal_handlers_are_not_covered(place):
    def process():
        import gevent.subprocess

        gevent.subprocess.Popen([sys.executable, "-c", ""])

    def signal():
        gevent.signal_handler(2, print)

    for answer in (process, signal):
        with place.raises(NotCovered):
            place.run(answer)


def test_real_time_between_runs(place):
    place.run(gevent.sleep, 100)
    gevent.sleep(0.001)
    assert gevent.spawn(lambda: "done").get() == "done"
    hub = gevent.get_hub()
    assert "print_exception" not in vars(hub)
    assert hub.threadpool.apply(lambda: time.monotonic() > 0)
    place.run(gevent.sleep, 100)
    assert place.returned_at == 100


@pytest.mark.parametrize("before", range(1, 51))
def test_callbacks_before_a_function_in_real_time_do_not_count(place, before):
    def fires_at_a_sleep_of_zero():
        fired = []
        gevent.spawn_later(0.001, fired.append, "timer")
        time.sleep(0.006)  # longer than the 5 ms after which the hub looks at timers
        gevent.sleep(0)
        return bool(fired)

    gevent.sleep(0.001)
    for _ in range(before):
        gevent.sleep(0)
    assert not place.run_for_real(fires_at_a_sleep_of_zero)


def test_greenlets_are_not_kept(place):
    seen = []

    def answer():
        job = gevent.spawn(gevent.sleep, 1)
        job.join()
        seen.append(weakref.ref(job))

    place.run(answer)
    assert seen[0]() is None


@pytest.mark.parametrize("hub", ["new", "used", "waiting"])
def test_a_hub_that_was_there_before(hub):
    script = f"""
import gevent, gevent.hub
from gevent.event import Event
from gevent.queue import Queue
queue = Queue()
if {hub!r} != "new":
    gevent.sleep(0.001)
if {hub!r} == "waiting":
    gevent.spawn(gevent.sleep, 100)
from concurrency_study.worlds.gevent import GeventWorld
world = GeventWorld()
world.at(2, queue.put, "late")
assert world.run(queue.get) == "late"
world.run(gevent.sleep, 100)
print(world.returned_at)
gevent.sleep(0.001)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if hub == "waiting":
        assert "make the first gevent world before it" in done.stderr
    else:
        assert (done.stdout, done.stderr) == ("100.0\n", "")


def test_a_world_in_another_thread():
    def elsewhere():
        try:
            world = GeventWorld()
            for _ in range(2):
                world.run(gevent.sleep, 100)
                seen.append(world.returned_at)
        finally:
            gevent.get_hub().destroy()

    seen = []
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [100, 100]


def test_a_world_inside_a_greenlet(place):
    def nested():
        GeventWorld().run(gevent.sleep, 1)

    with pytest.raises(RuntimeError, match="outside of all greenlets"):
        place.run(nested)


def test_due_timers_fire_even_if_callbacks_never_end(place):
    def busy():
        def other():
            while time.monotonic() < 20:
                gevent.sleep(0)

        spinning = gevent.spawn(other)
        for _ in range(200):
            time.sleep(0.1)
            gevent.sleep(0)
        spinning.join()

    fired = []
    place.at(2.45, lambda: fired.append(place.now()))
    place.run(busy)
    assert fired == [2.5]


# Native actors


def lives(place):
    return [(a.name, a.kind, a.start, a.end, a.how) for a in place.trace.actors]


def test_every_greenlet_is_a_native_actor(place):
    def nap(seconds):
        gevent.sleep(seconds)

    def answer():
        begun = [gevent.spawn(nap, 1), gevent.spawn(nap, 60), gevent.spawn(fails, 2)]
        gevent.wait(begun[2:])
        gevent.killall(begun)
        with pytest.raises(ValueError, match="after 2"):
            begun[2].get()

    place.watching = True
    place.run(answer)
    assert lives(place) == [
        ("answer", "greenlet", 0, 2, "end"),
        ("nap", "greenlet", 0, 1, "end"),
        ("nap no. 2", "greenlet", 0, 2, "cancelled"),
        ("fails", "greenlet", 0, 2, "error"),
    ]


def test_a_greenlet_that_is_killed_before_it_runs_is_cancelled(place):
    def answer():
        gevent.spawn(gevent.sleep, 1).kill()

    place.watching = True
    place.run(answer)
    assert lives(place)[1] == ("sleep", "greenlet", 0, 0, "cancelled")


def test_watching_a_greenlet_does_not_retrieve_its_error(place):
    def answer():
        gevent.spawn(fails)
        gevent.sleep(1)

    place.watching = True
    with pytest.raises(LostError):
        place.run(answer)


def test_a_greenlet_that_survives_each_kill_is_named(place):
    def survivor():
        while True:
            with contextlib.suppress(gevent.GreenletExit):
                gevent.sleep(5)

    def answer():
        gevent.spawn(survivor)
        gevent.sleep(1)
        return "a result"

    with pytest.raises(StillAlive, match="survivor"):
        place.run(answer)
    assert place.run(answer, leftovers="allow") == "a result"


def test_a_plain_client_of_a_gevent_server_waits_in_virtual_time(place):
    def serve(peer, address):
        peer.recv(10)
        gevent.sleep(3600)
        peer.sendall(b"late")
        peer.close()

    def ask(port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"a question")
            return client.recv(10)

    def answer():
        server = StreamServer(("127.0.0.1", 0), serve)
        server.start()
        try:
            return gevent.get_hub().threadpool.apply(ask, (server.server_port,))
        finally:
            server.stop()

    assert place.run(answer) == b"late"
    assert place.returned_at == 3600


def test_subprocesses_and_signal_handlers_work_between_runs(place):
    place.run(gevent.sleep, 1)
    assert gevent.subprocess.check_output(["echo", "one"]) == b"one\n"
    place.run(gevent.sleep, 1)
    received = Event()
    handler = gevent.signal_handler(signal.SIGUSR1, received.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert received.wait(60)
    handler.cancel()


PATCH = "from gevent import monkey; monkey.patch_all()\n"


@pytest.mark.parametrize("first", ["", PATCH], ids=["late", "early"])
def test_a_process_that_gevent_has_patched(first):
    """Run a file of tests in such a process; patched late, the file does it itself."""
    program = f"{first}import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    file = str(Path(__file__).with_name("patched_by_gevent.py"))
    ended = subprocess.run(
        [sys.executable, "-c", program, "-q", "-p", "no:cacheprovider", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "16 passed" in ended.stdout


@pytest.mark.parametrize("later", [False, True])
def test_a_greenlet_from_before_the_run_is_named(place, later):
    event = Event()

    def set_soon():
        gevent.sleep(60)
        event.set()

    other = gevent.spawn_later(60, event.set) if later else gevent.spawn(set_soon)
    gevent.sleep(0)
    name = "set: has not begun" if later else "set_soon: .*gevent.sleep"
    with pytest.raises(Deadlock) as caught:
        place.run(event.wait)
    (note,) = caught.value.__notes__
    assert "started before it" in note
    assert re.search(f"\n  greenlet {name}", note)
    other.kill()
