"""The contract of an answer to `factorial`."""

from __future__ import annotations

import math

import pytest
from concurrency_study.topics.factorial import EXAMPLE
from concurrency_study.world import CANCELLED


def test_the_example(world):
    say = world.recorder()
    assert world.run(world.answer, EXAMPLE, say) == [2, 6, 24]
    assert sorted(say) == [
        (0, 2, 2),
        (0, 3, 2),
        (0, 4, 2),
        (1, 3, 3),
        (1, 4, 3),
        (2, 4, 4),
    ]
    assert world.returned_at == 3


def test_results_come_in_input_order(world, ignore):
    assert world.run(world.answer, [5, 2, 0, 4, 1, 3], ignore) == [120, 2, 1, 24, 1, 6]
    assert world.returned_at == 4


def test_each_step_is_said_before_its_pause(world):
    say = world.recorder()
    world.run(world.answer, [4], say)
    assert say == [(0, 4, 2), (1, 4, 3), (2, 4, 4)]
    assert world.returned_at == 3


def test_zero_and_one_need_no_step(world):
    say = world.recorder()
    assert world.run(world.answer, [0, 1], say) == [1, 1]
    assert say == []
    assert world.returned_at == 0


def test_all_numbers_run_side_by_side(world):
    say = world.recorder()
    assert world.run(world.answer, [3] * 200, say) == [6] * 200
    assert say == [(0, 3, 2)] * 200 + [(1, 3, 3)] * 200
    assert world.returned_at == 2


def test_the_factorial_of_a_large_number_is_exact(world, ignore):
    assert world.run(world.answer, [300], ignore) == [math.factorial(300)]
    assert world.returned_at == 299


def test_numbers_may_be_an_iterator(world):
    say = world.recorder()
    assert world.run(world.answer, iter([2, 2]), say) == [2, 2]
    assert say == [(0, 2, 2), (0, 2, 2)]


def test_empty_numbers_return_at_once(world, ignore):
    assert world.run(world.answer, [], ignore) == []
    assert world.returned_at == 0


def test_other_work_runs_between_steps(world):
    say, seen = world.recorder(), []
    world.at(0.5, lambda: seen.append((world.now(), len(say))))
    world.run(world.answer, [3], say)
    assert seen == [(0.5, 1)]


def test_an_error_of_say_stops_the_rest_and_reaches_the_caller(world):
    error, said = KeyError("say"), []

    def say(number, step):
        said.append((world.now(), number, step))
        if (number, step) == (3, 3):
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, [60, 3, 2], say)
    assert raised.value is error
    assert world.returned_at == 1
    assert sorted(said)[:3] == [(0, 2, 2), (0, 3, 2), (0, 60, 2)]
    assert {(1, 3, 3)} <= set(said[3:]) <= {(1, 3, 3), (1, 60, 3)}


def test_an_error_of_the_first_say_reaches_the_caller(world):
    error = KeyError("say")

    def say(number, step):
        if number == 2:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, [2, 60], say)
    assert raised.value is error
    assert world.returned_at == 0


def test_simultaneous_errors_are_not_replaced(world):
    errors = {2: KeyError("one"), 3: KeyError("two")}

    def say(number, step):
        raise errors[number]

    with world.raises(KeyError) as raised:
        world.run(world.answer, [2, 3], say)
    assert all(error in errors.values() for error in raised.errors)


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_all(world):
    say = world.recorder()
    ended = world.run(world.answer, [2, 60], say, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert sorted(say) == [(0, 2, 2), (0, 60, 2), (1, 60, 3), (2, 60, 4)]


def test_bad_numbers_are_refused_before_anything_is_said(world):
    say = world.recorder()
    for number, expected in [
        (-1, ValueError),
        (2.5, TypeError),
        (3.0, TypeError),
        ("3", TypeError),
        (True, TypeError),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, [4, number], say)
        assert "number" in str(raised.value)
        assert world.returned_at == 0
    assert say == []


def test_a_non_callable_is_refused_even_if_never_needed(world):
    with world.raises(TypeError) as raised:
        world.run(world.answer, [], "say")
    assert "say must be callable" in str(raised.value)


def test_non_iterable_numbers_are_refused(world, ignore):
    with world.raises(TypeError) as raised:
        world.run(world.answer, 3, ignore)
    assert "numbers" in str(raised.value)
