"""The contract of an answer to `countdown`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.countdown import EXAMPLE
from concurrency_study.world import CANCELLED


def failing_say(world, fails, error):
    """Return a record and a `say` that fills it and raises for each of ``fails``."""
    heard = world.recorder()

    def say(name, n):
        heard(name, n)
        if (name, n) in fails:
            raise error(name)

    return heard, say


def test_the_example(world):
    say = world.recorder()
    world.run(world.answer, EXAMPLE, say)
    assert sorted(say[:2]) == [(0, "lunch", 3), (0, "tea", 2)]
    assert sorted(say[2:4]) == [(1, "lunch", 2), (1, "tea", 1)]
    assert say[4:] == [(2, "lunch", 1)]
    assert world.returned_at == 2


def test_a_counter_says_one_number_a_second_starting_at_once(world):
    say = world.recorder()
    world.run(world.answer, [("x", 4)], say)
    assert say == [(0, "x", 4), (1, "x", 3), (2, "x", 2), (3, "x", 1)]


def test_no_counter_waits_after_its_last_number(world, ignore):
    world.run(world.answer, [("x", 4), ("y", 1)], ignore)
    assert world.returned_at == 3
    world.run(world.answer, [("x", 1)], ignore)
    assert world.returned_at == 0


def test_no_number_is_said_early(world):
    said_by_then = []
    say = world.recorder()
    world.at(1.5, lambda: said_by_then.extend(say))
    world.run(world.answer, [("x", 4), ("y", 4)], say)
    assert sorted(said_by_then) == [
        (0, "x", 4),
        (0, "y", 4),
        (1, "x", 3),
        (1, "y", 3),
    ]


def test_all_counters_run_side_by_side(world):
    say = world.recorder()
    world.run(world.answer, [(f"counter {i}", 3) for i in range(200)], say)
    assert world.returned_at == 2
    for second in range(3):
        said = sorted((name, n) for at, name, n in say if at == second)
        assert said == sorted((f"counter {i}", 3 - second) for i in range(200))


def test_zero_and_negative_counters_say_nothing_and_take_no_time(world):
    say = world.recorder()
    world.run(world.answer, [("zero", 0), ("less", -3)], say)
    assert say == []
    assert world.returned_at == 0


def test_a_counter_of_zero_does_not_affect_others(world):
    say = world.recorder()
    world.run(world.answer, [("zero", 0), ("x", 2), ("less", -1)], say)
    assert say == [(0, "x", 2), (1, "x", 1)]


def test_counters_may_share_a_name(world):
    say = world.recorder()
    world.run(world.answer, [("x", 2), ("x", 2)], say)
    assert say == [(0, "x", 2), (0, "x", 2), (1, "x", 1), (1, "x", 1)]


def test_counters_may_come_from_an_iterator(world):
    say = world.recorder()
    world.run(world.answer, ((name, 1) for name in "ab"), say)
    assert sorted(say) == [(0, "a", 1), (0, "b", 1)]


def test_empty_counters_return_at_once(world):
    say = world.recorder()
    world.run(world.answer, [], say)
    assert say == []
    assert world.returned_at == 0


def test_a_long_count_does_not_drift(world):
    say = world.recorder()
    world.run(world.answer, [("hour", 3601)], say)
    assert say == [(second, "hour", 3601 - second) for second in range(3601)]


def test_the_error_of_say_reaches_the_caller_and_stops_all_counters(world):
    heard, say = failing_say(world, [("x", 2)], KeyError)
    with world.raises(KeyError) as raised:
        world.run(world.answer, [("x", 3), ("y", 60), ("z", 3)], say)
    assert raised.value.args == ("x",)
    assert world.returned_at == 1
    assert sorted(heard[:3]) == [(0, "x", 3), (0, "y", 60), (0, "z", 3)]
    assert (1, "x", 2) in heard
    assert {n for _, name, n in heard if name == "y"} <= {60, 59}


def test_an_error_of_the_first_say_reaches_the_caller(world):
    heard, say = failing_say(world, [("x", 3)], KeyError)
    with world.raises(KeyError):
        world.run(world.answer, [("y", 60), ("x", 3), ("z", 3)], say)
    assert world.returned_at == 0
    assert {at for at, *_ in heard} == {0}


def test_simultaneous_errors_are_not_replaced(world):
    _, say = failing_say(world, [("x", 2), ("y", 2)], KeyError)
    with world.raises(KeyError) as raised:
        world.run(world.answer, [("x", 3), ("y", 3), ("z", 60)], say)
    assert {error.args for error in raised.errors} <= {("x",), ("y",)}
    assert world.returned_at == 1


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_all_counters(world):
    say = world.recorder()
    ended = world.run(world.answer, [("x", 60), ("y", 2)], say, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert [(at, n) for at, name, n in say if name == "x"] == [
        (0, 60),
        (1, 59),
        (2, 58),
    ]


def test_bad_counters_are_refused_before_anything_is_said(world):
    say = world.recorder()
    for wrong, word in [
        (("x", 1.5), "whole number"),
        (("x", True), "whole number"),
        (("x", "3"), "whole number"),
        ((3, 3), "text"),
        (("x",), "pair"),
        ("xy", "pair"),
    ]:
        with world.raises(TypeError) as raised:
            world.run(world.answer, [("first", 3), wrong], say)
        assert word in str(raised.value)
    assert say == []


def test_non_iterable_counters_and_a_non_callable_say_are_refused(world):
    with world.raises(TypeError) as raised:
        world.run(world.answer, 3, print)
    assert "counters" in str(raised.value)
    with world.raises(TypeError) as raised:
        world.run(world.answer, [("x", 1)], "say")
    assert "say must be callable" in str(raised.value)
