"""The two AnyIO worlds: exact instants, no forgotten task, nothing left patched."""

import asyncio
import contextlib
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
    Deadlock,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds.anyio import AnyioOnAsyncioWorld, AnyioOnTrioWorld


@pytest.fixture(params=[AnyioOnAsyncioWorld, AnyioOnTrioWorld], ids=lambda w: w.name)
def place(request):
    return request.param()


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


def test_an_abandoned_worker_is_still_alive_and_is_ended(place):
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
    assert "work(): end" not in str(caught.value)


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
    with pytest.raises(StillAlive, match="task stray was alive, at test_"):
        AnyioOnAsyncioWorld().run(on_asyncio)
    with pytest.raises(StillAlive, match="task stray was alive, at test_"):
        AnyioOnTrioWorld().run(on_trio)


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
