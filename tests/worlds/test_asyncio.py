"""The asyncio world: exact instants, no forgotten task, nothing left patched."""

import asyncio
import contextlib
import functools
import os
import re
import signal
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from concurrency_study.world import (
    Deadlock,
    LostError,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds.asyncio import AsyncioEagerWorld, AsyncioWorld

WORLDS = [AsyncioWorld, AsyncioEagerWorld][: 1 + (sys.version_info >= (3, 12))]


@pytest.fixture(params=WORLDS, ids=lambda world: world.name)
def place(request):
    return request.param()


async def forever():
    await asyncio.get_running_loop().create_future()


# Time


def test_timers_are_exact_at_any_time(place):
    instants = [0.1, 0.3, 1e9 + 0.5, 1e9 + 0.75, 1e15, 1e15 + 0.5]
    seen = []

    async def answer():
        loop = asyncio.get_running_loop()
        end = loop.create_future()
        for instant in instants:
            loop.call_at(instant, lambda: seen.append(loop.time()))
        loop.call_at(1e15 + 2, end.set_result, None)
        await end

    place.run(answer)
    assert seen == instants


def test_everything_is_put_back(place):
    def patched():
        # A tuple, because a run would replace what a list holds.
        here = time.sleep, time.time, time.monotonic
        return here, asyncio.run_coroutine_threadsafe

    async def fails():
        assert patched() != before
        raise KeyError

    before = patched()
    with pytest.raises(KeyError):
        place.run(fails)
    assert patched() == before
    with pytest.raises(Deadlock):
        place.run(forever)
    assert patched() == before


# Tasks, cancellation, timeouts


def test_nested_timeouts(place):
    async def answer():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.sleep(9), 1.5)
                assert place.now() == 1.5
                async with asyncio.timeout(9):
                    await asyncio.sleep(9)
        assert place.now() == 4
        async with asyncio.timeout(None):
            await asyncio.sleep(1)
        return place.now()

    assert place.run(answer) == 5


def test_as_completed_gather_and_wait(place):
    say = place.recorder()

    async def answer():
        for next_one in asyncio.as_completed([asyncio.sleep(s, s) for s in (2, 1)]):
            say(await next_one)
        results = await asyncio.gather(asyncio.sleep(2, "two"), asyncio.sleep(1, "one"))
        say(*results)
        tasks = [asyncio.create_task(asyncio.sleep(s)) for s in (1, 5)]
        done, pending = await asyncio.wait(tasks, timeout=3)
        say(len(done), len(pending))
        tasks[1].cancel()
        await asyncio.wait(pending)
        with contextlib.suppress(TimeoutError):
            for next_one in asyncio.as_completed([asyncio.sleep(3)], timeout=2):
                await next_one
        say("timeout")
        await asyncio.sleep(1)

    place.run(answer)
    assert say == [
        (1, 1),
        (2, 2),
        (4, "two", "one"),
        (7, 1, 1),
        (9, "timeout"),
    ]


def test_an_answer_that_cancels_itself(place):
    async def answer():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        place.run(answer)


def test_at_calls_back_at_its_instant(place):
    say = place.recorder()
    place.at(1, say, "one")
    place.at(99, say, "never")

    async def answer():
        event = asyncio.Event()
        place.at(2, say, "two")
        place.at(3, event.set)
        await event.wait()
        return place.now()

    assert place.run(answer) == 3
    assert say == [(1, "one"), (2, "two")]


# Queues, locks


def test_a_bounded_queue(place):
    say = place.recorder()

    async def producer(queue):
        for i in range(4):
            await queue.put(i)
            say("put", i)

    async def answer():
        queue = asyncio.Queue(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(producer(queue))
            for _ in range(4):
                await asyncio.sleep(1)
                await queue.get()
                queue.task_done()
            await queue.join()

    place.run(answer)
    assert say == [(0, "put", 0), (1, "put", 1), (2, "put", 2), (3, "put", 3)]
    assert place.returned_at == 4


def test_locks_conditions_semaphores_and_barriers(place):
    say = place.recorder()

    async def hold(lock):
        async with lock:
            await asyncio.sleep(1)
            say("released")

    async def wait_for(condition):
        async with condition:
            await condition.wait()
            say("notified")

    async def meet(barrier, seconds):
        await asyncio.sleep(seconds)
        async with barrier:
            say("met")

    async def answer():
        for lock in (asyncio.Lock(), asyncio.Semaphore(2)):
            await asyncio.gather(*(hold(lock) for _ in range(3)))
        condition = asyncio.Condition()
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for(condition))
            await asyncio.sleep(0.5)
            async with condition:
                condition.notify_all()
        barrier = asyncio.Barrier(2)
        await asyncio.gather(meet(barrier, 1), meet(barrier, 2))

    place.run(answer)
    instants = [instant for instant, _ in say]
    assert instants == [1, 2, 3, 4, 4, 5, 5.5, 7.5, 7.5]


