"""Does an answer to `blocking_calls` keep its contract?"""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE
from concurrency_study.world import CANCELLED


@pytest.fixture
def block(world):
    """A blocking function that takes so many seconds and returns them."""

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
def beat(world):
    return world.recorder("beat")


def beats(until):
    """The beats up to an instant that is not one of them."""
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


def test_the_heart_beats_meanwhile(world, block, beat):
    world.run(world.answer, block, [0.55, 7.25, 3], beat, 2)
    assert world.returned_at == 7.25
    assert beat == beats(7.25)


def test_the_heart_beats_at_once(world, beat):
    beaten_by_then = []

    @world.blocking
    def block(seconds):
        time.sleep(seconds)
        beaten_by_then.extend(beat)

    world.run(world.answer, block, [0.05], beat, 1)
    assert beaten_by_then == [(0,)]
    assert beat == [(0,)]


def test_no_more_than_limit_run_at_once_and_no_fewer(world, block, ignore):
    world.run(world.answer, block, [1] * 120, ignore, 50)
    assert world.returned_at == 3
    assert world.trace.most_at_once() == 50
    started = Counter(at for at, _ in world.trace.when("start"))
    assert started == {0: 50, 1: 50, 2: 20}


def test_a_call_starts_as_soon_as_another_one_has_ended(world, block, ignore):
    world.run(world.answer, block, [3, 1, 1.5, 1], ignore, 2)
    assert world.returned_at == 3.5
    assert [at for at, _ in world.trace.when("start")] == [0, 0, 1, 2.5]
    assert world.trace.most_at_once() == 2


def test_limit_one_is_one_after_the_other(world, block, beat):
    world.run(world.answer, block, [1, 1, 1.25], beat, 1)
    assert world.returned_at == 3.25
    assert world.trace.most_at_once() == 1
    assert beat == beats(3.25)


def test_a_limit_beyond_the_number_of_inputs_is_fine(world, block, ignore):
    assert world.run(world.answer, block, [1, 2], ignore, 1000) == [1, 2]
    assert world.returned_at == 2


def test_every_input_is_used_once_even_if_equal(world, block, ignore):
    world.run(world.answer, block, iter([1, 1, 2]), ignore, 2)
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["block(1)", "block(1)", "block(2)"]


def test_an_input_is_one_argument_and_none_is_a_result(world, ignore):
    given = []

    @world.blocking
    def function(item):
        given.append(item)

    inputs = [(1, 2), [], None]
    assert world.run(world.answer, function, inputs, ignore, 1) == [None] * 3
    assert given == inputs


def test_calls_run_off_the_thread_that_beats(world):
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


def test_no_inputs_return_at_once(world, block, ignore):
    assert world.run(world.answer, block, [], ignore, 3) == []
    assert world.returned_at == 0


def test_the_error_of_a_call_reaches_the_caller_once_the_others_have_ended(
    world, fail, ignore
):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, fail(error, at=0.5), [0.5, 1.25, 2.75], ignore, 3)
    assert raised.value is error
    assert world.returned_at == 2.75
    assert len(world.trace.when("end")) == 2


def test_after_an_error_no_further_call_is_started(world, fail, ignore):
    function = fail(ValueError("no"), at=0.5)
    inputs = [0.5, 1.25, 3, 3.5, *[4] * 20]
    with world.raises(ValueError):
        world.run(world.answer, function, inputs, ignore, 2)
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["block(0.5)", "block(1.25)"]
    assert world.returned_at == 1.25


def test_after_an_error_the_heart_beats_until_the_last_call_has_ended(
    world, fail, beat
):
    with world.raises(ValueError):
        world.run(world.answer, fail(ValueError("no"), at=0.55), [0.55, 1.25], beat, 2)
    assert beat == beats(1.25)


def test_of_several_errors_the_first_is_not_lost(world, ignore):
    errors = {0.5: ValueError("first"), 1: ValueError("second")}

    @world.blocking
    def function(seconds):
        time.sleep(seconds)
        raise errors[seconds]

    with world.raises(ValueError) as raised:
        world.run(world.answer, function, [1, 0.5], ignore, 2)
    assert errors[0.5] in raised.errors
    assert world.returned_at == 1


def test_the_error_of_a_call_that_does_not_wait_reaches_the_caller(world, ignore):
    error = KeyError("at once")

    @world.blocking
    def function(item):
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, function, range(100), ignore, 1)
    assert raised.value is error
    assert len(world.trace.when("start")) == 1


def test_the_error_of_beat_reaches_the_caller_once_the_calls_have_ended(world, block):
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
def test_cancelled_from_outside_the_calls_that_run_are_waited_for(world, block, ignore):
    inputs = [1.25, 2.75, 3, 3.5]
    ended = world.run(world.answer, block, inputs, ignore, 2, cancel_at=0.5)
    assert ended is CANCELLED
    ended = sorted(world.trace.when("end"))
    assert ended == [(1.25, "block(1.25)"), (2.75, "block(2.75)")]
    assert len(world.trace.when("start")) == 2
    assert world.returned_at == 2.75


def test_a_limit_that_cannot_work_is_refused_before_anything_is_called(
    world, block, beat
):
    for limit, kind in [(0, ValueError), (-1, ValueError), (1.5, TypeError)]:
        with world.raises(kind) as raised:
            world.run(world.answer, block, [1], beat, limit)
        assert "limit" in str(raised.value)
    assert not world.trace.when("start")
    assert beat == []


def test_what_cannot_be_called_or_iterated_is_refused(world, block, beat):
    for function, inputs, heart, hint in [
        (3, [1], beat, "function must be callable"),
        (block, 3, beat, "inputs"),
        (block, [1], "beat", "beat must be callable"),
    ]:
        with world.raises(TypeError) as raised:
            world.run(world.answer, function, inputs, heart, 1)
        assert hint in str(raised.value)
    assert not world.trace.when("start")
    assert beat == []
