"""The two AnyIO worlds: exact instants, no forgotten task, nothing left patched."""

import asyncio
import contextlib
import os
import threading
import time

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio
from anyio._backends import _asyncio as backend
from concurrency_study.world import (
    CANCELLED,
    Deadlock,
    LostError,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds.anyio import AnyioOnAsyncioWorld, AnyioOnTrioWorld


@pytest.fixture(params=[AnyioOnAsyncioWorld, AnyioOnTrioWorld], ids=lambda w: w.name)
def place(request):
    return request.param()


@pytest.fixture
def pipe():
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


async def forever():
    await anyio.sleep_forever()


# Time


def test_the_answer_runs_as_under_anyio_run():
    async def answer():
        return anyio.get_cancelled_exc_class()

    worlds = AnyioOnAsyncioWorld(), AnyioOnTrioWorld()
    assert [world.run(answer) for world in worlds] == [
        asyncio.CancelledError,
        trio.Cancelled,
    ]
    assert [world.Cancelled for world in worlds] == [
        asyncio.CancelledError,
        trio.Cancelled,
    ]


def test_sleepers_wake_in_the_order_of_their_instants(place):
    say = place.recorder()

    async def sleeper(seconds):
        await anyio.sleep(seconds)
        say(seconds)

    async def answer():
        async with anyio.create_task_group() as group:
            for seconds in (3, 1, 0.5, 3600):
                group.start_soon(sleeper, seconds)

    place.run(answer)
    assert say == [(0.5, 0.5), (1, 1), (3, 3), (3600, 3600)]
    assert place.returned_at == 3600


def test_every_clock_is_virtual_on_the_loop_and_in_workers(place):
    def clocks():
        return time.monotonic(), time.time(), time.perf_counter()

    async def answer():
        await anyio.sleep(7)
        assert anyio.current_time() == 7
        return clocks(), await anyio.to_thread.run_sync(clocks)

    assert place.run(answer) == ((7, 7, 7),) * 2


def test_time_sleep_on_the_loop_blocks_every_task(place):
    say = place.recorder()

    async def sleeper():
        await anyio.sleep(1)
        say("awake")

    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(sleeper)
            await anyio.sleep(0.5)
            time.sleep(5)  # noqa: ASYNC251  # it is the question
            say("held up")

    place.run(answer)
    assert say == [(5.5, "held up"), (5.5, "awake")]


def test_ten_thousand_tasks(place):
    async def answer():
        async with anyio.create_task_group() as group:
            for i in range(10_000):
                group.start_soon(anyio.sleep, i % 100)

    place.run(answer)
    assert place.returned_at == 99


def test_a_world_runs_several_things_each_from_zero(place):
    @place.job
    async def job(w, seconds):
        await w.sleep(seconds)
        return w.now()

    assert [place.run(job, 2), place.run(job, 1)] == [2, 1]
    assert place.trace.when("end") == [(1, "job(1)")]


def test_everything_is_put_back(place):
    def patched():
        return (
            [getattr(time, name) for name in ("sleep", "time", "monotonic")],
            backend.WorkerThread,
            asyncio.run_coroutine_threadsafe,
            trio._core._thread_cache.ThreadCache.start_thread_soon,
            trio._threads._send_message_to_trio,
        )

    async def fails():
        assert patched() != before
        raise KeyError

    before = patched()
    with place.raises(KeyError):
        place.run(fails)
    assert patched() == before
    with pytest.raises(Deadlock):
        place.run(forever)
    assert patched() == before


# Task groups, cancellation, timeouts


def test_an_error_cancels_the_siblings_which_clean_up(place):
    @place.job
    async def cleaner(w):
        try:
            await w.forever()
        finally:
            with anyio.CancelScope(shield=True):
                await w.sleep(1)

    @place.job
    async def fails(w):
        await w.sleep(2)
        raise ValueError("no")

    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(cleaner)
            group.start_soon(fails)

    with place.raises(ValueError) as raised:
        place.run(answer)
    assert str(raised.value) == "no"
    assert place.returned_at == 3
    assert place.trace.when("error") == [(2, "fails()")]
    assert place.trace.when("cancelled") == [(3, "cleaner()")]


def test_nested_timeouts(place):
    async def answer():
        with anyio.move_on_after(4) as outer:
            with pytest.raises(TimeoutError), anyio.fail_after(1.5):
                await anyio.sleep(9)
            assert place.now() == 1.5
            with anyio.fail_after(9):
                await anyio.sleep(9)
        return outer.cancelled_caught, place.now()

    assert place.run(answer) == (True, 4)


def test_a_shielded_wait_outlasts_the_deadline_around_it(place):
    async def answer():
        with anyio.move_on_after(1) as outer:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(3)
            await anyio.sleep(1)
        return outer.cancelled_caught, place.now()

    assert place.run(answer) == (True, 3)


def test_a_task_that_reports_that_it_has_started(place):
    async def server(*, task_status):
        await anyio.sleep(2)
        task_status.started(place.now())
        await anyio.sleep(1)

    async def answer():
        async with anyio.create_task_group() as group:
            assert await group.start(server) == 2
        return place.now()

    assert place.run(answer) == 3


def test_cancel_at_ends_the_answer_with_its_cleanup(place):
    @place.job
    async def job(w):
        try:
            await w.forever()
        except w.Cancelled:
            w.note("cleaning up")
            raise

    assert place.run(job, cancel_at=2) == CANCELLED
    assert place.returned_at == 2
    assert place.trace.when("cancelled") == [(2, "job()")]


def test_cancel_at_stops_a_whole_group(place):
    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(forever)
            group.start_soon(forever)

    assert place.run(answer, cancel_at=2) == CANCELLED


def test_an_answer_may_ignore_its_cancellation(place):
    async def answer():
        try:
            await anyio.sleep_forever()
        except place.Cancelled:
            return "so what"

    assert place.run(answer, cancel_at=2) == "so what"


def test_an_answer_may_end_before_its_cancellation(place):
    async def answer():
        await anyio.sleep(1)
        return "done"

    assert place.run(answer, cancel_at=2) == "done"
    assert place.returned_at == 1


def test_an_error_while_cancelled_reaches_the_caller(place):
    async def fails():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("while cleaning up")

    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(fails)
            group.start_soon(forever)

    with place.raises(ValueError):
        place.run(answer, cancel_at=1)
    assert place.returned_at == 1


def test_at_calls_back_at_its_instant(place):
    say = place.recorder()
    place.at(1, say, "one")
    place.at(99, say, "never")

    async def answer():
        event = anyio.Event()
        place.at(2, say, "two")
        place.at(3, event.set)
        await event.wait()
        return place.now()

    assert place.run(answer) == 3
    assert say == [(1, "one"), (2, "two")]


def test_an_error_in_a_callback_fails_the_run(place):
    place.at(1, lambda: 1 / 0)
    with pytest.raises(LostError, match="ZeroDivisionError"):
        place.run(anyio.sleep, 2)


# Streams, locks


def test_a_stream_carries_values_and_its_end(place):
    say = place.recorder()

    async def producer(stream):
        async with stream:
            for i in range(3):
                await stream.send(i)
                await anyio.sleep(1)

    async def answer():
        send, receive = anyio.create_memory_object_stream(0)
        async with anyio.create_task_group() as group, receive:
            group.start_soon(producer, send)
            async for value in receive:
                say(value)
        say("end")

    place.run(answer)
    assert say == [(0, 0), (1, 1), (2, 2), (3, "end")]


def test_locks_conditions_and_semaphores(place):
    say = place.recorder()

    async def hold(lock, seconds):
        async with lock:
            await anyio.sleep(seconds)
            say(seconds)

    async def wait_for(condition):
        async with condition:
            await condition.wait()
            say("notified")

    async def answer():
        for lock in (anyio.Lock(), anyio.Semaphore(2), anyio.CapacityLimiter(3)):
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(hold, lock, 1)
        condition = anyio.Condition()
        async with anyio.create_task_group() as group:
            group.start_soon(wait_for, condition)
            await anyio.sleep(0.5)
            async with condition:
                condition.notify_all()

    place.run(answer)
    instants = [instant for instant, _ in say]
    assert instants == [1, 2, 3, 4, 4, 5, 6, 6, 6, 6.5]


# Worker threads


def test_sleeping_workers_wait_side_by_side_within_the_limit(place):
    async def answer():
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(anyio.to_thread.run_sync, time.sleep, 1)

    place.run(answer)
    assert place.returned_at == 3  # AnyIO's own limit is 40


def test_a_separate_limiter(place):
    async def work(limiter):
        await anyio.to_thread.run_sync(time.sleep, 1, limiter=limiter)

    async def answer():
        limiter = anyio.CapacityLimiter(2)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(work, limiter)

    place.run(answer)
    assert place.returned_at == 3


def test_time_stands_still_while_a_worker_works(place):
    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 1)
            await anyio.to_thread.run_sync(sum, range(1_000_000))
            assert place.now() == 0

    place.run(answer)
    assert place.returned_at == 1


