"""Places that a task may yield, owners of locks, and fairness."""

from __future__ import annotations

import contextlib
import gc
import os
import signal

import pytest
from generators_study.kernel import (
    Cancelled,
    CancelScope,
    Channel,
    Deadlock,
    Event,
    Group,
    Lock,
    checkpoint,
    current_kernel,
    current_task,
    move_on_after,
    open_group,
    run,
    sleep,
    sleep_forever,
    sleep_until,
    wait_readable,
)

pytestmark = pytest.mark.world("generators")


@pytest.fixture
def said():
    return []


@pytest.fixture
def say(world, said):
    return lambda what: said.append((world.now(), what))


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


# Locks


def test_a_lock_is_exclusive_and_fair(world, said, say):
    def worker(lock, name):
        yield from lock.acquire()
        assert lock.owner is current_task()
        say(name)
        yield from sleep(1)
        lock.release()

    def body(group):
        lock = Lock()
        for name in "abc":
            group.spawn(worker, lock, name)

    world.run(open_group, body)
    assert said == [(0, "a"), (1, "b"), (2, "c")]


def test_a_lock_cannot_be_acquired_twice_by_the_same_task():
    def main():
        lock = Lock()
        yield from lock.acquire()
        with pytest.raises(RuntimeError, match="main holds the lock already"):
            yield from lock.acquire()
        lock.release()
        yield from lock.acquire()
        return lock.owner is current_task()

    assert run(main) is True


def test_only_the_owner_can_release_a_lock():
    def other(lock):
        with pytest.raises(RuntimeError, match="other does not hold the lock"):
            lock.release()
        yield from ()

    def body(group):
        lock = Lock()
        with pytest.raises(RuntimeError, match="main does not hold"):
            lock.release()
        yield from lock.acquire()
        yield from group.spawn(other, lock).join()
        assert lock.owner is current_task()
        lock.release()
        assert lock.owner is None

    run(open_group, body)


def test_a_releasing_task_cannot_overtake_the_next_waiter(said):
    def worker(lock, name):
        yield from lock.acquire()
        said.append(name)
        lock.release()

    def body(group):
        lock = Lock()
        yield from lock.acquire()
        group.spawn(worker, lock, "waiter")
        yield from checkpoint()
        lock.release()
        yield from worker(lock, "main")

    run(open_group, body)
    assert said == ["waiter", "main"]


@pytest.mark.parametrize("cancelled", ["a", "b", "c"])
def test_a_cancelled_waiter_does_not_affect_the_others(world, said, say, cancelled):
    scopes = {name: CancelScope() for name in "abc"}

    def worker(lock, name):
        with scopes[name]:
            yield from lock.acquire()
            say(name)
            yield from sleep(1)
            lock.release()

    def body(group):
        lock = Lock()
        yield from lock.acquire()
        for name in "abc":
            group.spawn(worker, lock, name)
        yield from checkpoint()
        scopes[cancelled].cancel()
        yield from sleep(5)
        lock.release()

    world.run(open_group, body)
    rest = [name for name in "abc" if name != cancelled]
    assert said == [(5, rest[0]), (6, rest[1])]


@pytest.mark.parametrize("order", ["release first", "cancel first"])
def test_a_lock_is_not_lost_by_a_simultaneous_cancellation(order):
    scope = CancelScope()

    def worker(lock):
        with scope:
            yield from lock.acquire()
            try:
                assert lock.owner is current_task()
                yield from checkpoint()  # the cancellation is raised here
            finally:
                lock.release()

    def body(group):
        lock = Lock()
        yield from lock.acquire()
        task = group.spawn(worker, lock)
        yield from checkpoint()
        steps = [lock.release, scope.cancel]
        for step in steps if order == "release first" else reversed(steps):
            step()
        yield from task.join()
        assert lock.owner is None
        yield from lock.acquire()
        return "free"

    assert run(open_group, body) == "free"
    assert scope.cancelled_caught


def test_a_lock_that_is_never_released_is_a_deadlock():
    def holder(lock):
        yield from lock.acquire()

    def body(group):
        lock = Lock()
        yield from group.spawn(holder, lock).join()
        yield from lock.acquire()

    with pytest.raises(Deadlock, match=r"main: .*yield from lock\.acquire\(\)"):
        run(open_group, body)


# Places that a task may yield


def test_an_event_is_a_place(world, said, say):
    def waiter(event, name):
        say((name, (yield event)))

    def body(group):
        event = Event()
        group.spawn(waiter, event, "early")
        yield from sleep(1)
        event.set()
        yield from sleep(1)
        yield from waiter(event, "late")

    world.run(open_group, body)
    assert said == [(1, ("early", None)), (2, ("late", None))]


