"""The contract of an answer to `blocking_calls`."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE
from concurrency_study.world import CANCELLED, FINDINGS, leaves
from concurrency_study.worlds.threads import really_sleep


class Halt(BaseException):
    """A BaseException, which no answer handles as an ordinary failure."""


@pytest.fixture
def block(world):
    """A blocking function that sleeps for the given seconds and returns them."""

    @world.blocking
    def block(seconds):
        time.sleep(seconds)
        return seconds

    return block


@pytest.fixture
def fail(world):
    """``fail(error, at=2)`` is a function like `block` that raises if it takes 2 s."""

    def make(error, at):
        @world.blocking
        def block(seconds):
            time.sleep(seconds)
            if seconds == at:
                raise error
            return seconds

        return block

    return make


@pytest.fixture
def unrequested(world):
    """The library's cancellation exception, made without a request to cancel."""
    made = []

    @world.job
    async def make(w):
        made.append(w.unrequested())

    world.run(make)
    return made[0]


@pytest.fixture
def ended_with(world, ignore):
    """``ended_with(function, inputs, limit)`` returns the errors the caller gets."""

    def call(function, inputs, limit, **how):
        try:
            world.run(world.answer, function, inputs, ignore, limit, **how)
        except FINDINGS:
            raise
        except BaseException as error:
            return leaves(error)
        return []

    return call


@pytest.fixture
def beat(world):
    return world.recorder("beat")


def beats(until):
    """Return the beats before the given instant, which must lie between two beats."""
    return [(round(i * EVERY, 9),) for i in range(int(until / EVERY) + 1)]


def test_the_example(world, block, beat):
    seconds, limit = EXAMPLE
    assert world.run(world.answer, block, seconds, beat, limit) == seconds
    assert world.returned_at == 0.35
    assert beat == beats(0.35)


def test_results_come_in_input_order(world, block, ignore):
    seconds = [3, 1, 2, 0, 1]
    assert world.run(world.answer, block, seconds, ignore, 5) == seconds
    assert world.returned_at == 3


def test_the_heart_beats_while_calls_run(world, block, beat):
    world.run(world.answer, block, [0.55, 7.25, 3], beat, 2)
    assert world.returned_at == 7.25
    assert beat == beats(7.25)


@pytest.mark.needs("sharing memory with jobs")
def test_the_first_beat_comes_at_once(world, beat):
    beaten_by_then = []

    @world.blocking
    def block(seconds):
        time.sleep(seconds)
        beaten_by_then.extend(beat)

    world.run(world.answer, block, [0.05], beat, 1)
    assert beaten_by_then == [(0,)]
    assert beat == [(0,)]


def test_exactly_limit_calls_run_at_once(world, block, ignore):
    world.run(world.answer, block, [1] * 120, ignore, 50)
    assert world.returned_at == 3
    assert world.trace.most_at_once() == 50
    started = Counter(at for at, _ in world.trace.when("start"))
    assert started == {0: 50, 1: 50, 2: 20}


def test_a_call_starts_as_soon_as_another_ends(world, block, ignore):
    world.run(world.answer, block, [3, 1, 1.5, 1], ignore, 2)
    assert world.returned_at == 3.5
    assert [at for at, _ in world.trace.when("start")] == [0, 0, 1, 2.5]
    assert world.trace.most_at_once() == 2


def test_a_limit_of_one_runs_calls_in_turn(world, block, beat):
    world.run(world.answer, block, [1, 1, 1.25], beat, 1)
    assert world.returned_at == 3.25
    assert world.trace.most_at_once() == 1
    assert beat == beats(3.25)


def test_the_limit_may_exceed_the_number_of_inputs(world, block, ignore):
    assert world.run(world.answer, block, [1, 2], ignore, 1000) == [1, 2]
    assert world.returned_at == 2


def test_equal_inputs_are_each_used_once(world, block, ignore):
    world.run(world.answer, block, iter([1, 1, 2]), ignore, 2)
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["block(1)", "block(1)", "block(2)"]


def test_each_input_is_one_argument_and_none_is_a_valid_result(world, ignore):
    @world.blocking
    def function(item):
        assert item in inputs

    inputs = [(1, 2), [], None]
    assert world.run(world.answer, function, inputs, ignore, 1) == [None] * 3
    started = [actor for _, actor in world.trace.when("start")]
    assert started == ["function((1, 2))", "function([])", "function(None)"]


@pytest.mark.needs("sharing memory with jobs")
def test_calls_run_in_other_threads_than_beat(world):
    callers, beaters = set(), set()

    @world.blocking
    def function(item):
        callers.add(threading.get_ident())

    def beat():
        beaters.add(threading.get_ident())

    world.run(world.answer, function, range(5), beat, 2)
    assert len(beaters) == 1
    assert callers
    assert not callers & beaters


