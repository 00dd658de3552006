"""The contract of an answer to `chaining`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.chaining import EXAMPLE, PRINTS
from concurrency_study.world import CANCELLED


@pytest.fixture
def compute(world):
    """A job that takes 1 s to add two values."""

    @world.job
    async def compute(w, x, y):
        await w.sleep(1)
        return x + y

    return compute


def test_the_example(world, compute):
    say = world.recorder()
    world.run(world.answer, compute, *EXAMPLE, say)
    assert say == [(0, PRINTS[0]), (1, PRINTS[1])]
    assert say.values == ["computing 1 + 2", "1 + 2 = 3"]


def test_compute_is_called_once_between_the_two_lines(world, compute):
    world.run(world.answer, compute, 1, 2, world.recorder())
    story = [(e.actor, e.what) for e in world.trace]
    assert story == [
        ("say", "call"),
        ("compute(1, 2)", "start"),
        ("compute(1, 2)", "sleep"),
        ("compute(1, 2)", "wake"),
        ("compute(1, 2)", "end"),
        ("say", "call"),
    ]


def test_the_answer_waits_exactly_as_long_as_compute(world):
    @world.job
    async def compute(w, x, y):
        await w.sleep(7200)
        await w.sleep(0.5)
        return x + y

    say = world.recorder()
    world.run(world.answer, compute, 1, 2, say)
    assert say == [(0, "computing 1 + 2"), (7200.5, "1 + 2 = 3")]
    assert world.returned_at == 7200.5


def test_compute_need_not_wait(world):
    @world.job
    async def compute(w, x, y):
        return x + y

    say = world.recorder()
    world.run(world.answer, compute, 1, 2, say)
    assert say == [(0, "computing 1 + 2"), (0, "1 + 2 = 3")]


def test_x_comes_before_y(world, compute):
    say = world.recorder()
    world.run(world.answer, compute, "con", "current", say)
    assert say.values == ["computing con + current", "con + current = concurrent"]


def test_the_result_is_whatever_compute_returns(world):
    @world.job
    async def compute(w, x, y):
        return None

    say = world.recorder()
    world.run(world.answer, compute, 1, 2, say)
    assert say.values == ["computing 1 + 2", "1 + 2 = None"]


def test_other_work_runs_while_the_answer_waits(world, compute):
    seen = []
    world.at(0.5, lambda: seen.append((world.now(), list(say.values))))
    say = world.recorder()
    world.run(world.answer, compute, 1, 2, say)
    assert seen == [(0.5, ["computing 1 + 2"])]


def test_an_error_of_compute_propagates_and_nothing_more_is_said(world):
    error = ValueError("no")

    @world.job
    async def compute(w, x, y):
        await w.sleep(1)
        raise error

    say = world.recorder()
    with world.raises(ValueError) as raised:
        world.run(world.answer, compute, 1, 2, say)
    assert raised.value is error
    assert world.returned_at == 1
    assert say == [(0, "computing 1 + 2")]


def test_an_error_of_compute_before_it_waits_propagates(world):
    error = ValueError("no")

    @world.job
    async def compute(w, x, y):
        raise error

    say = world.recorder()
    with world.raises(ValueError) as raised:
        world.run(world.answer, compute, 1, 2, say)
    assert raised.value is error
    assert say == [(0, "computing 1 + 2")]


def test_an_error_of_the_first_say_propagates_before_compute_starts(world, compute):
    error = KeyError("say")

    def say(line):
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, compute, 1, 2, say)
    assert raised.value is error
    assert not world.trace.when("start")


def test_an_error_of_the_last_say_propagates(world, compute):
    error = KeyError("say")

    def say(line):
        if "=" in line:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, compute, 1, 2, say)
    assert raised.value is error
    assert world.returned_at == 1


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_compute_and_nothing_more_is_said(world):
    @world.job
    async def compute(w, x, y):
        try:
            await w.sleep(60)
        finally:
            w.note("clean")

    say = world.recorder()
    ended = world.run(world.answer, compute, 1, 2, say, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert world.trace.when("note") == [(2.5, "compute(1, 2)")]
    assert world.trace.when("cancelled") == [(2.5, "compute(1, 2)")]
    assert say == [(0, "computing 1 + 2")]


def test_non_callables_are_refused_before_anything_is_said(world, compute):
    say = world.recorder()
    with world.raises(TypeError) as raised:
        world.run(world.answer, 3, 1, 2, say)
    assert "compute must be callable" in str(raised.value)
    assert say == []
    with world.raises(TypeError) as raised:
        world.run(world.answer, compute, 1, 2, "say")
    assert "say must be callable" in str(raised.value)
    assert not world.trace.when("start")