# Worker threads


def test_more_sleeping_workers_than_threads(place):
    async def answer():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32))
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 1) for _ in range(100)))

    place.run(answer)
    assert place.returned_at == 4


def test_a_separate_executor(place):
    async def answer():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(2) as pool:
            work = [loop.run_in_executor(pool, time.sleep, 1) for _ in range(5)]
            await asyncio.gather(*work)

    place.run(answer)
    assert place.returned_at == 3


def test_a_worker_that_waits_for_the_loop_does_not_stop_time(place):
    async def nap():
        await asyncio.sleep(2)
        return place.now()

    async def fail():
        await asyncio.sleep(0.5)
        raise KeyError

    def work(loop):
        time.sleep(1)
        napping = asyncio.run_coroutine_threadsafe(nap(), loop)
        assert napping.result() == 3
        assert napping.result() == 3
        time.sleep(1)
        with pytest.raises(KeyError):
            asyncio.run_coroutine_threadsafe(fail(), loop).result()
        return time.monotonic()

    async def answer():
        return await asyncio.to_thread(work, asyncio.get_running_loop())

    assert place.run(answer) == 4.5


def test_an_abandoned_worker_is_still_alive_and_runs_to_its_end(place):
    @place.blocking
    def work():
        time.sleep(5)
        time.sleep(5)

    async def answer():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(work), 1)

    with pytest.raises(StillAlive) as caught:
        place.run(answer)
    assert "the answer ended at 1 s" in str(caught.value)
    assert "a worker thread was alive" in str(caught.value)
    assert "work(): end at 10 s" in str(caught.value)


def test_an_abandoned_worker_of_a_separate_executor(place):
    async def answer():
        loop = asyncio.get_running_loop()
        pools.append(ThreadPoolExecutor(1))
        loop.run_in_executor(pools[0], time.sleep, 5)
        await asyncio.sleep(1)

    pools = []
    with pytest.raises(StillAlive, match="a worker thread was alive"):
        place.run(answer)
    pools[0].shutdown()


def test_a_cancelled_call_that_has_not_started_is_forgotten(place):
    called = []

    async def answer():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            first = loop.run_in_executor(pool, time.sleep, 2)
            second = loop.run_in_executor(pool, called.append, 1)
            await asyncio.sleep(1)
            second.cancel()
            await first
            await asyncio.sleep(1)
        return place.now()

    assert place.run(answer) == 3
    assert called == []


def test_a_cancelled_call_is_not_left_behind(place):
    async def answer():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            first = loop.run_in_executor(pool, time.sleep, 2)
            second = loop.run_in_executor(pool, time.sleep, 9)
            loop.call_at(1, second.cancel)
            with pytest.raises(asyncio.CancelledError):
                await second
            assert place.unfinished == 1
            await first

    place.run(answer)
    assert place.returned_at == 2


def test_threads_end_with_the_run(place):
    before = set(threading.enumerate())
    place.run(asyncio.to_thread, int)
    assert set(threading.enumerate()) <= before


def test_a_thread_wakes_a_loop_that_has_not_waited_before(place):
    async def answer():
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        wake = functools.partial(loop.call_soon_threadsafe, woken.set_result, "woken")
        thread = threading.Thread(target=wake)
        thread.start()
        value = await woken
        thread.join()
        return value

    assert place.run(answer) == "woken"
    assert place.returned_at == 0


@pytest.mark.parametrize("way", ["run", "explore"])
def test_a_loop_opens_its_descriptors_before_the_answer_begins(place, way):
    def opened():
        return sorted(os.listdir("/dev/fd"), key=int)

    async def answer():
        before = opened()
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, int)
        assert opened() == before

    before = opened()
    getattr(place, way)(answer)
    assert opened() == before


def test_a_name_lookup_runs_in_a_worker(place):
    async def answer():
        loop = asyncio.get_running_loop()
        return (await loop.getaddrinfo("127.0.0.1", 80))[0][4]

    assert place.run(answer) == ("127.0.0.1", 80)


# Input from outside


def test_available_input_comes_before_a_jump_in_time(place, pipe):
    read, write = pipe
    say = place.recorder()
    for instant in (1, 2):
        place.at(instant, os.write, write, b"x")

    async def answer():
        loop = asyncio.get_running_loop()
        loop.add_reader(read, lambda: say(os.read(read, 10)))
        await asyncio.sleep(100)
        loop.remove_reader(read)

    place.run(answer)
    assert say == [(1, b"x"), (2, b"x")]


