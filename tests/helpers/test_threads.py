"""The helper of the threads study in cases that virtual time does not bring about."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import traceback
from functools import partial

import pytest
from threads_study.group import Pool, Stop, ThreadGroup


@pytest.fixture
def start(monkeypatch):
    """Replace `Thread.start`; ``start(thread)`` is the real one."""
    real = threading.Thread.start

    def replace(function):
        monkeypatch.setattr(threading.Thread, "start", function)
        return real

    return replace


def test_a_thread_is_joined_although_ctrl_c_has_interrupted_its_start(start):
    ended = []

    def work():
        time.sleep(0.05)
        ended.append(True)

    def interrupted(thread):
        def later():
            time.sleep(0.05)
            real(thread)

        threading._limbo[thread] = thread  # as between the two halves of start()
        real(threading.Thread(target=later))
        raise KeyboardInterrupt

    real = start(interrupted)
    with pytest.raises(KeyboardInterrupt), ThreadGroup() as group:
        group.start(work)
    assert ended == [True]


def test_a_system_without_room_for_a_thread_is_reported_with_the_usual_limits(start):
    def full(thread):
        raise RuntimeError("can't start new thread")

    start(full)
    with pytest.raises(ExceptionGroup) as raised, ThreadGroup() as group:
        group.start(print)
    (error,) = raised.value.exceptions
    assert str(error).startswith("can't start new thread, there are ")
    assert "ulimit -u" in str(error)
    assert error.__suppress_context__


def test_a_thread_is_named_after_its_function():
    names = []

    def work():
        names.append(threading.current_thread().name)

    with ThreadGroup() as group:
        group.start(work)
    assert names == ["work"]


@pytest.mark.parametrize(
    ("calls", "begin"),
    [(ThreadGroup, ThreadGroup.start), (partial(Pool, 1), Pool.submit)],
)
def test_ctrl_c_that_interrupts_a_join_leaves_no_call(calls, begin):
    main, ended = threading.main_thread().ident, []
    join = threading.Thread.join.__code__

    def work():
        while join not in [
            frame.f_code
            for frame, _ in traceback.walk_stack(sys._current_frames()[main])
        ]:
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)
        group.stop.wait()
        time.sleep(0.1)  # a block that does not wait for this call ends meanwhile
        ended.append(True)

    with pytest.raises(KeyboardInterrupt), calls() as group:
        begin(group, work)
    assert ended == [True]


def test_ctrl_c_while_a_group_waits_stops_its_threads_and_is_raised_in_the_end():
    group = ThreadGroup()
    waits = []

    def wait():
        waits.append(group.stop.is_set())
        if len(waits) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        group._wait(wait, None)
    assert waits == [False, True]


def _end_by(error):
    with ThreadGroup():
        raise error


def test_errors_in_threads_have_no_context_of_the_group():
    with pytest.raises(ExceptionGroup) as raised:
        _end_by(ValueError())
    assert raised.value.__suppress_context__


def test_a_call_reaches_a_thread_once_when_stop_is_set_and_only_within_its_block():
    stop, calls = Stop(), []
    with stop.calling(lambda: calls.append("early")):
        pass
    with stop.calling(lambda: calls.append("within")):
        stop.set()
        stop.set()
    with stop.calling(lambda: calls.append("at once")):
        assert calls == ["within", "at once"]
    assert calls == ["within", "at once"]


@pytest.mark.schedules(100, slack=0)
def test_stop_calls_each_thread_once_and_only_within_its_block_in_every_order(world):
    def main():
        stop, calls = Stop(), []

        def enter(name):
            left = []
            with stop.calling(lambda: calls.append((name, bool(left)))):
                stop.wait(0.01)
            left.append(name)

        with ThreadGroup() as group:
            for name in ("one", "two"):
                group.start(enter, name)
            stop.set()
        assert sorted(calls) == [("one", False), ("two", False)]

    world.run(main)


@pytest.mark.schedules(100, slack=0)
def test_stop_calls_no_thread_that_has_left_its_block_in_any_order(world):
    def main():
        stop, late = Stop(), []

        def pass_through():
            left = []
            with stop.calling(lambda: late.extend(left)):
                pass
            left.append("left")

        with ThreadGroup() as group:
            group.start(pass_through)
            group.start(pass_through)
            stop.set()
        assert not late

    world.run(main)


def test_a_pool_hands_on_arguments_by_name():
    with Pool(1) as pool:
        assert pool.submit(int, "11", base=2).result() == 3


def test_a_result_that_comes_after_the_stop_is_not_used():
    with contextlib.suppress(ExceptionGroup), Pool(1) as pool:
        late = pool.submit(lambda: pool.cancel() or "late")
    assert late.exception() is not None