def test_empty_inputs_return_at_once(world, block, ignore):
    assert world.run(world.answer, block, [], ignore, 3) == []
    assert world.returned_at == 0


def test_the_error_of_a_call_is_raised_after_running_calls_end(world, fail, ignore):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, fail(error, at=0.5), [0.5, 1.25, 2.75], ignore, 3)
    assert raised.value is error
    assert world.returned_at == 2.75
    assert len(world.trace.when("end")) == 2


def test_no_call_starts_after_an_error(world, fail, ignore):
    function = fail(ValueError("no"), at=0.5)
    inputs = [0.5, 1.25, 3, 3.5, *[4] * 20]
    with world.raises(ValueError):
        world.run(world.answer, function, inputs, ignore, 2)
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["block(0.5)", "block(1.25)"]
    assert world.returned_at == 1.25


def test_the_heart_beats_after_an_error_until_the_last_call_ends(world, fail, beat):
    with world.raises(ValueError):
        world.run(world.answer, fail(ValueError("no"), at=0.55), [0.55, 1.25], beat, 2)
    assert beat == beats(1.25)


@pytest.mark.parametrize("seconds", [(1, 0.5), (1, 1)], ids=["two instants", "one"])
def test_the_errors_of_two_calls_both_reach_the_caller(world, ended_with, seconds):
    errors = [ValueError("a"), ValueError("b")]

    @world.blocking
    def function(number):
        time.sleep(seconds[number])
        raise errors[number]

    found = ended_with(function, [0, 1], 2)
    assert len(found) == 2
    assert all(error in found for error in errors)
    assert world.returned_at == 1


@pytest.mark.parametrize("kind", [Halt, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_base_exception_of_a_call_reaches_the_caller(world, fail, ended_with, kind):
    halt = kind("now")
    assert ended_with(fail(halt, at=0.5), [0.5, 1.25, 3], 2) == [halt]
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 1.25


@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])
def test_stop_iteration_from_a_call_is_an_error(world, fail, ended_with, kind):
    stop = kind("no more")
    (error,) = ended_with(fail(stop, at=0.5), [0.5, 1.25, 3], 2)
    assert error is stop or (type(error) is RuntimeError and error.__cause__ is stop)
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 1.25


def test_a_call_that_raises_a_cancellation_has_failed(
    world, fail, ended_with, unrequested
):
    (error,) = ended_with(fail(unrequested, at=0.5), [0.5, 1.25, 3], 2)
    assert unrequested in (error, error.__cause__)
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 1.25


def test_the_error_of_a_call_that_does_not_block_reaches_the_caller(world, ignore):
    error = KeyError("at once")

    @world.blocking
    def function(item):
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, function, range(100), ignore, 1)
    assert raised.value is error
    assert len(world.trace.when("start")) == 1


def test_the_error_of_beat_is_raised_after_running_calls_end(world, block):
    error, beaten = KeyError("beat"), []

    def beat():
        beaten.append(world.now())
        if len(beaten) == 4:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, block, [0.75, 1.25, 3, 3.5], beat, 2)
    assert raised.value is error
    assert beaten[:4] == [0, 0.1, 0.2, 0.3]
    assert sorted(world.trace.when("end")) == [
        (0.75, "block(0.75)"),
        (1.25, "block(1.25)"),
    ]
    assert world.returned_at == 1.25


def test_the_error_of_the_first_beat_reaches_the_caller(world, block):
    error = KeyError("beat")

    def beat():
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, block, [1] * 10, beat, 2)
    assert raised.value is error
    assert len(world.trace.when("start")) <= 2


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_waits_for_running_calls(world, block, ignore):
    inputs = [1.25, 2.75, 3, 3.5]
    ended = world.run(world.answer, block, inputs, ignore, 2, cancel_at=0.5)
    assert ended is CANCELLED
    ended = sorted(world.trace.when("end"))
    assert ended == [(1.25, "block(1.25)"), (2.75, "block(2.75)")]
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 2.75


@pytest.mark.needs("cancellation from outside")
def test_a_second_cancellation_still_waits_for_running_calls(world, block, ignore):
    ended = world.run(
        world.answer, block, [1.25, 2.75, 3], ignore, 2, cancel_at=(0.5, 0.75, 2)
    )
    assert ended is CANCELLED
    assert [at for at, _ in world.trace.when("end")] == [1.25, 2.75]
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 2.75