def test_workers_and_loop_timers_mix(place):
    say = place.recorder()

    def work():
        for i in range(3):
            time.sleep(1)
            say(f"worker {i}")

    async def ticker():
        for i in range(3):
            await anyio.sleep(0.75)
            say(f"tick {i}")

    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, work)
            group.start_soon(ticker)

    place.run(answer)
    assert say == [
        (0.75, "tick 0"),
        (1, "worker 0"),
        (1.5, "tick 1"),
        (2, "worker 1"),
        (2.25, "tick 2"),
        (3, "worker 2"),
    ]


def test_an_error_in_a_worker_reaches_its_waiter(place):
    @place.blocking
    def work():
        time.sleep(2)
        raise ValueError("no")

    with place.raises(ValueError):
        place.run(anyio.to_thread.run_sync, work)
    assert place.trace.of("work()") == [(0, "start"), (2, "error")]


def test_a_worker_that_waits_for_the_loop_does_not_stop_time(place):
    async def nap():
        await anyio.sleep(2)
        return place.now()

    async def fail():
        await anyio.sleep(0.5)
        raise KeyError

    def work():
        time.sleep(1)
        assert anyio.from_thread.run_sync(place.now) == 1
        assert anyio.from_thread.run(nap) == 3
        time.sleep(1)
        with pytest.raises(KeyError):
            anyio.from_thread.run(fail)
        return time.monotonic()

    assert place.run(anyio.to_thread.run_sync, work) == 4.5