def test_a_stream_over_a_pipe_ends(place, pipe):
    read, write = pipe
    place.at(1, os.write, write, b"one\ntw")
    place.at(2, os.write, write, b"o\n")
    place.at(3, os.close, write)

    async def answer():
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            functools.partial(asyncio.StreamReaderProtocol, reader),
            os.fdopen(os.dup(read), "rb", buffering=0),
        )
        lines = [(place.now(), line) async for line in reader]
        transport.close()
        return lines, place.now()

    assert place.run(answer) == ([(1, b"one\n"), (2, b"two\n")], 3)


def test_input_from_another_thread_is_waited_for(place, pipe):
    read, write = pipe

    async def answer():
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(read, readable.set)
        outsider = threading.Thread(target=os.write, args=(write, b"x"))
        outsider.start()
        await readable.wait()
        outsider.join()
        loop.remove_reader(read)
        return place.now(), os.read(read, 10)

    assert place.run(answer) == (0, b"x")


def test_sockets_of_one_loop_talk_to_each_other(place):
    async def serve(reader, writer):
        await asyncio.sleep(2)
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()

    async def answer():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return line, place.now()

    assert place.run(answer) == (b"hello\n", 2)


def test_subprocesses_are_refused(place):
    with pytest.raises(NotCovered):
        place.run(asyncio.create_subprocess_exec, "true")
    with pytest.raises(NotCovered):
        place.run(asyncio.create_subprocess_shell, "true")


# Deadlocks


def test_a_deadlock_names_each_waiter_and_its_line(place):
    async def waiter(event):
        await event.wait()

    async def answer():
        await asyncio.sleep(3)
        async with asyncio.TaskGroup() as group:
            group.create_task(waiter(asyncio.Event()), name="Anna")
            group.create_task(forever(), name="Ben")

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    anna, ben, main = caught.value.waiters
    assert anna.startswith("task Anna: test_asyncio.py:")
    assert anna.endswith("await event.wait(), in Event.wait")
    assert ben.endswith("await asyncio.get_running_loop().create_future()")
    assert main.startswith("task main: test_asyncio.py:")
    assert "async with asyncio.TaskGroup() as group:" in main
    assert place.now() == 3


def test_sleeping_for_ever_is_a_deadlock(place):
    with pytest.raises(Deadlock):
        place.run(asyncio.sleep, float("inf"))


def test_a_deadlock_is_torn_down_with_cleanup(place):
    say = place.recorder()

    async def answer():
        try:
            await forever()
        finally:
            await asyncio.sleep(1)
            say("cleaned up")

    with pytest.raises(Deadlock):
        place.run(answer)
    assert say == [(1, "cleaned up")]


def test_a_deadlock_that_cannot_be_torn_down(place):
    async def answer():
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    assert caught.value.waiters[0].startswith("task main: test_asyncio.py:")
    assert place.run(asyncio.sleep, 1, "next") == "next"


def test_an_answer_that_swallows_the_end_of_a_deadlock(place):
    async def answer():
        try:
            await forever()
        except asyncio.CancelledError:
            return "fine"

    with pytest.raises(Deadlock):
        place.run(answer)


def test_a_worker_that_waits_for_a_loop_that_waits_for_ever(place):
    def work(loop):
        asyncio.run_coroutine_threadsafe(forever(), loop).result()

    async def answer():
        await asyncio.to_thread(work, asyncio.get_running_loop())

    with pytest.raises(Deadlock, match=r"await asyncio.to_thread\(work"):
        place.run(answer)


# Leftovers and lost errors


def test_a_task_left_behind_is_named(place):
    kept = []

    async def answer():
        kept.append(asyncio.create_task(forever(), name="stray"))
        await asyncio.sleep(1)

    with pytest.raises(StillAlive, match="task stray was alive, at test_"):
        place.run(answer)
    assert kept[0].cancelled()


def test_a_job_left_behind_is_named_with_its_later_events(place):
    @place.job
    async def job(w, name):
        try:
            await w.sleep(5)
        finally:
            w.note("cleaning up")

    async def answer():
        kept.append(asyncio.create_task(job("Anna")))
        await asyncio.sleep(1)

    kept = []
    with pytest.raises(StillAlive) as caught:
        place.run(answer)
    assert "job('Anna') was alive" in str(caught.value)
    assert "afterwards, job('Anna'): cancelled at 1 s" in str(caught.value)


def test_an_unretrieved_error_of_a_task_is_lost(place):
    async def fails():
        raise ValueError("lost")

    async def answer(kept):
        kept.append(asyncio.create_task(fails()))
        await asyncio.sleep(1)
        kept.clear()

    for kept in ([], Deaf()):  # collected while the loop runs, or afterwards
        with pytest.raises(LostError, match="lost") as caught:
            place.run(answer, kept)
        assert isinstance(caught.value.__cause__, ValueError)
        assert len(place.this_run.lost) == 1
    assert place.run(asyncio.sleep, 1, "next") == "next"


class Deaf(list):
    def clear(self):
        pass