@pytest.mark.needs("cancellation from outside")
@pytest.mark.parametrize("cancel_at", [0.5, (0.5, 0.75)], ids=["once", "twice"])
def test_the_error_of_a_call_after_a_cancellation_reaches_the_caller(
    world, fail, ended_with, cancel_at
):
    error = ValueError("late")
    found = ended_with(fail(error, at=2.75), [1.25, 2.75, 3], 2, cancel_at=cancel_at)
    assert error in found
    assert all(isinstance(e, world.Cancelled) for e in found if e is not error)
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 2.75


def test_beats_count_from_the_start_of_the_call(world, block, beat):
    @world.job
    async def later(w):
        await w.sleep(0.37)
        return await w.call(world.answer, block, [0.123, 0.25], beat, 1)

    assert world.run(later) == [0.123, 0.25]
    assert [round(at, 9) for (at,) in beat] == [0.37, 0.47, 0.57, 0.67]
    assert world.returned_at == 0.743


def test_setting_the_wall_clock_back_changes_nothing(world, block, monkeypatch):
    beaten = []

    def beat():
        beaten.append(world.now())
        monkeypatch.setattr(time, "time", lambda: -3600.0)

    world.run(world.answer, block, [0.25, 0.35, 0.18], beat, 2)
    assert beaten == [0, 0.1, 0.2, 0.3, 0.4]
    assert world.returned_at == 0.43


def test_ctrl_c_while_calls_run_reaches_the_caller(world):
    command = [sys.executable, "-u", "-W", "error", "-m", world.answer.__module__]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout.readline() == b"beat\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=300)
    assert program.returncode
    assert b"KeyboardInterrupt" in errors


@pytest.mark.parametrize("limit", [2**31, 2**64, 10**400], ids=["31", "64", "1328"])
def test_the_limit_may_be_arbitrarily_large(world, block, ignore, limit):
    assert world.run(world.answer, block, [1, 2], ignore, limit) == [1, 2]


def test_bad_input_is_refused_before_anything_is_called(world, beat):
    called = []
    for function, inputs, heart, limit, kind, hint in [
        (called.append, [1], beat, 0, ValueError, "limit must be at least 1"),
        (called.append, [1], beat, -1, ValueError, "limit must be at least 1"),
        (called.append, [1], beat, -(10**5000), ValueError, "limit"),
        (called.append, [1], beat, 1.5, TypeError, "limit must be a whole number"),
        (called.append, [1], beat, True, TypeError, "limit must be a whole number"),
        (3, [1], beat, 1, TypeError, "function must be callable"),
        (called.append, 3, beat, 1, TypeError, "inputs"),
        (called.append, [1], "beat", 1, TypeError, "beat must be callable"),
    ]:
        with world.raises(kind) as raised:
            world.run(world.answer, function, inputs, heart, limit)
        assert hint in str(raised.value)
        assert called == []
        assert beat == []


@pytest.mark.needs("leaving no idle thread", "sharing memory with jobs")
def test_no_worker_thread_is_left(world, ignore):
    threads = set()

    def function(_):
        threads.add(threading.get_native_id())

    def left():
        """Return whether each thread that is left is asleep, by its number."""
        found = {}
        for number in threads:
            with contextlib.suppress(OSError):  # it has ended
                status = Path(f"/proc/self/task/{number}/stat").read_text("utf-8")
                found[number] = status.rpartition(")")[2].split()[0] == "S"
        return found

    @world.job
    async def main(w):
        await w.call(world.answer, function, [1, 2, 3], ignore, 2)
        # A worker thread needs a moment to end, but does not sleep in that moment.
        asleep = 0
        while asleep < 5 and (found := left()):
            asleep = asleep + 1 if all(found.values()) else 0
            really_sleep(0.02)
        return left()

    assert not world.run(main)
    assert threads


def test_a_cancellation_does_not_hide_the_error_of_beat(world, block):
    error = KeyError("beat")

    def beat():
        if world.now() > 0.25:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, block, [2], beat, 1, cancel_at=1.25)
    assert raised.value is error
    assert world.returned_at == 2


def test_a_base_exception_of_beat_is_handled_like_an_error(world, block):
    halt = Halt()

    def beat():
        if world.now() > 0.25:
            raise halt

    with world.raises(Halt) as raised:
        world.run(world.answer, block, [0.75, 1.25, 3, 3.5], beat, 2)
    assert set(raised.errors) == {halt}
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 1.25


def test_a_group_of_errors_has_a_message(world, fail, ignore):
    with pytest.raises(BaseExceptionGroup) as raised:
        world.run(world.answer, fail(KeyError("no"), at=1), [1, 1], ignore, 2)
    assert raised.value.message
