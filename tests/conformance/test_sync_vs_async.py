"""The contract of an answer to `sync_vs_async`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.sync_vs_async import EXAMPLE, PRINTS
from concurrency_study.world import CANCELLED


@pytest.fixture
def in_round(world):
    """``in_round(2, error)`` is a job that raises when it sleeps 2 s a second time."""

    def make(which, error):
        rounds = []

        @world.job
        async def job(w, seconds):
            rounds.append(seconds)
            this = rounds.count(seconds)
            await w.sleep(seconds)
            if (seconds, this) == (2, which):
                raise error

        return job

    return make


def test_the_example(world, after):
    compared = world.run(world.answer, after, EXAMPLE)
    assert compared.in_turn == ["0.2 s", "0.1 s", "0.3 s"]
    assert compared.side_by_side == ["0.2 s", "0.1 s", "0.3 s"]
    assert compared.seconds_in_turn == pytest.approx(0.6)
    assert compared.seconds_side_by_side == pytest.approx(0.3)
    durations = ("0.6 s", "0.3 s")
    expected = [line + took for line, took in zip(PRINTS, durations, strict=True)]
    assert str(compared).splitlines() == expected


def test_calls_run_in_turn_then_side_by_side(world, after):
    world.run(world.answer, after, [3, 1, 2])
    in_turn, side_by_side = world.trace.when("start")[:3], world.trace.when("start")[3:]
    assert in_turn == [(0, "job(3)"), (3, "job(1)"), (4, "job(2)")]
    assert sorted(side_by_side) == [(6, "job(1)"), (6, "job(2)"), (6, "job(3)")]
    assert world.returned_at == 9


def test_in_turn_takes_the_sum_and_side_by_side_the_longest(world, after):
    compared = world.run(world.answer, after, [3600, 0.5, 7200])
    assert compared.seconds_in_turn == pytest.approx(10800.5)
    assert compared.seconds_side_by_side == pytest.approx(7200)


def test_side_by_side_all_calls_run_concurrently(world, after):
    compared = world.run(world.answer, after, [1] * 200)
    assert world.trace.most_at_once() == 200
    assert compared.seconds_in_turn == pytest.approx(200)
    assert compared.seconds_side_by_side == pytest.approx(1)


def test_each_way_has_its_own_results_in_input_order(world):
    calls = []

    @world.job
    async def job(w, seconds):
        calls.append(seconds)
        way = calls.count(seconds)
        await w.sleep(seconds)
        return way, seconds

    compared = world.run(world.answer, job, [3, 1, 2])
    assert compared.in_turn == [(1, 3), (1, 1), (1, 2)]
    assert compared.side_by_side == [(2, 3), (2, 1), (2, 2)]


def test_each_way_is_measured_separately(world):
    calls = []

    @world.job
    async def job(w, seconds):
        calls.append(seconds)
        await w.sleep(seconds if calls.count(seconds) == 1 else seconds / 4)

    compared = world.run(world.answer, job, [3, 1, 2])
    assert compared.seconds_in_turn == pytest.approx(6)
    assert compared.seconds_side_by_side == pytest.approx(0.75)


def test_inputs_may_be_an_iterator_and_equal(world, after):
    compared = world.run(world.answer, after, iter([1, 1]))
    assert compared.in_turn == compared.side_by_side == ["1 s", "1 s"]
    assert compared.seconds_in_turn == pytest.approx(2)
    assert len(world.trace.when("start")) == 4


def test_none_and_returned_errors_are_results(world):
    results = [None, ValueError("not raised")]

    @world.job
    async def job(w, index):
        return results[index]

    compared = world.run(world.answer, job, [0, 1])
    assert compared.in_turn == compared.side_by_side == results


def test_empty_inputs_take_no_time(world, after):
    assert world.run(world.answer, after, []) == ([], [], 0, 0)
    assert world.returned_at == 0


def test_an_error_in_turn_stops_at_once(world, in_round):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, in_round(1, error), [1, 2, 3])
    assert raised.value is error
    assert world.returned_at == 3
    assert world.trace.when("start") == [(0, "job(1)"), (1, "job(2)")]


def test_an_error_side_by_side_reaches_the_caller(world, in_round):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, in_round(2, error), [1, 2])
    assert raised.value is error
    assert world.returned_at == 5


def test_simultaneous_errors_are_not_replaced(world):
    errors, calls = [ValueError("one"), ValueError("two")], []

    @world.job
    async def job(w, index):
        calls.append(index)
        second = len(calls) > 2
        await w.sleep(1)
        if second:
            raise errors[index]

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [0, 1])
    assert all(error in errors for error in raised.errors)
    assert world.returned_at == 3


@pytest.mark.needs("stopping the rest")
def test_an_error_side_by_side_stops_the_running_calls(world, in_round):
    with world.raises(ValueError):
        world.run(world.answer, in_round(2, ValueError("no")), [5, 1, 2])
    assert world.returned_at == 10
    assert world.trace.when("cancelled") == [(10, "job(5)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_in_turn_stops_the_running_call(world, after):
    ended = world.run(world.answer, after, [1, 2, 3], cancel_at=1.5)
    assert ended is CANCELLED
    assert world.returned_at == 1.5
    assert world.trace.when("start") == [(0, "job(1)"), (1, "job(2)")]
    assert world.trace.when("cancelled") == [(1.5, "job(2)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_side_by_side_stops_all_calls(world, after):
    ended = world.run(world.answer, after, [1, 2, 3], cancel_at=7.5)
    assert ended is CANCELLED
    assert world.returned_at == 7.5
    assert sorted(world.trace.when("cancelled")) == [(7.5, "job(2)"), (7.5, "job(3)")]


def test_a_non_callable_is_refused_even_if_never_needed(world):
    with world.raises(TypeError) as raised:
        world.run(world.answer, 3, [])
    assert "function must be callable" in str(raised.value)


def test_non_iterable_inputs_are_refused(world, after):
    with world.raises(TypeError) as raised:
        world.run(world.answer, after, 3)
    assert "inputs" in str(raised.value)
    assert not world.trace.when("start")


def test_durations_do_not_depend_on_when_the_call_starts(world, after):
    @world.job
    async def later(w):
        await w.sleep(100)
        return await w.call(world.answer, after, [3, 1])

    compared = world.run(later)
    assert compared.seconds_in_turn == pytest.approx(4)
    assert compared.seconds_side_by_side == pytest.approx(3)