def test_an_abandoned_worker_is_still_alive_and_runs_to_its_end(place):
    @place.blocking
    def work():
        time.sleep(5)

    async def answer():
        with anyio.move_on_after(1):
            await anyio.to_thread.run_sync(work, abandon_on_cancel=True)

    with pytest.raises(StillAlive) as caught:
        place.run(answer)
    assert "the answer ended at 1 s" in str(caught.value)
    assert "a worker thread was alive" in str(caught.value)
    assert "work(): end at 5 s" in str(caught.value)


def test_a_worker_is_forgotten_once_it_has_a_result(place):
    for _ in range(100):
        place.run(anyio.to_thread.run_sync, int)


def test_a_cancelled_call_waits_for_a_worker_that_is_not_abandoned(place):
    async def answer():
        with anyio.move_on_after(1):
            await anyio.to_thread.run_sync(time.sleep, 5)
        return place.now()

    assert place.run(answer) == 5


def test_threads_end_with_the_run():
    before = set(threading.enumerate())
    AnyioOnAsyncioWorld().run(anyio.to_thread.run_sync, int)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()


# Input from outside


def test_available_input_comes_before_a_jump_in_time(place, pipe):
    read, write = pipe
    say = place.recorder()
    for instant in (1, 2):
        place.at(instant, os.write, write, b"x")

    async def reader():
        for _ in range(2):
            await anyio.wait_readable(read)
            say(os.read(read, 10))

    async def answer():
        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            group.start_soon(anyio.sleep, 100)

    place.run(answer)
    assert say == [(1, b"x"), (2, b"x")]


def test_a_file_is_read_in_a_worker(place, tmp_path):
    path = anyio.Path(tmp_path / "file")

    async def answer():
        await path.write_text("hello")
        await anyio.sleep(1)
        return await path.read_text()

    assert place.run(answer) == "hello"


