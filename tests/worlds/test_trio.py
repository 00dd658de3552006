"""The trio world: exact instants, no forgotten task, nothing left patched."""

import contextlib
import os
import random
import threading
import time

import pytest
import trio
import trio.testing
from concurrency_study import make_world
from concurrency_study.world import (
    Deadlock,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds.threads import really_sleep
from concurrency_study.worlds.threads.outside import Strangers, real_lock
from concurrency_study.worlds.trio import TrioWorld


@pytest.fixture
def place():
    return TrioWorld()


async def forever():
    await trio.sleep_forever()


# Time


def test_the_clock_is_exact_at_each_deadline(place):
    async def answer():
        for instant in (0.1, 0.3, 1e9 + 0.5, 1e9 + 0.75):
            await trio.sleep_until(instant)
            assert place.clock == trio.current_time() == instant

    place.run(answer)


def test_deadlines_in_the_past_and_at_infinity(place):
    async def answer():
        await trio.sleep(1)
        with trio.move_on_at(-10) as past:
            await trio.sleep(1)
        assert past.cancelled_caught
        with trio.CancelScope(deadline=float("-inf")) as long_past:
            await trio.sleep(1)
        assert long_past.cancelled_caught
        with trio.move_on_after(float("inf")):
            await trio.sleep(1)
        return place.now()

    assert place.run(answer) == 2


def test_wait_all_tasks_blocked_comes_before_a_jump_in_time(place):
    async def answer():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 10)
            await trio.testing.wait_all_tasks_blocked()
            return place.now()

    assert place.run(answer) == 0


def test_everything_is_put_back(place):
    def patched():
        return (
            [getattr(time, name) for name in ("sleep", "time", "monotonic")],
            trio._core._thread_cache.ThreadCache.start_thread_soon,
            trio._threads._send_message_to_trio,
        )

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


# Nurseries, cancellation, timeouts


def test_a_shielded_wait_outlasts_the_deadline_around_it(place):
    async def answer():
        with trio.move_on_after(1) as outer:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)
            await trio.sleep(1)
        return outer.cancelled_caught, place.now()

    assert place.run(answer) == (True, 3)


def test_nested_timeouts(place):
    async def answer():
        with trio.move_on_after(4) as outer:
            with pytest.raises(trio.TooSlowError), trio.fail_after(1.5):
                await trio.sleep(9)
            assert place.now() == 1.5
            with trio.fail_after(9):
                await trio.sleep(9)
        return outer.cancelled_caught, place.now()

    assert place.run(answer) == (True, 4)


def test_at_calls_back_at_its_instant(place):
    say = place.recorder()
    event = trio.Event()
    place.at(3, event.set)
    place.at(1, say, "one")
    place.at(99, say, "never")

    async def answer():
        place.at(2, say, "two")
        await event.wait()
        return place.now()

    assert place.run(answer) == 3
    assert say == [(1, "one"), (2, "two")]


def test_a_callback_runs_even_if_the_loop_never_rests(place):
    async def answer():
        due = []
        place.at(1, due.append, True)
        time.sleep(2)  # noqa: ASYNC251  # it is the question
        while not due:
            await trio.lowlevel.checkpoint()

    place.run(answer)


# Channels, locks


def test_a_channel_carries_values_and_its_end(place):
    say = place.recorder()

    async def producer(channel):
        async with channel:
            for i in range(3):
                await channel.send(i)
                await trio.sleep(1)

    async def answer():
        send, receive = trio.open_memory_channel(0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(producer, send)
            async for value in receive:
                say(value)
        say("end")

    place.run(answer)
    assert say == [(0, 0), (1, 1), (2, 2), (3, "end")]


def test_locks_conditions_and_semaphores(place):
    say = place.recorder()

    async def hold(lock, seconds):
        async with lock:
            await trio.sleep(seconds)
            say(seconds)

    async def wait_for(condition):
        async with condition:
            await condition.wait()
            say("notified")

    async def answer():
        for lock in (trio.Lock(), trio.Semaphore(2), trio.CapacityLimiter(3)):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(hold, lock, 1)
        condition = trio.Condition()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for, condition)
            await trio.sleep(0.5)
            async with condition:
                condition.notify_all()

    place.run(answer)
    instants = [instant for instant, _ in say]
    assert instants == [1, 2, 3, 4, 4, 5, 6, 6, 6, 6.5]


# Worker threads


def test_sleeping_workers_wait_side_by_side_within_the_limit(place):
    async def answer():
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(trio.to_thread.run_sync, time.sleep, 1)

    place.run(answer)
    assert place.returned_at == 3  # trio's own limit is 40


def test_a_separate_limiter(place):
    async def answer():
        limiter = trio.CapacityLimiter(2)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(
                    lambda: trio.to_thread.run_sync(time.sleep, 1, limiter=limiter)
                )

    place.run(answer)
    assert place.returned_at == 3


