"""The contract of an answer to `periodic`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.periodic import EXAMPLE
from concurrency_study.world import CANCELLED


@pytest.fixture
def ticks(world):
    """``ticks(2.5, 0.5)`` is a tick that takes 2.5 s, then 0.5 s, then no time."""

    def make(*seconds):
        @world.job
        async def tick(w, index):
            if index < len(seconds):
                await w.sleep(seconds[index])

        return tick

    return make


def test_the_example(world, ticks):
    world.run(world.answer, ticks(), *EXAMPLE)
    assert world.trace.when("start") == [
        (0, "tick(0)"),
        (0.2, "tick(1)"),
        (0.4, "tick(2)"),
        (0.6, "tick(3)"),
    ]


def test_a_short_tick_does_not_delay_the_next(world, ticks):
    world.run(world.answer, ticks(0.5, 0.25, 0.75, 0.125), 1, 5)
    started = [(index, f"tick({index})") for index in range(5)]
    assert world.trace.when("start") == started


def test_an_hour_of_ticks_does_not_drift(world, ticks):
    world.run(world.answer, ticks(*[0.03] * 3600), 1, 3600)
    assert world.trace.when("start")[-1] == (3599, "tick(3599)")
    assert len(world.trace.when("start")) == 3600


def test_a_tick_as_long_as_the_interval_delays_nothing(world, ticks):
    world.run(world.answer, ticks(1, 1, 1), 1, 3)
    assert world.trace.when("start") == [(0, "tick(0)"), (1, "tick(1)"), (2, "tick(2)")]
    assert world.returned_at == 3


def test_after_an_overrun_the_next_tick_starts_at_once(world, ticks):
    world.run(world.answer, ticks(1.25), 1, 4)
    assert world.trace.when("start") == [
        (0, "tick(0)"),
        (1.25, "tick(1)"),
        (2, "tick(2)"),
        (3, "tick(3)"),
    ]


def test_after_a_long_overrun_no_tick_is_skipped(world, ticks):
    world.run(world.answer, ticks(0, 3.5, 0.25), 1, 7)
    assert world.trace.when("start") == [
        (0, "tick(0)"),
        (1, "tick(1)"),
        (4.5, "tick(2)"),
        (4.75, "tick(3)"),
        (4.75, "tick(4)"),
        (5, "tick(5)"),
        (6, "tick(6)"),
    ]


def test_ticks_never_overlap(world, ticks):
    world.run(world.answer, ticks(3.5, 3.5, 3.5), 1, 3)
    assert world.trace.most_at_once() == 1
    assert world.returned_at == 10.5


def test_the_answer_returns_when_the_last_tick_ends(world, ticks):
    world.run(world.answer, ticks(0, 0, 0.25), 1, 3)
    assert world.returned_at == 2.25


def test_time_counts_from_the_start_of_the_call(world, ticks):
    tick = ticks(0.5)

    @world.job
    async def main(w):
        await w.sleep(5.25)
        await w.call(world.answer, tick, 1, 2)

    world.run(main)
    assert world.trace.when("start") == [
        (0, "main()"),
        (5.25, "tick(0)"),
        (6.25, "tick(1)"),
    ]


def test_zero_ticks_return_at_once(world, ticks):
    world.run(world.answer, ticks(), 1, 0)
    assert not world.trace.when("start")
    assert world.returned_at == 0


def test_an_interval_of_zero_runs_ticks_in_turn(world, ticks):
    world.run(world.answer, ticks(0.5, 0, 0.5), 0, 4)
    assert world.trace.when("start") == [
        (0, "tick(0)"),
        (0.5, "tick(1)"),
        (0.5, "tick(2)"),
        (1, "tick(3)"),
    ]


def test_other_work_runs_between_and_during_ticks(world, ticks):
    seen = []
    for at in (0.25, 0.75):
        world.at(at, lambda: seen.append(world.now()))
    world.run(world.answer, ticks(0.5), 1, 2)
    assert seen == [0.25, 0.75]


def test_an_error_of_a_tick_stops_the_ticks_and_reaches_the_caller(world):
    error = ValueError("no")

    @world.job
    async def tick(w, index):
        await w.sleep(0.25)
        if index == 1:
            raise error

    with world.raises(ValueError) as raised:
        world.run(world.answer, tick, 1, 4)
    assert raised.value is error
    assert world.returned_at == 1.25
    assert world.trace.when("start") == [(0, "tick(0)"), (1, "tick(1)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_cancels_the_running_tick(world):
    @world.job
    async def tick(w, index):
        try:
            await w.sleep(0.75)
        finally:
            w.note("clean")

    ended = world.run(world.answer, tick, 1, 4, cancel_at=1.5)
    assert ended is CANCELLED
    assert world.returned_at == 1.5
    assert world.trace.when("cancelled") == [(1.5, "tick(1)")]
    assert world.trace.when("note") == [(0.75, "tick(0)"), (1.5, "tick(1)")]


@pytest.mark.needs("cancellation from outside")
def test_no_tick_starts_after_a_cancellation_between_ticks(world, ticks):
    ended = world.run(world.answer, ticks(0.25, 0.25), 1, 4, cancel_at=1.5)
    assert ended is CANCELLED
    assert world.returned_at == 1.5
    assert world.trace.when("end") == [(0.25, "tick(0)"), (1.25, "tick(1)")]


def test_bad_input_is_refused_before_the_first_tick(world, ticks):
    for every, times, expected, word in [
        (-1, 3, ValueError, "every"),
        (float("nan"), 3, ValueError, "every"),
        ("1", 3, TypeError, "every"),
        (1, -3, ValueError, "times"),
        (1, 2.5, TypeError, "times"),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, ticks(), every, times)
        assert word in str(raised.value)
        assert not world.trace.when("start")


def test_a_non_callable_is_refused_even_if_never_needed(world):
    with world.raises(TypeError) as raised:
        world.run(world.answer, "tick", 1, 0)
    assert "tick must be callable" in str(raised.value)