@pytest.mark.parametrize("happened", [True, False])
def test_a_task_that_waits_in_an_event_can_be_cancelled(happened):
    def waiter(event, scope):
        with scope:
            yield event
            return "event"
        return "cancelled"

    def body(group):
        event, scope = Event(), CancelScope()
        task = group.spawn(waiter, event, scope)
        yield from checkpoint()
        if happened:
            event.set()
        scope.cancel()
        return (yield from task.join())

    assert run(open_group, body) == ("event" if happened else "cancelled")


def test_the_ready_queue_is_a_place_where_tasks_take_turns(said):
    def child(name):
        for number in range(3):
            said.append((name, number))
            yield current_kernel().ready

    run(open_group, lambda group: [group.spawn(child, name) for name in "ab"])
    assert said == [(name, number) for number in range(3) for name in "ab"]


def test_a_ready_task_is_cancelled_at_its_next_wait(said):
    def child():
        try:
            yield current_kernel().ready
            said.append("continued")
            yield current_kernel().ready
        finally:
            said.append("ended")

    def body(group):
        group.spawn(child)
        yield current_kernel().ready
        group.cancel()

    run(open_group, body)
    assert said == ["continued", "ended"]


def test_a_plain_list_is_a_place(said):
    def waiter(place, name):
        try:
            yield place
            said.append(name)
        except Cancelled:
            said.append(f"{name} cancelled")
            raise

    def body(group):
        place = []
        doomed = CancelScope()

        def cancellable():
            with doomed:
                yield from waiter(place, "b")

        group.spawn(waiter, place, "a")
        group.spawn(cancellable)
        group.spawn(waiter, place, "c")
        yield from checkpoint()
        doomed.cancel()
        yield from checkpoint()
        current_kernel().ready.extend(place)
        place.clear()

    run(open_group, body)
    assert said == ["b cancelled", "a", "c"]


@pytest.mark.parametrize("error", [OverflowError, Cancelled, KeyboardInterrupt])
def test_an_error_of_append_is_raised_in_the_yielding_task(error):
    class Full(list):
        def append(self, task):
            raise error("full")

    def main():
        with pytest.raises(error):
            yield Full()
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_an_error_of_remove_ends_in_a_deadlock_that_names_the_task():
    class Stuck(list):
        def remove(self, task):
            raise OverflowError("a task cannot be removed")

    def child():
        yield Stuck()

    def body(group):
        group.spawn(child)
        yield from checkpoint()
        group.cancel()

    with pytest.raises(Deadlock, match=r"child: .*yield Stuck") as raised:
        run(open_group, body)
    assert "a task cannot be removed" in repr(raised.value.__cause__)


# Waits that are created early and started late


@pytest.mark.parametrize("late", [0.5, 1, 3])
def test_a_sleep_counts_from_the_start_of_its_wait(world, late):
    def main():
        nap = sleep(1)
        yield from sleep(late)
        yield from nap

    world.run(main)
    assert world.returned_at == late + 1


@pytest.mark.parametrize("late", [0.5, 1, 3])
def test_sleep_until_ends_at_its_instant_at_any_start(world, late):
    def main():
        nap = sleep_until(world.now() + 1)
        yield from sleep(late)
        yield from nap

    world.run(main)
    assert world.returned_at == max(1, late)


def test_purging_dead_timers_keeps_sleepers(world):
    def body(group):
        for _ in range(3):
            group.spawn(sleep, 1)
        with move_on_after(0.5):
            yield from sleep(1)
        for number in range(2000):  # enough for the kernel to purge dead timers
            with move_on_after(10 + number):
                yield from checkpoint()

    world.run(open_group, body)
    assert world.returned_at == 1


def test_an_unstarted_sleep_delays_nothing(world):
    def main():
        naps = [sleep(seconds) for seconds in (1, 2, 3600)]
        yield from sleep(0.5)
        return len(naps)

    assert world.run(main) == 3
    assert world.returned_at == 0.5


def test_a_wait_created_before_the_run_works_inside(world):
    naps = [checkpoint(), sleep(0), sleep(1), sleep_until(1)]

    def main():
        for nap in naps:
            yield from nap

    world.run(main)
    assert world.returned_at == 1


# No task starves


def for_ever_by_the_ready_list(group, over):
    def turn():
        while not over:
            yield current_kernel().ready

    group.spawn(turn)


def for_ever_by_channels(group, over):
    def play(mine, other):
        while True:
            yield from mine.get()
            yield from other.put("ball")

    ends = Channel(1), Channel(1)
    group.spawn(play, *ends)
    group.spawn(play, *reversed(ends))
    group.spawn(ends[0].put, "ball")


def for_ever_by_new_tasks(group, over):
    def spawn():
        if not over:
            group.spawn(spawn)
        yield from ()

    group.spawn(spawn)


def for_ever_by_swallowing(group, over):
    """Spawn ten cancelled tasks that swallow every cancellation."""
    scope = CancelScope()

    def stubborn():
        while not over:
            with contextlib.suppress(Cancelled):
                yield from sleep_forever()

    def doomed():
        with scope:
            yield from open_group(lambda g: [g.spawn(stubborn) for _ in range(10)])

    group.spawn(doomed)
    scope.cancel()