def test_a_worker_that_waits_for_the_loop_does_not_stop_time(place):
    async def nap():
        await trio.sleep(2)
        return place.now()

    def work():
        time.sleep(1)
        assert trio.from_thread.run_sync(place.now) == 1
        assert trio.from_thread.run(nap) == 3
        time.sleep(1)
        with pytest.raises(KeyError):
            trio.from_thread.run(fail)
        return time.monotonic()

    async def fail():
        await trio.sleep(0.5)
        raise KeyError

    assert place.run(trio.to_thread.run_sync, work) == 4.5


def test_a_worker_of_another_world_is_not_used_after_its_run():
    async def answer():
        await trio.to_thread.run_sync(int)

    make_world("threads").run(trio.run, answer, leftovers="allow")
    trio.run(answer)


def test_a_worker_from_before_that_becomes_idle_does_no_work_of_the_run(place):
    release, idle = real_lock(), real_lock()
    release.acquire()
    idle.acquire()
    # A worker is idle when it delivers its result.
    trio.lowlevel.start_thread_soon(release.acquire, lambda _: idle.release())

    async def main():
        release.release()
        assert idle.acquire(timeout=60)
        await trio.to_thread.run_sync(time.sleep, 2)
        return trio.current_time()

    begin = place.now()
    assert place.run(main) - begin == pytest.approx(2)


def test_an_idle_worker_from_before_is_not_waited_for():
    strangers = Strangers()
    trio.run(trio.to_thread.run_sync, int)
    for _ in range(3_000):  # it becomes idle some steps after its result is there
        names = [thread.name for thread, _ in strangers.found(set())]
        if not any(name.startswith("Trio thread") for name in names):
            break
        really_sleep(0.001)
    else:
        pytest.fail(f"these count as threads that may act: {names}")


def test_an_abandoned_worker_that_waits_for_the_loop(place):
    def work():
        trio.from_thread.run(trio.sleep, 9)

    async def answer():
        with trio.move_on_after(1):
            await trio.to_thread.run_sync(work, abandon_on_cancel=True)

    with pytest.raises(StillAlive) as caught:
        place.run(answer)
    assert "task trio.sleep was alive, at" in str(caught.value)
    assert "a worker thread was alive" in str(caught.value)


def test_a_worker_with_a_token(place):
    def work(token):
        trio.from_thread.run(trio.sleep, 2, trio_token=token)
        return time.monotonic()

    async def answer():
        token = trio.lowlevel.current_trio_token()
        return await trio.to_thread.run_sync(work, token)

    assert place.run(answer) == 2


def test_an_abandoned_worker_is_still_alive_and_is_ended(place):
    @place.blocking
    def work():
        time.sleep(5)

    async def answer():
        with trio.move_on_after(1):
            await trio.to_thread.run_sync(work, abandon_on_cancel=True)

    with pytest.raises(StillAlive) as caught:
        place.run(answer)
    assert "the answer ended at 1 s" in str(caught.value)
    assert "a worker thread was alive" in str(caught.value)
    assert "work(): end" not in str(caught.value)


def test_a_cancelled_call_waits_for_a_worker_that_is_not_abandoned(place):
    async def answer():
        with trio.move_on_after(1):
            await trio.to_thread.run_sync(time.sleep, 5)
        return place.now()

    assert place.run(answer) == 5


# Input from outside


def test_a_stream_over_a_pipe_ends(place, pipe):
    read, write = pipe
    place.at(1, os.write, write, b"one\n")
    place.at(2, os.close, write)

    async def answer():
        async with trio.lowlevel.FdStream(os.dup(read)) as stream:
            return [(place.now(), chunk) async for chunk in stream], place.now()

    assert place.run(answer) == ([(1, b"one\n")], 2)


def test_input_from_another_process_is_waited_for(place, pipe):
    read, write = pipe

    async def answer():
        outsider = threading.Thread(target=os.write, args=(write, b"x"))
        outsider.start()
        await trio.lowlevel.wait_readable(read)
        outsider.join()
        return place.now(), os.read(read, 10)

    assert place.run(answer) == (0, b"x")


def test_subprocesses_are_refused(place):
    async def open_one():
        await trio.lowlevel.open_process(["true"])

    async def run_one():
        await trio.run_process("true", shell=True)

    for answer in (open_one, run_one):
        with place.raises(NotCovered):
            place.run(answer)


# Deadlocks


def test_a_deadlock_names_each_waiter_and_its_line(place):
    async def waiter(event):
        await event.wait()

    async def answer():
        await trio.sleep(3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiter, trio.Event(), name="Anna")
            nursery.start_soon(forever, name="Ben")

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    anna, ben, main = caught.value.waiters
    assert anna.startswith("task Anna: test_trio.py:")
    assert anna.endswith("await event.wait(), in Event.wait")
    assert ben.endswith("await trio.sleep_forever(), in sleep_forever")
    assert main.startswith("task main: test_trio.py:")
    assert "async with trio.open_nursery() as nursery:" in main
    assert place.now() == 3