def test_an_error_in_a_callback_of_the_loop_is_lost(place):
    async def answer():
        asyncio.get_running_loop().call_later(1, lambda: 1 / 0)
        await asyncio.sleep(2)

    with pytest.raises(LostError, match="ZeroDivisionError"):
        place.run(answer)


def test_a_retrieved_error_is_not_lost(place):
    async def fails():
        raise ValueError("no")

    async def answer():
        results = await asyncio.gather(fails(), fails(), return_exceptions=True)
        return len(results)

    assert place.run(answer) == 2


def test_asynchronous_generators_are_finalized(place):
    finalized = []
    kept = []

    async def generate():
        try:
            yield 1
        finally:
            await asyncio.sleep(1)
            finalized.append(place.now())

    async def answer():
        generator = generate()
        kept.append(generator)
        return await anext(generator)

    assert place.run(answer) == 1
    assert finalized == [1]


def test_a_function_of_another_colour_is_refused_before_it_runs():
    ran = []

    def plain():
        ran.append("it")

    with pytest.raises(TypeError, match="'asyncio' runs async functions, and plain"):
        AsyncioWorld().run(plain)
    with pytest.raises(TypeError, match="sleep is not one"):
        AsyncioWorld().run(time.sleep, 3600)
    with pytest.raises(TypeError, match="takes a function and its arguments"):
        AsyncioWorld().run(asyncio.sleep(1))
    assert not ran


# Native actors


def lives(place):
    return [(a.name, a.kind, a.start, a.end, a.how) for a in place.trace.actors]


def test_every_task_is_a_native_actor(place):
    async def nap(seconds):
        await asyncio.sleep(seconds)

    async def fail():
        await asyncio.sleep(2)
        raise ValueError("no")

    async def answer():
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(nap(1))
                group.create_task(nap(60))
                group.create_task(fail())

    place.watching = True
    place.run(answer)
    assert lives(place) == [
        ("answer", "task", 0, 2, "end"),
        ("nap", "task", 0, 1, "end"),
        ("nap no. 2", "task", 0, 2, "cancelled"),
        ("fail", "task", 0, 2, "error"),
    ]


def test_a_task_left_behind_has_no_end(place):
    async def answer():
        answer.loser = asyncio.create_task(forever())
        await asyncio.sleep(1)

    place.watching = True
    with pytest.raises(StillAlive):
        place.run(answer)
    assert lives(place)[1] == ("forever", "task", 0, None, "")


def test_watching_a_task_does_not_retrieve_its_error(place):
    async def fail():
        raise ValueError("no")

    async def answer():
        task = asyncio.create_task(fail())
        await asyncio.wait([task])

    place.watching = True
    with pytest.raises(LostError):
        place.run(answer)


def test_a_mocked_time_of_the_loop_decides_when_timers_fire(place, monkeypatch):
    async def answer():
        loop, now = asyncio.get_running_loop(), [0]
        monkeypatch.setattr(loop, "time", lambda: now[0])
        timer = loop.create_future()
        loop.call_at(1, timer.set_result, None)
        await asyncio.wait([timer], timeout=0)
        assert not timer.done()
        now[0] = 1
        await asyncio.wait([timer], timeout=0)
        return timer.done()

    assert place.run(answer)


def test_ctrl_c_reaches_the_caller(place):
    async def answer():
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        place.run(answer)


def test_a_timer_of_the_system_calls_the_handler_of_the_loop(place):
    async def answer():
        rung = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGALRM, rung.set)
        signal.setitimer(signal.ITIMER_REAL, 5)
        await rung.wait()

    place.run(answer)
    assert place.returned_at == 5


# Schedules


@pytest.mark.world("asyncio")
def test_the_readme_shows_what_a_search_finds(world, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(import asyncio\n.*?)```", readme, re.S)
    (tmp_path / "test_counter.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    counter = import_module("test_counter")
    world.run(counter.test_two_visits_are_counted, world)
    with pytest.raises(AssertionError) as raised:
        world.explore(counter.test_two_visits_are_counted, world)
    (note,) = raised.value.__notes__
    assert textwrap.indent(note, "    ") in readme


def test_callbacks_keep_their_order_under_every_schedule(place):
    async def answer():
        called = []
        loop = asyncio.get_running_loop()

        async def task():
            await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                loop.call_soon(called.append, number)
                group.create_task(task())
            await asyncio.sleep(0.5)
        assert called == [0, 1, 2, 3]

    assert place.explore(answer, schedules=200).different > 1


def test_a_lock_is_fair_under_every_schedule(place):
    async def answer():
        lock, asked, got = asyncio.Lock(), [], []

        async def takes(number):
            asked.append(number)
            async with lock:
                got.append(number)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(takes(number))
        assert got == asked

    assert place.explore(answer, schedules=200).different > 1