def test_sockets_of_one_loop_talk_to_each_other(place):
    async def serve(stream):
        async with stream:
            await anyio.sleep(2)
            await stream.send(b"hello")

    async def answer():
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            anyio.create_task_group() as group,
        ):
            group.start_soon(listener.serve, serve)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                assert await stream.receive() == b"hello"
            group.cancel_scope.cancel()
        return place.now()

    assert place.run(answer) == 2


def test_subprocesses_are_refused(place):
    with place.raises(NotCovered):
        place.run(anyio.run_process, ["true"])


# Deadlocks and leftovers


def test_a_deadlock_names_each_waiter_and_its_line(place):
    async def waiter(event):
        await event.wait()

    async def answer():
        await anyio.sleep(3)
        async with anyio.create_task_group() as group:
            group.start_soon(waiter, anyio.Event(), name="Anna")
            group.start_soon(forever, name="Ben")

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    anna, ben, main = sorted(caught.value.waiters)
    assert anna.startswith("task Anna: test_anyio.py:")
    assert anna.endswith("await event.wait(), in Event.wait")
    assert ben.startswith("task Ben: test_anyio.py:")
    assert "await anyio.sleep_forever()" in ben
    assert main.startswith("task main: test_anyio.py:")
    assert "async with anyio.create_task_group() as group:" in main
    assert place.now() == 3


def test_a_deadlock_behind_shields(place):
    async def answer():
        async with anyio.create_task_group() as group:
            group.cancel_scope.shield = True
            group.start_soon(forever)
            with anyio.CancelScope(shield=True):
                await anyio.sleep_forever()

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    assert len(caught.value.waiters) == 2


def test_a_worker_that_waits_for_a_loop_that_waits_for_ever(place):
    def work():
        anyio.from_thread.run(anyio.sleep_forever)

    async def answer():
        await anyio.to_thread.run_sync(work)

    with pytest.raises(Deadlock, match=r"anyio.to_thread.run_sync\(work\)"):
        place.run(answer)


def test_a_native_task_left_behind_is_named():
    async def on_asyncio():
        kept.append(asyncio.create_task(forever(), name="stray"))

    async def on_trio():
        trio.lowlevel.spawn_system_task(forever, name="stray")

    kept = []
    with pytest.raises(StillAlive, match="task stray was alive"):
        AnyioOnAsyncioWorld().run(on_asyncio)
    with pytest.raises(StillAlive, match="task stray was alive"):
        AnyioOnTrioWorld().run(on_trio)


def test_jobs_in_the_trace(place):
    @place.job
    async def job(w, seconds):
        w.note("hello")
        await w.sleep(seconds)

    async def answer():
        async with anyio.create_task_group() as group:
            for seconds in (1, 2):
                group.start_soon(job, seconds)

    place.run(answer)
    assert place.trace.most_at_once() == 2
    assert place.trace.when("end") == [(1, "job(1)"), (2, "job(2)")]


# Native actors


def lives(place):
    return [(a.name, a.kind, a.start, a.end, a.how) for a in place.trace.actors]


def test_every_task_is_a_native_actor(place):
    async def nap(seconds):
        await anyio.sleep(seconds)

    async def fail():
        await anyio.sleep(2)
        raise ValueError("no")

    async def answer():
        with contextlib.suppress(ExceptionGroup):
            async with anyio.create_task_group() as group:
                group.start_soon(nap, 1)
                group.start_soon(nap, 60)
                group.start_soon(fail)

    place.watching = True
    place.run(answer)
    assert lives(place) == [
        ("answer", "task", 0, 2, "end"),
        ("nap", "task", 0, 1, "end"),
        ("nap no. 2", "task", 0, 2, "cancelled"),
        ("fail", "task", 0, 2, "error"),
    ]


def test_a_call_in_a_thread_is_an_actor_with_its_own_events(place):
    say = place.recorder()

    def work():
        time.sleep(2)
        say("done")

    async def answer():
        await anyio.to_thread.run_sync(work)

    place.watching = True
    place.run(answer)
    assert lives(place)[1] == ("thread", "worker thread", 0, 2, "end")
    assert [event.by for event in place.trace] == ["thread"]