def test_a_deadlock_is_torn_down_with_cleanup(place):
    say = place.recorder()

    async def answer():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            say("cleaned up")

    with pytest.raises(Deadlock):
        place.run(answer)
    assert say == [(1, "cleaned up")]


def test_a_deadlock_behind_shields(place):
    async def answer():
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.shield = True
            nursery.start_soon(forever)
            with trio.CancelScope(shield=True):
                await trio.sleep_forever()

    with pytest.raises(Deadlock) as caught:
        place.run(answer)
    assert len(caught.value.waiters) == 2


def test_a_deadlock_that_cannot_be_torn_down(place):
    def refuse(raise_cancel):
        return trio.lowlevel.Abort.FAILED

    async def answer():
        await trio.lowlevel.wait_task_rescheduled(refuse)

    with pytest.raises(Deadlock, match="wait_task_rescheduled"):
        place.run(answer)
    assert place.run(trio.sleep, 1) is None


def test_an_answer_that_swallows_the_end_of_a_deadlock(place):
    async def answer():
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            return "fine"

    with pytest.raises(Deadlock):
        place.run(answer)


def test_a_worker_that_waits_for_a_loop_that_waits_for_ever(place):
    def work():
        trio.from_thread.run(trio.sleep_forever)

    async def answer():
        await trio.to_thread.run_sync(work)

    with pytest.raises(Deadlock, match=r"await trio.to_thread.run_sync"):
        place.run(answer)


# Leftovers and lost errors


def test_a_system_task_left_behind_is_named(place):
    async def answer():
        trio.lowlevel.spawn_system_task(forever, name="stray")

    with pytest.raises(StillAlive, match="task stray was alive, at test_"):
        place.run(answer)


def test_a_job_left_behind_is_named(place):
    @place.job
    async def job(w, name):
        await w.sleep(5)

    async def answer():
        trio.lowlevel.spawn_system_task(job, "Anna")
        await trio.sleep(1)

    with pytest.raises(StillAlive, match=r"job\('Anna'\) was alive"):
        place.run(answer)


def test_a_system_task_that_fails(place):
    async def fails():
        raise ValueError("no")

    async def answer():
        trio.lowlevel.spawn_system_task(fails)
        await trio.sleep_forever()

    with pytest.raises(trio.TrioInternalError) as caught:
        place.run(answer)
    assert isinstance(caught.value.__cause__, ValueError | BaseExceptionGroup)


def test_asynchronous_generators_are_finalized(place):
    finalized = []
    kept = []

    async def generate():
        try:
            yield 1
        finally:
            finalized.append(place.now())

    async def answer():
        generator = generate()
        kept.append(generator)
        return await anext(generator)

    assert place.run(answer) == 1
    assert finalized == [0]


def test_a_seed_of_random_replays_the_task_order_of_trio():
    def order(seed):
        async def main():
            async with trio.open_nursery() as nursery:
                for number in range(20):
                    nursery.start_soon(note, number)

        async def note(number):
            seen.append(number)

        seen = []
        random.seed(seed)
        TrioWorld().run(main)
        return seen

    assert order(1) == order(1)
    assert order(1) != order(2)


# Native actors


def lives(place):
    return [(a.name, a.kind, a.start, a.end, a.how) for a in place.trace.actors]


def test_every_task_is_a_native_actor(place):
    async def nap(seconds):
        await trio.sleep(seconds)

    async def fail():
        await trio.sleep(2)
        raise ValueError("no")

    async def answer():
        with contextlib.suppress(ExceptionGroup):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(nap, 1)
                nursery.start_soon(nap, 60)
                nursery.start_soon(fail, name="shaky")

    place.watching = True
    place.run(answer)
    assert lives(place) == [
        ("answer", "task", 0, 2, "end"),
        ("nap", "task", 0, 1, "end"),
        ("nap no. 2", "task", 0, 2, "cancelled"),
        ("shaky", "task", 0, 2, "error"),
    ]


def test_the_own_tasks_and_methods_of_trio_are_not_watched(place):
    exited = trio._core._run.Runner.task_exited

    async def answer():
        trio.lowlevel.current_trio_token().run_sync_soon(lambda: None)
        await trio.sleep(1)

    place.watching = True
    place.run(answer)
    assert lives(place) == [("answer", "task", 0, 1, "end")]
    assert trio._core._run.Runner.task_exited is exited


def test_a_lock_is_fair_under_every_schedule(place):
    async def answer():
        lock, asked, got = trio.Lock(), [], []

        async def takes(number):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.lowlevel.checkpoint)
            asked.append(number)
            async with lock:
                got.append(number)
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(takes, number)
        assert got == asked

    assert place.explore(answer, schedules=200).different > 1