@pytest.mark.parametrize(
    "busy",
    [
        for_ever_by_the_ready_list,
        for_ever_by_channels,
        for_ever_by_new_tasks,
        for_ever_by_swallowing,
    ],
)
def test_a_busy_task_starves_no_timer_descriptor_call_or_task(said, pipe, busy):
    def timer():
        yield from sleep(0.001)
        said.append("timer")

    def reader():
        yield from wait_readable(pipe[0])
        said.append("descriptor")

    def called(event):
        yield event
        said.append("call")

    def turns():
        for _ in range(100):
            yield from checkpoint()
        said.append("task")

    def body(group):
        over, event = [], Event()
        busy(group, over)
        yield from checkpoint()
        others = [
            group.spawn(timer),
            group.spawn(reader),
            group.spawn(called, event),
            group.spawn(turns),
        ]
        os.write(pipe[1], b"x")
        current_kernel().call_soon_threadsafe(event.set)
        for other in others:
            yield from other.join()
        over.append(True)
        group.cancel()

    run(open_group, body)
    assert sorted(said) == ["call", "descriptor", "task", "timer"]


# Ctrl-C during many cancellations


def crowd(said, count, at):
    """Return a body that spawns and cancels tasks. The middle one calls ``at``."""

    def child(number):
        try:
            yield from sleep_forever()
        finally:
            said.append(number)
            if number == count // 2:
                at()

    def body(group):
        for number in range(count):
            group.spawn(child, number)
        yield from checkpoint()
        group.cancel()

    return body


def press():
    signal.raise_signal(signal.SIGINT)


def press_twice():
    press()
    press()


@pytest.mark.parametrize("presses", [press, press_twice])
def test_ctrl_c_during_many_cancellations_runs_each_cleanup_once(said, presses):
    with pytest.raises(KeyboardInterrupt):
        run(open_group, crowd(said, 1000, presses))
    assert said == [*range(1000)]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_keyboard_interrupt_in_one_cleanup_stops_no_other(said):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as raised:
        run(open_group, crowd(said, 1000, interrupt))
    assert said == [*range(1000)]
    assert [type(error) for error in raised.value.exceptions] == [KeyboardInterrupt]


def test_ctrl_c_inside_the_kernel_lets_cancelled_tasks_clean_up(said):
    class Rude(list):
        """A place that interrupts the kernel while a task is added."""

        @property
        def append(self):
            press_twice()
            return super().append

    def rude():
        try:
            yield from sleep_forever()
        except Cancelled:
            with CancelScope(shield=True):
                yield Rude()

    def child(number):
        try:
            yield from sleep_forever()
        finally:
            said.append(number)

    def body(group):
        for number in range(1000):
            group.spawn(rude if number == 500 else child, *[number][: number != 500])
        yield from checkpoint()
        group.cancel()

    with pytest.raises(KeyboardInterrupt):
        run(open_group, body)
    assert sorted(said) == [number for number in range(1000) if number != 500]


# Errors and results


@pytest.mark.parametrize("waiting", [True, False])
def test_errors_of_a_stuck_group_are_the_cause_of_the_deadlock(waiting):
    def failing():
        yield from checkpoint()
        raise ValueError("the error of a child")

    def shielded():
        with CancelScope(shield=True):
            yield from sleep_forever()

    def body(group):
        group.spawn(failing)
        group.spawn(shielded)
        if waiting:
            yield from shielded()

    with pytest.raises(Deadlock, match="shielded") as raised:
        run(open_group, body)
    assert "the error of a child" in repr(raised.value.__cause__)


def test_a_task_woken_during_closing_is_still_closed_by_the_kernel(said):
    channel = Channel()

    def child():
        with CancelScope(shield=True):
            try:
                yield from channel.get()
            finally:
                said.append(current_task().name)

    def body(group):
        group.spawn(child)
        with CancelScope(shield=True):
            try:
                yield from sleep_forever()
            finally:
                channel.close()

    with pytest.raises(Deadlock):
        run(open_group, body)
    assert said == ["child"]


def test_a_group_whose_block_was_cancelled_has_no_result():
    def body(group):
        group.cancel()
        yield from sleep_forever()
        return "result"

    assert run(open_group, body) is None


def test_an_ended_group_leaves_nothing_to_the_garbage_collector():
    def leaf():
        return
        yield

    def groups():
        return sum(type(thing) is Group for thing in gc.get_objects())

    def main():
        gc.disable()
        try:
            before = groups()
            for _ in range(10):
                yield from open_group(lambda group: [group.spawn(leaf)])
            yield from checkpoint()  # the ready queue holds them until then
            return groups() - before
        finally:
            gc.enable()

    assert run(main) == 0
