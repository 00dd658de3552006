"""The promises of the generators' kernel, one behaviour in each test.

A test in which a task waits runs in virtual time: its main task is ``world.run(main)``.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import math
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import warnings
import weakref

import pytest
from concurrency_study.world import Deadlock
from generators_study import kernel
from generators_study.kernel import (
    Busy,
    Cancelled,
    CancelScope,
    Channel,
    Closed,
    Event,
    Future,
    Group,
    Semaphore,
    TaskCancelled,
    checkpoint,
    current_kernel,
    current_task,
    fail_after,
    in_thread,
    move_on_after,
    open_group,
    run,
    sleep,
    sleep_forever,
    sleep_until,
    wait_readable,
    wait_writable,
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
    for descriptor in (reader, writer):
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(descriptor)


def swallow(waiting):
    """Run a wait and swallow its cancellation."""
    try:
        yield from waiting
    except Cancelled:
        return "swallowed"


def fill(sock):
    """Write until a write would block. Return the number of bytes written."""
    sock.setblocking(False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += sock.send(bytes(4096))
    return filled


# Tasks


def test_children_start_in_the_order_of_spawning(said):
    def child(name):
        said.append(name)
        yield from checkpoint()

    run(open_group, lambda group: [group.spawn(child, name) for name in "abcde"])
    assert said == list("abcde")


def test_spawn_returns_before_the_first_line_of_the_child_runs(said):
    def child():
        said.append("child")
        yield from ()

    def body(group):
        group.spawn(child)
        said.append("spawned")

    run(open_group, body)
    assert said == ["spawned", "child"]


def test_join_returns_the_result_at_any_time_and_to_many_tasks(world):
    def child():
        yield from sleep(1)
        return 42

    def body(group):
        task = group.spawn(child)
        others = [group.spawn(task.join) for _ in range(2)]
        first = yield from task.join()
        for other in others:
            yield from other.join()
        return [first, (yield from task.join()), *(other.result for other in others)]

    assert world.run(open_group, body) == [42] * 4
    assert world.returned_at == 1


def test_join_raises_the_error_of_the_task():
    error = KeyError("child")

    def child():
        yield from checkpoint()
        raise error

    def body(group):
        task = group.spawn(child)
        with pytest.raises(KeyError) as raised, CancelScope(shield=True):
            yield from task.join()
        assert raised.value is error

    with pytest.raises(ExceptionGroup) as raised:
        run(open_group, body)
    assert raised.value.exceptions == (error,)


def test_joining_a_cancelled_task_does_not_cancel_the_joiner():
    def main():
        def join(task):
            with pytest.raises(TaskCancelled, match="sleep_forever was cancelled"):
                yield from task.join()
            return "joined"

        def body(group):
            joiner = group.spawn(join, doomed_group[0])
            return (yield from joiner.join())

        def inner(group):
            doomed_group.append(group.spawn(sleep_forever))
            yield from checkpoint()
            group.cancel()

        doomed_group = []
        yield from open_group(inner)
        return (yield from open_group(body))

    assert run(main) == "joined"


def test_checkpoint_runs_every_ready_task(said):
    def child(name):
        for _ in range(2):
            said.append(name)
            yield from checkpoint()

    run(open_group, lambda group: [group.spawn(child, name) for name in "abc"])
    assert said == list("abcabc")


def test_an_operation_that_need_not_wait_is_not_a_checkpoint(said):
    def other():
        said.append("other")
        yield from ()

    def body(group):
        group.spawn(other)
        channel, event, turns = Channel(1), Event(), Semaphore(1)
        event.set()
        yield from channel.put(1)
        yield from channel.get()
        yield from event.wait()
        yield from turns.acquire()
        said.append("body")

    run(open_group, body)
    assert said == ["body", "other"]


def test_a_task_starts_with_a_copy_of_its_spawners_context():
    variable = contextvars.ContextVar("variable", default="none")

    def child(value):
        inherited = variable.get()
        variable.set(value)
        yield from checkpoint()
        return inherited, variable.get()

    def body(group):
        variable.set("body")
        tasks = [group.spawn(child, value) for value in "ab"]
        for task in tasks:
            yield from task.join()
        assert variable.get() == "body"
        return [task.result for task in tasks]

    assert run(open_group, body) == [("body", "a"), ("body", "b")]
    assert variable.get() == "none"


def test_stop_iteration_is_not_a_result():
    def raising():
        yield from checkpoint()
        raise StopIteration("not a result")

    with pytest.raises(RuntimeError, match="StopIteration"):
        run(raising)


@pytest.mark.parametrize("thing", [None, 3, "place", (checkpoint(),)])
def test_yielding_a_non_place_raises_in_the_task(thing):
    def main():
        with pytest.raises(TypeError, match="yields places"):
            yield thing
        return "told"

    assert run(main) == "told"


def test_a_place_that_refuses_raises_in_the_task():
    class Full:
        def append(self, task):
            raise OverflowError("full")

        def remove(self, task):
            raise AssertionError("the task was never added")

    def main():
        with pytest.raises(OverflowError):
            yield Full()
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_a_place_may_wake_the_task_at_once():
    class Open:
        def append(self, task):
            task.wake()

        def remove(self, task):
            raise AssertionError("the task no longer waits")

    def main():
        with CancelScope() as scope:

            def waiting():
                yield Open()
                return "on"

            def body(group):
                task = group.spawn(waiting)
                yield from checkpoint()
                scope.cancel()  # the task is in the ready queue: it leaves no place
                return task

            task = yield from open_group(body)
        return task.result

    assert run(main) == "on"


def test_a_plain_function_is_refused():
    with pytest.raises(TypeError, match="print must be a generator function"):
        run(print)

    def body(group):
        with pytest.raises(TypeError, match="must be a generator function"):
            group.spawn(lambda: 3)

    run(open_group, body)


def test_run_inside_run_is_refused():
    def main():
        with pytest.raises(RuntimeError, match="yield from"):
            run(checkpoint)
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_two_kernels_run_in_two_threads():
    both = threading.Barrier(2, timeout=300)

    def main():
        yield from checkpoint()
        both.wait()
        yield from checkpoint()
        return current_kernel()

    kernels = []
    threads = [
        threading.Thread(target=lambda: kernels.append(run(main))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in kernels}) == 2


def test_outside_of_run_there_is_no_kernel_and_no_task():
    for ask in (current_kernel, current_task):
        with pytest.raises(RuntimeError, match="no kernel"):
            ask()


# Groups


def test_a_group_does_not_end_before_its_children(world):
    assert world.run(open_group, lambda group: group.spawn(sleep, 3).name) == "sleep"
    assert world.returned_at == 3


def test_the_first_error_cancels_siblings_and_body(world, said, say):
    error = ValueError("child")

    def failing():
        yield from sleep(1)
        raise error

    def sibling(name):
        try:
            yield from sleep(60)
        finally:
            say(name)

    def body(group):
        group.spawn(sibling, "sibling")
        group.spawn(failing)
        yield from sibling("body")

    with pytest.raises(ExceptionGroup) as raised:
        world.run(open_group, body)
    assert raised.value.exceptions == (error,)
    assert sorted(said) == [(1, "body"), (1, "sibling")]


def test_the_exception_group_holds_every_error(world):
    def failing(error, seconds):
        try:
            yield from sleep(seconds)
        finally:
            raise error

    errors = [ValueError(1), KeyError(2), OSError(3)]

    def body(group):
        group.spawn(failing, errors[0], 1)
        group.spawn(failing, errors[1], 1)
        yield from failing(errors[2], 60)

    with pytest.raises(ExceptionGroup) as raised:
        world.run(open_group, body)
    assert set(raised.value.exceptions) == set(errors)


def test_an_error_of_the_body_cancels_the_children_and_waits_for_them(world):
    def child():
        try:
            yield from sleep(60)
        finally:
            with CancelScope(shield=True):
                yield from sleep(2)

    def body(group):
        group.spawn(child)
        yield from sleep(1)
        raise ValueError

    with world.raises(ValueError):
        world.run(open_group, body)
    assert world.returned_at == 3


def test_an_error_of_a_plain_body_propagates(world):
    def body(group):
        group.spawn(sleep, 60)
        raise ValueError("body")

    with world.raises(ValueError):
        world.run(open_group, body)
    assert world.returned_at == 0


def test_an_error_propagates_through_nested_groups(world):
    error = ValueError()

    def failing():
        yield from sleep(1)
        raise error

    def outer(group):
        group.spawn(sleep, 60)
        group.spawn(open_group, middle)

    def middle(group):
        group.spawn(sleep, 60)
        yield from open_group(lambda inner: inner.spawn(failing))

    with world.raises(ValueError) as raised:
        world.run(open_group, outer)
    assert raised.errors == [error]
    assert world.returned_at == 1


def test_a_closed_group_refuses_tasks():
    def main():
        group = yield from open_group(lambda group: group)
        for closed in (group, Group()):
            with pytest.raises(RuntimeError, match="not open"):
                closed.spawn(checkpoint)

    run(main)


def test_a_child_may_spawn_after_the_body_has_ended(world):
    def child(group):
        yield from sleep(1)
        group.spawn(sleep, 1)

    world.run(open_group, lambda group: group.spawn(child, group))
    assert world.returned_at == 2


def test_a_task_spawned_into_a_cancelled_group_runs_to_its_first_wait(said):
    def child():
        said.append("began")
        try:
            yield from sleep_forever()
        finally:
            said.append("ended")

    def body(group):
        group.cancel()
        group.spawn(child)

    run(open_group, body)
    assert said == ["began", "ended"]


def test_cancelling_a_group_raises_nothing(world):
    def body(group):
        group.spawn(sleep, 60)
        yield from sleep(1)
        group.cancel()
        return "result"

    assert world.run(open_group, body) == "result"
    assert world.returned_at == 1


def test_an_unrequested_cancelled_is_an_error():
    def child():
        yield from checkpoint()
        raise Cancelled

    def body(group):
        group.spawn(child)
        yield from sleep_forever()

    with pytest.raises(BaseExceptionGroup) as raised:
        run(open_group, body)
    assert isinstance(raised.value.exceptions[0], Cancelled)


def test_main_can_be_cancelled_while_children_clean_up(world):
    def child():
        try:
            yield from sleep(60)
        finally:
            with CancelScope(shield=True):
                yield from sleep(3)

    def body(group):
        group.spawn(child)
        yield from sleep(1)
        raise ValueError("first")

    def main():
        with move_on_after(2) as scope:
            with world.raises(ValueError):
                yield from open_group(body)
            assert world.now() == 4
            yield from sleep(60)
        return scope.cancelled_caught

    assert world.run(main) is True
    assert world.returned_at == 4


def test_a_generator_with_an_open_group_can_be_closed(said):
    def child():
        try:
            yield from sleep_forever()
        finally:
            said.append("child ended")

    def body(group):
        group.spawn(child)
        yield from sleep_forever()

    def main():
        group = open_group(body)
        next(group)
        yield from checkpoint()
        group.close()
        said.append("closed")
        yield from checkpoint()

    run(main)
    assert said == ["closed", "child ended"]


@pytest.mark.parametrize("how", ["returns", "fails", "is cancelled"])
def test_a_task_that_ends_inside_a_scope_ends_the_run(how):
    def careless():
        scope = CancelScope().__enter__()
        if how == "is cancelled":
            scope.cancel()
        yield from checkpoint()
        if how == "fails":
            raise ValueError("this is reported as well")

    def body(group):
        group.spawn(careless)
        yield from sleep_forever()

    with pytest.raises(RuntimeError, match="ended in a cancel scope") as raised:
        run(open_group, body)
    if how == "fails":
        assert isinstance(raised.value.__context__, ValueError)


def test_a_group_forgets_ended_tasks():
    def body(group):
        for _ in range(10):
            yield from group.spawn(checkpoint).join()
        return group.children()

    assert run(open_group, body) == []


# Cancellation


def test_a_swallowed_cancellation_is_raised_again_at_the_next_wait(said):
    def main():
        with CancelScope() as scope:
            scope.cancel()
            for wait in (sleep(1), sleep(0), checkpoint(), sleep_forever()):
                said.append((yield from swallow(wait)))
            said.append((yield from swallow(in_thread(said.append, "thread"))))
        assert not scope.cancelled_caught

    run(main)
    assert said == ["swallowed"] * 5


def test_a_scope_can_be_cancelled_before_it_is_entered(world):
    def main():
        scope = CancelScope()
        scope.cancel()
        with scope:
            yield from sleep(1)
        return scope.cancelled_caught

    assert world.run(main) is True
    assert world.returned_at == 0


def test_a_scope_entered_in_a_cancelled_scope_is_cancelled():
    def main():
        with CancelScope() as outer:
            outer.cancel()
            with CancelScope() as inner:
                yield from sleep_forever()
            pytest.fail("the code after the inner scope runs")
        return outer.cancelled_caught, inner.cancelled_caught

    assert run(main) == (True, False)


@pytest.mark.parametrize("waiting", [True, False])
def test_code_after_a_group_in_a_cancelled_scope_does_not_run(world, waiting):
    def body(group):
        group.spawn(sleep_forever)
        if waiting:
            yield from sleep_forever()

    def main():
        with move_on_after(1):
            yield from open_group(body)
            pytest.fail("the code after the group runs")

    world.run(main)
    assert world.returned_at == 1


def test_a_scope_can_be_entered_only_once():
    def main():
        with CancelScope() as scope:
            pass
        with pytest.raises(RuntimeError, match="only once"), scope:
            pass
        yield from checkpoint()

    run(main)


def test_leaving_scopes_in_the_wrong_order_is_an_error():
    def main():
        outer, inner = CancelScope(60), CancelScope()
        outer.__enter__()
        inner.__enter__()
        with pytest.raises(RuntimeError, match="order"):
            outer.__exit__(None, None, None)
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)
        yield from checkpoint()
        return current_task()._scope is current_kernel().root

    assert run(main) is True


def test_cancelled_tasks_run_in_the_order_of_spawning(said):
    def child(number):
        try:
            yield from sleep_forever()
        finally:
            said.append(number)

    def body(group):
        for number in range(100):
            group.spawn(child, number)
        yield from checkpoint()
        group.cancel()

    run(open_group, body)
    assert said == list(range(100))


def test_a_shield_delays_a_cancellation_until_it_is_left(world):
    def main():
        with CancelScope() as scope:
            with CancelScope(shield=True):
                scope.cancel()
                yield from sleep(2)
            assert world.now() == 2
            yield from sleep(1)
        return scope.cancelled_caught

    assert world.run(main) is True
    assert world.returned_at == 2


def test_a_shield_delays_an_outer_deadline_until_it_is_left(world):
    def main():
        with move_on_after(1) as outer:
            with CancelScope(shield=True):
                yield from sleep(3)
            yield from sleep(3)
        return outer.cancelled_caught

    assert world.run(main) is True
    assert world.returned_at == 3


def test_a_shield_may_have_its_own_deadline(world):
    def main():
        with move_on_after(1) as outer:
            with CancelScope(2, shield=True) as shield:
                yield from sleep(60)
            instants.append(world.now())
            yield from sleep(60)
        return outer.cancelled_caught and shield.cancelled_caught

    instants = []
    assert world.run(main) is True
    assert instants == [2]
    assert world.returned_at == 2


def test_a_task_spawned_behind_a_shield_is_shielded(world):
    def main():
        with CancelScope() as scope:
            scope.cancel()
            with CancelScope(shield=True):
                yield from open_group(lambda group: group.spawn(sleep, 2))

    world.run(main)
    assert world.returned_at == 2


def test_cleanup_may_wait_behind_a_shield(world, said, say):
    def main():
        with move_on_after(1):
            try:
                yield from sleep(60)
            finally:
                with CancelScope(shield=True):
                    yield from sleep(2)
                    say("clean")
                say((yield from swallow(sleep(1))))

    world.run(main)
    assert said == [(3, "clean"), (3, "swallowed")]


@pytest.mark.parametrize(("outer", "inner"), [(1, 2), (2, 1)])
def test_the_earlier_of_nested_timeouts_catches_its_cancellation(world, outer, inner):
    def main():
        caught = []
        with move_on_after(outer) as outer_scope:
            with move_on_after(inner) as inner_scope:
                yield from sleep(60)
            caught.append("after inner")
        return caught, outer_scope.cancelled_caught, inner_scope.cancelled_caught

    inner_first = inner < outer
    assert world.run(main) == (
        ["after inner"] if inner_first else [],
        not inner_first,
        inner_first,
    )
    assert world.returned_at == 1


def test_the_outer_of_two_cancelled_scopes_catches():
    def main():
        with CancelScope() as outer:
            with CancelScope() as inner:
                inner.cancel()
                outer.cancel()
                yield from sleep_forever()
            pytest.fail("the code after the inner scope runs")
        return outer.cancelled_caught, inner.cancelled_caught

    assert run(main) == (True, False)


def test_fail_after_says_how_long_it_waited(world):
    def main():
        with fail_after(1.5) as scope:
            yield from sleep(60)
        return scope

    with pytest.raises(TimeoutError, match=r"1\.5 s"):
        world.run(main)
    assert world.returned_at == 1.5


def test_a_deadline_that_is_met_cancels_nothing(world):
    def main():
        with fail_after(2) as failing, move_on_after(2) as moving:
            yield from sleep(1)
        yield from sleep(5)
        return failing.cancel_called, moving.cancel_called

    assert world.run(main) == (False, False)
    assert world.returned_at == 6


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
@pytest.mark.parametrize("wait", [checkpoint, lambda: sleep(0), sleep_forever])
def test_a_timeout_of_zero_ends_the_first_wait(seconds, wait):
    def main():
        with pytest.raises(TimeoutError), fail_after(seconds):
            yield from wait()
        with move_on_after(seconds) as scope:
            yield from wait()
        return scope.cancelled_caught

    assert run(main) is True


def test_a_timeout_of_zero_starts_no_thread(said):
    def main():
        with move_on_after(0):
            yield from in_thread(said.append, "started")

    run(main)
    assert said == []


def test_a_timeout_of_zero_does_nothing_without_a_wait():
    def main():
        with fail_after(0):
            pass
        yield from checkpoint()
        return "done"

    assert run(main) == "done"


def test_an_overdue_deadline_ends_a_sleep_of_zero(world):
    def main():
        with move_on_after(1) as scope:
            time.sleep(2)
            yield from sleep(0)
        return scope.cancelled_caught

    assert world.run(main) is True


def test_a_child_inherits_the_timeout_of_its_group(world):
    def main():
        with move_on_after(1):
            yield from open_group(lambda group: group.spawn(sleep, 60))

    world.run(main)
    assert world.returned_at == 1


def test_an_error_is_not_hidden_by_a_timeout(world):
    def main():
        with fail_after(1):
            try:
                yield from sleep(60)
            finally:
                raise ValueError("cleanup")

    with world.raises(ValueError):
        world.run(main)


def enter(seconds):
    with CancelScope(seconds):
        yield from checkpoint()


def call_at(instant):
    current_kernel().call_at(instant, print)
    yield from checkpoint()


@pytest.mark.parametrize("make", [enter, sleep, sleep_until, call_at])
def test_nan_seconds_are_refused(make):
    def main():
        with pytest.raises(ValueError, match="nan"):
            yield from make(math.nan)
        yield from checkpoint()
        return current_task()._scope is current_kernel().root

    assert run(main) is True


# Timers


def test_equal_deadlines_wake_in_the_order_of_creation(world, said):
    def child(number):
        yield from sleep_until(1.0)
        said.append(number)

    def body(group):
        for number in range(20):
            group.spawn(child, number)

    world.run(open_group, body)
    assert said == list(range(20))
    assert world.returned_at == 1


def test_instants_are_exact(world, said, say):
    def child(seconds):
        yield from sleep(seconds)
        say(seconds)

    seconds = [0.1, 0.0005, 0.3, 1e-9, 7.0000001, 3600.25, 1e7]

    world.run(open_group, lambda group: [group.spawn(child, s) for s in seconds])
    assert said == [(s, s) for s in sorted(seconds)]


def test_sleeping_until_a_past_instant_takes_no_time(world):
    def main():
        yield from sleep(2)
        yield from sleep_until(1)
        yield from sleep(-1)
        yield from sleep_until(2.5)

    world.run(main)
    assert world.returned_at == 2.5


def test_sleeping_for_infinity_is_sleeping_for_ever(world):
    def main():
        with move_on_after(math.inf):
            with move_on_after(1):
                yield from sleep(math.inf)
            yield from sleep(math.inf)

    with pytest.raises(Deadlock, match="main"):
        world.run(main)
    assert world.returned_at == 1


def test_a_timer_may_exceed_the_selectors_longest_timeout(pipe):
    os.write(pipe[1], b"x")

    def body(group):
        group.spawn(sleep, 1e9)
        yield from wait_readable(pipe[0])
        group.cancel()
        return "read"

    assert run(open_group, body) == "read"


def test_cancelled_timers_do_not_accumulate():
    def main():
        with move_on_after(60):
            for _ in range(10_000):
                with move_on_after(3600):
                    pass
            yield from checkpoint()
            return len(current_kernel()._timers)

    assert run(main) < 1000


def test_a_scheduled_call_can_be_cancelled_before_or_after_it_ran(said):
    def first():
        said.append("first")

    def second():
        said.append("second")

    def main():
        kernel, instant = current_kernel(), time.monotonic()
        kernel.call_at(instant, first)
        kernel.call_at(instant, second)
        kernel.do_not_call_at(instant, second)
        kernel.do_not_call_at(instant, second)
        for _ in range(3):
            yield from checkpoint()
        kernel.do_not_call_at(instant, first)

    run(main)
    assert said == ["first"]


@pytest.mark.parametrize("others", [0, 5000])  # 5000: the kernel purges dead timers
def test_a_call_may_schedule_another_at_the_same_instant(world, said, say, others):
    def first():
        say("first")
        for number in range(others):
            current_kernel().call_at(2 + number, said.clear)
            current_kernel().do_not_call_at(2 + number, said.clear)
        current_kernel().call_at(world.now(), lambda: say("second"))

    def main():
        current_kernel().call_at(1, first)
        yield from sleep(1.5)

    world.run(main)
    assert said == [(1, "first"), (1, "second")]


# Event, future, semaphore


def test_an_event_wakes_all_waiters_and_stays_set(world, said, say):
    def wait(event, name):
        yield from event.wait()
        say(name)

    def body(group):
        event = Event()
        for name in "ab":
            group.spawn(wait, event, name)
        yield from sleep(1)
        assert not event.is_set()
        event.set()
        event.set()
        assert event.is_set()
        yield from sleep(1)
        yield from wait(event, "late")

    world.run(open_group, body)
    assert said == [(1, "a"), (1, "b"), (2, "late")]


@pytest.mark.parametrize("value", ["value", None])
def test_a_future_gives_its_value_to_all_waiters(world, value):
    def body(group):
        future = Future()
        tasks = [group.spawn(future.wait) for _ in range(2)]
        yield from sleep(1)
        assert not future.settled
        future.set_result(value)
        assert future.settled
        for task in tasks:
            assert (yield from task.join()) is value
        assert (yield from future.wait()) is value

    world.run(open_group, body)


def test_a_future_gives_its_error_to_all_waiters():
    error = ValueError()

    def main():
        future = Future()
        future.set_error(error)
        for _ in range(2):
            with pytest.raises(ValueError) as raised:  # noqa: PT011
                yield from future.wait()
            assert raised.value is error

    run(main)


def test_settling_a_future_twice_is_an_error():
    future = Future()
    future.set_result(1)
    for settle in (future.set_result, future.set_error):
        with pytest.raises(RuntimeError, match="settled already"):
            settle(ValueError())
    assert run(future.wait) == 1


def test_giving_up_on_a_future_does_not_affect_other_waiters(world):
    def hasty(future):
        with move_on_after(1):
            yield from future.wait()
        return "gave up"

    def body(group):
        future = Future()
        tasks = [group.spawn(hasty, future), group.spawn(future.wait)]
        yield from sleep(2)
        future.set_result(42)
        yield from tasks[1].join()
        return [task.result for task in tasks]

    assert world.run(open_group, body) == ["gave up", 42]


def test_a_semaphore_is_limited_and_fair(world, said, say):
    def worker(turns, name):
        yield from turns.acquire()
        say(name)
        yield from sleep(1)
        turns.release()

    def body(group):
        turns = Semaphore(2)
        for name in "abcde":
            group.spawn(worker, turns, name)

    world.run(open_group, body)
    assert said == [(0, "a"), (0, "b"), (1, "c"), (1, "d"), (2, "e")]


def test_a_task_woken_by_a_semaphore_cannot_be_overtaken(said):
    def worker(turns, name):
        yield from turns.acquire()
        said.append(name)
        turns.release()

    def body(group):
        turns = Semaphore(0)
        group.spawn(worker, turns, "first")
        yield from checkpoint()
        turns.release()
        yield from worker(turns, "second")

    run(open_group, body)
    assert said == ["first", "second"]


def test_a_cancelled_waiter_of_a_semaphore_passes_its_turn():
    def worker(turns):
        with CancelScope() as scope:
            scopes.append(scope)
            yield from turns.acquire()
            return "in"
        return "out"

    scopes = []

    def body(group):
        turns = Semaphore(0)
        tasks = [group.spawn(worker, turns) for _ in range(2)]
        yield from checkpoint()
        scopes[0].cancel()
        turns.release()
        yield from tasks[1].join()
        return [task.result for task in tasks]

    assert run(open_group, body) == ["out", "in"]


def test_a_semaphore_turn_is_not_lost_by_a_simultaneous_cancellation():
    def worker(turns):
        yield from turns.acquire()
        try:
            yield from sleep_forever()
        finally:
            turns.release()

    def main():
        turns = Semaphore(0)

        def body(group):
            group.spawn(worker, turns)
            yield from checkpoint()
            turns.release()
            group.cancel()

        yield from open_group(body)
        yield from turns.acquire()
        return "free"

    assert run(main) == "free"


@pytest.mark.parametrize("make", [Semaphore, Channel])
def test_negative_sizes_are_refused(make):
    with pytest.raises(ValueError, match="0 or more"):
        make(-1)


# Channels


def test_a_channel_is_first_come_first_served(world, said):
    def put(channel, item):
        yield from channel.put(item)

    def get(channel, name):
        said.append((name, (yield from channel.get())))

    def body(group):
        channel = Channel(2)
        for item in range(5):
            group.spawn(put, channel, item)
        yield from checkpoint()
        for name in "abcdefg":
            group.spawn(get, channel, name)
        yield from checkpoint()
        for item in (5, 6):
            group.spawn(put, channel, item)

    world.run(open_group, body)
    assert sorted(said) == list(zip("abcdefg", range(7), strict=True))


def test_put_waits_while_a_channel_is_full(world, said, say):
    def producer(channel):
        for item in range(4):
            yield from channel.put(item)
            say(item)

    def body(group):
        channel = Channel(2)
        group.spawn(producer, channel)
        yield from sleep(1)
        assert (yield from channel.get()) == 0

    def main():
        with move_on_after(5):
            yield from open_group(body)

    world.run(main)
    assert said == [(0, 0), (0, 1), (1, 2)]


def test_a_channel_of_capacity_zero_hands_items_over_directly(world, said, say):
    def producer(channel):
        for item in range(2):
            yield from channel.put(item)
            say(f"put {item}")

    def body(group):
        channel = Channel()
        group.spawn(producer, channel)
        for _ in range(2):
            yield from sleep(1)
            yield from channel.get()

    world.run(open_group, body)
    assert said == [(1, "put 0"), (2, "put 1")]


def test_items_left_in_a_closed_channel_can_be_taken():
    def main():
        channel = Channel(math.inf)
        for item in range(3):
            yield from channel.put(item)
        channel.close()
        channel.close()
        items = []
        for _ in range(3):
            items.append((yield from channel.get()))
        with pytest.raises(Closed):
            yield from channel.get()
        with pytest.raises(Closed):
            yield from channel.put(3)
        return items

    assert run(main) == [0, 1, 2]


def test_closing_a_channel_wakes_getters_and_putters():
    def closed(waiting):
        with pytest.raises(Closed):
            yield from waiting
        return "closed"

    def body(group):
        empty, full = Channel(), Channel(1)
        yield from full.put("item")
        tasks = [
            group.spawn(closed, waiting)
            for waiting in (empty.get(), empty.get(), full.put(1), full.put(2))
        ]
        yield from checkpoint()
        empty.close()
        full.close()
        for task in tasks:
            yield from task.join()
        assert (yield from full.get()) == "item"
        with pytest.raises(Closed):
            yield from full.get()
        return [task.result for task in tasks]

    assert run(open_group, body) == ["closed"] * 4


def test_the_item_of_a_cancelled_putter_is_withdrawn():
    def body(group):
        channel = Channel()

        def put(item, scope):
            with scope:
                yield from channel.put(item)

        scopes = [CancelScope(), CancelScope()]
        for item, scope in zip("ab", scopes, strict=True):
            group.spawn(put, item, scope)
        yield from checkpoint()
        scopes[0].cancel()
        return (yield from channel.get())

    assert run(open_group, body) == "b"


def test_the_item_of_a_cancelled_putter_is_not_leaked():
    class Item:
        pass

    def main():
        channel = Channel()
        items = [Item()]
        kept = weakref.ref(items[0])
        with move_on_after(0):
            yield from channel.put(items.pop())
        yield from checkpoint()  # the kernel drops the cancellation
        gc.collect()
        assert kept() is None
        channel.close()

    run(main)


def test_a_cancelled_getter_takes_no_item():
    def body(group):
        channel = Channel(1)
        scope = CancelScope()

        def get():
            with scope:
                return (yield from channel.get())

        group.spawn(get)
        yield from checkpoint()
        scope.cancel()
        yield from channel.put("item")
        return (yield from channel.get())

    assert run(open_group, body) == "item"


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_delivered_item_is_not_lost_by_a_cancellation(capacity):
    def body(group):
        channel = Channel(capacity)

        def get():
            return (yield from channel.get())

        def getting(scope):
            with scope:
                item = yield from get()
                return item

        scope = CancelScope()
        task = group.spawn(getting, scope)
        yield from checkpoint()
        yield from channel.put("item")
        scope.cancel()
        return (yield from task.join())

    assert run(open_group, body) == "item"


def test_a_woken_getter_cannot_lose_its_item_to_another():
    def body(group):
        channel = Channel(1)
        task = group.spawn(channel.get)
        yield from checkpoint()
        yield from channel.put("first")
        yield from channel.put("second")
        mine = yield from channel.get()
        return (yield from task.join()), mine

    assert run(open_group, body) == ("first", "second")


# Threads


def test_a_function_runs_in_a_thread_and_returns_its_result():
    def main():
        return (yield from in_thread(threading.get_ident))

    assert run(main) != threading.get_ident()


def test_a_working_thread_is_not_a_deadlock(world):
    def main():
        yield from in_thread(time.sleep, 2)
        yield from sleep_forever()

    with pytest.raises(Deadlock, match="task main"):
        world.run(main)
    assert world.returned_at == 2


def test_the_error_of_a_function_in_a_thread_is_raised():
    error = ValueError("thread")

    def fail(error):
        raise error

    def main():
        with pytest.raises(ValueError, match="thread") as raised:
            yield from in_thread(fail, error)
        assert raised.value is error

    run(main)


def test_a_thread_sees_the_context_variables_of_its_task():
    variable = contextvars.ContextVar("variable")

    def main():
        variable.set("task")
        return (yield from in_thread(variable.get))

    assert run(main) == "task"


def test_threads_run_concurrently_with_each_other_and_with_tasks(world, said, say):
    def ticker():
        for _ in range(3):
            say("tick")
            yield from sleep(0.5)

    def body(group):
        group.spawn(ticker)
        tasks = [group.spawn(in_thread, time.sleep, s) for s in (2, 1, 3)]
        yield from tasks[1].join()
        assert world.now() == 1

    world.run(open_group, body)
    assert world.returned_at == 3
    assert said == [(0, "tick"), (0.5, "tick"), (1, "tick")]


def test_a_cancelled_task_waits_for_its_thread(world):
    def work():
        time.sleep(3)
        return "result"

    def main():
        with move_on_after(1) as scope:
            result = yield from in_thread(work)
            assert world.now() == 3
            yield from checkpoint()
        return result, scope.cancelled_caught

    assert world.run(main) == ("result", True)


def test_a_call_from_another_thread_wakes_a_waiting_kernel():
    def body(group):
        kernel = current_kernel()
        event = Event()

        def work():
            kernel.call_soon_threadsafe(event.set)

        yield from in_thread(work)
        yield from event.wait()
        return "called"

    assert run(open_group, body) == "called"


# Descriptors


def test_a_pipe_is_readable_when_it_holds_bytes(world, pipe):
    reader, writer = pipe
    world.at(1.5, os.write, writer, b"x")

    def main():
        yield from wait_writable(writer)
        assert world.now() == 0
        yield from wait_readable(reader)
        return os.read(reader, 10)

    assert world.run(main) == b"x"
    assert world.returned_at == 1.5


def test_a_busy_task_does_not_starve_a_descriptor_or_timer(pipe):
    def reader():
        yield from wait_readable(pipe[0])
        with move_on_after(0.001):
            yield from sleep_forever()
        return "read"

    def body(group):
        task = group.spawn(reader)
        yield from checkpoint()
        os.write(pipe[1], b"x")
        while not task.done:
            yield from checkpoint()
        return task.result

    assert run(open_group, body) == "read"


def test_a_hang_up_wakes_the_reader_and_the_writer(world):
    for mine, wait in ((0, wait_readable), (1, wait_writable)):
        ends = os.pipe()
        if wait is wait_writable:
            os.set_blocking(ends[1], False)
            while True:
                try:
                    os.write(ends[1], bytes(65536))
                except BlockingIOError:
                    break
        world.at(1, os.close, ends[1 - mine])

        def main(wait=wait, mine=ends[mine]):
            yield from wait(mine)

        world.run(main)
        assert world.returned_at == 1
        os.close(ends[mine])


def test_one_task_may_read_a_socket_while_another_writes(world, said, say):
    mine, other = socket.socketpair()
    with mine, other:
        filled = fill(mine)

        def reader():
            yield from wait_readable(mine.fileno())
            say("readable")

        def writer():
            yield from wait_writable(mine.fileno())
            say("writable")

        def drain():
            got = 0
            while got < filled:
                got += len(other.recv(65536))

        def body(group):
            group.spawn(reader)
            group.spawn(writer)

        world.at(1, drain)
        world.at(2, other.send, b"x")
        world.run(open_group, body)
    assert said == [(1, "writable"), (2, "readable")]


def test_reader_and_writer_are_both_woken(world):
    mine, other = socket.socketpair()
    with mine, other:
        other.send(b"x")

        def body(group):
            group.spawn(wait_readable, mine.fileno())
            group.spawn(wait_writable, mine.fileno())

        world.run(open_group, body)


@pytest.mark.parametrize("path", [__file__, os.devnull])
def test_a_file_that_never_blocks_is_ready_at_once(path):
    def main():
        with open(path, "rb") as file:
            yield from wait_readable(file.fileno())
            yield from wait_readable(file.fileno())
        return "ready"

    assert run(main) == "ready"


def test_a_second_waiter_for_a_descriptor_is_refused(pipe):
    def body(group):
        group.spawn(wait_readable, pipe[0])
        yield from checkpoint()
        with pytest.raises(Busy, match=str(pipe[0])):
            yield from wait_readable(pipe[0])
        os.write(pipe[1], b"x")
        return "on"

    assert run(open_group, body) == "on"


def test_after_giving_up_another_may_wait_for_the_descriptor(world, pipe):
    world.at(3, os.write, pipe[1], b"x")

    def main():
        for _ in range(2):
            with move_on_after(1):
                yield from wait_readable(pipe[0])
        yield from wait_readable(pipe[0])

    world.run(main)
    assert world.returned_at == 3


@pytest.mark.parametrize("descriptor", [-1, 9999])
def test_a_wait_for_a_bad_descriptor_raises(descriptor):
    def main():
        with pytest.raises((OSError, ValueError)):
            yield from wait_readable(descriptor)
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_a_wait_for_a_closed_descriptor_can_be_cancelled():
    mine, other = socket.socketpair()

    def body(group):
        group.spawn(wait_readable, mine.fileno())
        yield from checkpoint()
        mine.close()
        group.cancel()

    run(open_group, body)
    other.close()


def test_cancelling_a_reader_of_a_closed_descriptor_fails_the_writer():
    mine, other = socket.socketpair()
    fill(mine)

    def body(group):
        scope = CancelScope()

        def reader():
            with scope:
                yield from wait_readable(mine.fileno())

        def writer():
            with pytest.raises(OSError, match=r"descriptor|No such file"):
                yield from wait_writable(mine.fileno())
            return "told"

        group.spawn(reader)
        task = group.spawn(writer)
        yield from checkpoint()
        mine.close()
        scope.cancel()
        return (yield from task.join())

    assert run(open_group, body) == "told"
    other.close()


# The end


def test_an_error_of_main_reaches_the_caller_unchanged():
    cause = KeyError("cause")
    error = ValueError("main")

    def main():
        yield from checkpoint()
        raise error from cause

    with pytest.raises(ValueError, match="main") as raised:
        run(main)
    assert raised.value is error
    assert raised.value.__cause__ is cause


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_base_exception_of_main_reaches_the_caller(kind):
    def main():
        yield from checkpoint()
        raise kind(3)

    with pytest.raises(kind):
        run(main)


def test_system_exit_in_a_child_cancels_the_rest_and_reaches_the_caller(said):
    def sibling():
        try:
            yield from sleep_forever()
        finally:
            said.append("cleaned up")

    def child():
        yield from checkpoint()
        raise SystemExit(3)

    def body(group):
        group.spawn(sibling)
        group.spawn(child)

    with pytest.raises(BaseExceptionGroup) as raised:
        run(open_group, body)
    assert isinstance(raised.value.exceptions[0], SystemExit)
    assert said == ["cleaned up"]


def test_a_deadlock_names_each_waiter_and_its_line():
    def waiting_child(event):
        yield from event.wait()

    def body(group):
        group.spawn(waiting_child, Event()).name = "child"
        with CancelScope(shield=True):
            yield from Channel().get()

    with pytest.raises(kernel.Deadlock) as raised:
        run(open_group, body)
    story = str(raised.value)
    assert "child: test_kernel.py:" in story
    assert "yield from event.wait()" in story
    assert "main: test_kernel.py:" in story
    assert "yield from Channel().get()" in story
    assert len(raised.value.waiters) == 2


def test_every_task_cleans_up_in_a_deadlock(said):
    def child():
        try:
            yield from sleep_forever()
        finally:
            said.append("child")

    def body(group):
        group.spawn(child)
        try:
            yield from sleep_forever()
        finally:
            said.append("main")

    with pytest.raises(kernel.Deadlock):
        run(open_group, body)
    assert sorted(said) == ["child", "main"]


def test_a_task_stuck_in_cleanup_after_a_deadlock_is_closed(said):
    def child():
        try:
            with CancelScope(shield=True):
                yield from sleep_forever()
        except Cancelled:
            said.append("never")
        finally:
            said.append("closed")

    with pytest.raises(kernel.Deadlock, match="sleep_forever"):
        run(open_group, lambda group: [group.spawn(child) for _ in range(2)])
    assert said == ["closed"] * 2


def test_one_generator_that_refuses_to_close_does_not_prevent_closing_others(said):
    def stubborn():
        with CancelScope(shield=True):
            try:
                yield from sleep_forever()
            finally:
                yield from checkpoint()

    def child():
        with CancelScope(shield=True):
            try:
                yield from sleep_forever()
            finally:
                said.append("closed")

    def body(group):
        for _ in range(3):
            group.spawn(child)
            group.spawn(stubborn)

    with warnings.catch_warnings():
        # Python warns once more when it finalizes the stubborn generators.
        warnings.simplefilter("ignore", pytest.PytestUnraisableExceptionWarning)
        with pytest.raises(kernel.Deadlock) as raised:
            run(open_group, body)
        assert "ignored GeneratorExit" in repr(raised.value.__cause__)
        del raised
        gc.collect()
    assert said == ["closed"] * 3


def test_a_pending_timer_is_not_a_deadlock(world):
    world.run(sleep, 3600)
    assert world.returned_at == 3600


@pytest.mark.parametrize("how", ["timer", "call"])
def test_an_error_in_a_callback_ends_the_run_after_all_cleanups(said, how):
    error = ZeroDivisionError("callback")

    def fail():
        raise error

    def child():
        try:
            yield from sleep_forever()
        finally:
            with CancelScope(shield=True):
                yield from checkpoint()
            said.append("clean")

    def body(group):
        group.spawn(child)
        if how == "timer":
            current_kernel().call_at(time.monotonic(), fail)
        else:
            current_kernel().call_soon_threadsafe(fail)
        yield from sleep_forever()

    with pytest.raises(ZeroDivisionError) as raised:
        run(open_group, body)
    assert raised.value is error
    assert said == ["clean"]


def test_two_errors_in_callbacks_are_both_raised():
    def fail(error):
        raise error

    def main():
        call = current_kernel().call_soon_threadsafe
        call(lambda: fail(ZeroDivisionError("first")))
        call(lambda: fail(KeyError("second")))
        yield from sleep_forever()

    with pytest.raises(ZeroDivisionError, match="first") as raised:
        run(main)
    assert "second" in repr(raised.value.__cause__)


def test_the_error_of_a_cleanup_is_the_cause_of_a_deadlock():
    def main():
        try:
            yield from sleep_forever()
        finally:
            raise ValueError("cleanup")

    with pytest.raises(kernel.Deadlock) as raised:
        run(main)
    assert "cleanup" in repr(raised.value.__cause__)


@pytest.mark.parametrize("how", ["well", "badly", "refused", "nested", "stuck"])
def test_no_descriptor_and_no_handler_is_left(how):
    def badly():
        yield from checkpoint()
        raise ValueError

    def nested():
        yield from checkpoint()
        run(checkpoint)

    functions = {
        "well": checkpoint,
        "badly": badly,
        "refused": print,
        "nested": nested,
        "stuck": sleep_forever,
    }
    before = sorted(os.listdir("/dev/fd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            run(functions[how])
        except (ValueError, TypeError, RuntimeError):
            assert how != "well"
        gc.collect()
    assert sorted(os.listdir("/dev/fd")) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(RuntimeError, match="no kernel"):
        current_kernel()


# Ctrl-C, for real


def interrupted(program, presses):
    """Run a program, press Ctrl-C whenever it prints "ready", and return its output."""
    with subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = []
        try:
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                if said[-1] == "ready" and presses:
                    presses -= 1
                    process.send_signal(signal.SIGINT)
        finally:
            process.kill()
    return said


def test_every_cleanup_runs_after_ctrl_c():
    said = interrupted(
        """
        from generators_study.kernel import *
        from generators_study.kernel import CancelScope, in_thread

        def child(name):
            try:
                yield from sleep(3600)
            finally:
                with CancelScope(shield=True):
                    yield from sleep(0.01)
                print(name, "clean")

        def body(group):
            group.spawn(child, "child")
            group.spawn(print_ready)
            yield from child("main")

        def print_ready():
            yield from checkpoint()
            print("ready")

        try:
            run(open_group, body)
        except KeyboardInterrupt:
            print("interrupted")
        """,
        presses=1,
    )
    assert said == ["ready", "main clean", "child clean", "interrupted"] or said == [
        "ready",
        "child clean",
        "main clean",
        "interrupted",
    ]


def test_a_second_ctrl_c_stops_a_loop_that_never_waits():
    said = interrupted(
        """
        import signal
        from generators_study.kernel import *

        def main():
            try:
                print("ready")
                while not current_kernel()._fatal:
                    pass
                print("ready")
                while True:
                    pass
            finally:
                print("clean")
            yield

        try:
            run(main)
        except KeyboardInterrupt:
            print("interrupted")
        """,
        presses=2,
    )
    assert said == ["ready", "ready", "clean", "interrupted"]


def test_a_second_ctrl_c_ends_a_cleanup_that_takes_too_long():
    said = interrupted(
        """
        from generators_study.kernel import *
        from generators_study.kernel import CancelScope

        def main():
            try:
                print("ready")
                yield from sleep(3600)
            finally:
                with CancelScope(shield=True):
                    print("ready")
                    yield from sleep(3600)

        try:
            run(main)
        except KeyboardInterrupt:
            print("interrupted")
        """,
        presses=2,
    )
    assert said == ["ready", "ready", "interrupted"]


def test_an_interrupt_in_the_kernel_does_not_wait_for_a_thread():
    over = threading.Event()
    before = threading.enumerate()
    too_late = threading.Timer(10, over.set)

    def interrupt():
        raise KeyboardInterrupt

    def main():
        current_kernel().call_soon_threadsafe(interrupt)
        yield from in_thread(over.wait)

    too_late.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(main)
        assert not over.is_set()
    finally:
        too_late.cancel()
        over.set()
        for thread in set(threading.enumerate()) - set(before):
            thread.join()


def test_an_uncaught_ctrl_c_ends_the_program():
    said = interrupted(
        """
        from generators_study.kernel import *

        def main():
            print("ready")
            yield from sleep(3600)

        run(main)
        """,
        presses=1,
    )
    assert said[0] == "ready"
    assert said[-1] == "KeyboardInterrupt"
