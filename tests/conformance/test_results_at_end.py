"""The contract of an answer to `results_at_end`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.results_at_end import EXAMPLE
from concurrency_study.world import CANCELLED


def test_the_example(world, after):
    results = world.run(world.answer, after, EXAMPLE)
    assert results == ["0.3 s", "0.1 s", "0.2 s"]
    assert world.returned_at == 0.3


def test_results_come_in_input_order(world, after):
    results = world.run(world.answer, after, [3, 1, 7200, 2])
    assert results == ["3 s", "1 s", "7200 s", "2 s"]
    ended = [(1, "job(1)"), (2, "job(2)"), (3, "job(3)"), (7200, "job(7200)")]
    assert world.trace.when("end") == ended
    assert world.returned_at == 7200


def test_all_calls_run_concurrently(world, after):
    results = world.run(world.answer, after, [1] * 200)
    assert results == ["1 s"] * 200
    assert world.returned_at == 1
    assert world.trace.most_at_once() == 200


def test_equal_inputs_are_each_used_once(world, after):
    results = world.run(world.answer, after, iter([1, 1, 2]))
    assert results == ["1 s", "1 s", "2 s"]
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["job(1)", "job(1)", "job(2)"]


@pytest.mark.needs("sharing memory with jobs")
def test_equal_inputs_get_separate_results(world):
    called = []

    @world.job
    async def job(w, item):
        called.append(item)
        return len(called)

    assert sorted(world.run(world.answer, job, [1, 1])) == [1, 2]


def test_inputs_need_not_be_hashable(world):
    @world.job
    async def job(w, pair):
        await w.sleep(pair[0])
        return pair[1]

    assert world.run(world.answer, job, [[2, "a"], [1, "b"]]) == ["a", "b"]


def test_none_and_returned_errors_are_results(world):
    results = [None, ValueError("not raised"), False]

    @world.job
    async def job(w, index):
        return results[index]

    assert world.run(world.answer, job, [0, 1, 2]) == results


def test_empty_inputs_return_at_once(world, after):
    assert world.run(world.answer, after, []) == []
    assert world.returned_at == 0


def test_ten_thousand_inputs_are_fine(world):
    @world.job
    async def job(w, item):
        return item

    results = world.run(world.answer, job, range(10_000))
    assert results == list(range(10_000))


@pytest.mark.needs("thousands at once")
def test_thousands_of_calls_run_concurrently(world, after):
    world.run(world.answer, after, [0.5] * 2_000, within=1)
    assert world.returned_at == 0.5


def test_the_error_of_a_call_reaches_the_caller(world, failing):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, failing(error, at=2), [1, 2])
    assert raised.value is error
    assert world.returned_at == 2


@pytest.mark.needs("stopping the rest")
def test_the_first_error_stops_the_rest(world, failing):
    with world.raises(ValueError):
        world.run(world.answer, failing(ValueError("no"), at=2), [60, 1, 2, 3])
    assert world.returned_at == 2
    assert world.trace.when("end") == [(1, "job(1)")]
    assert sorted(world.trace.when("cancelled")) == [(2, "job(3)"), (2, "job(60)")]


@pytest.mark.needs("stopping the rest")
def test_the_earliest_error_is_raised(world):
    errors = {3: ValueError("late"), 2: ValueError("early")}

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        raise errors[seconds]

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [3, 2])
    assert raised.errors == [errors[2]]
    assert world.returned_at == 2


@pytest.mark.needs("stopping the rest")
def test_an_error_of_a_call_that_does_not_wait_stops_the_rest(world, after):
    error = ValueError("no")

    @world.job
    async def job(w, seconds):
        if not seconds:
            raise error
        await w.sleep(seconds)

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [60, 0, 60])
    assert raised.value is error
    assert world.returned_at == 0


def test_simultaneous_errors_are_not_replaced(world, leftovers):
    errors = [ValueError("one"), ValueError("two")]

    @world.job
    async def job(w, index):
        await w.sleep(1)
        raise errors[index]

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [0, 1], leftovers=leftovers)
    assert all(error in errors for error in raised.errors)
    assert world.returned_at == 1


@pytest.mark.needs("stopping the rest")
def test_stopped_calls_clean_up(world):
    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        finally:
            w.note("clean")
        raise ValueError("no")

    with world.raises(ValueError):
        world.run(world.answer, job, [60, 1])
    cleaned = [(e.at, e.actor) for e in world.trace if e.what == "note"]
    assert cleaned == [(1, "job(1)"), (1, "job(60)")]


@pytest.mark.needs("stopping the rest")
def test_an_error_in_cleanup_does_not_replace_the_first_error(world):
    error = ValueError("first")

    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            raise KeyError("cleanup") from None
        raise error

    with world.raises(Exception) as raised:
        world.run(world.answer, job, [60, 1])
    assert error in raised.errors
    assert {type(each) for each in raised.errors} <= {ValueError, KeyError}
    assert world.returned_at == 1


@pytest.mark.needs("stopping the rest")
def test_the_first_error_stops_calls_that_have_not_started(world, failing):
    with world.raises(ValueError):
        inputs = [1] + [60] * 1_500
        world.run(world.answer, failing(ValueError("no"), at=1), inputs)
    assert world.returned_at == 1


@pytest.mark.needs("stopping the rest")
def test_the_answer_waits_for_a_slow_cleanup(world, slow_to_stop):
    with world.raises(ValueError):
        world.run(world.answer, slow_to_stop, [1, 60])
    assert world.returned_at == 3


@pytest.mark.needs("cancellation from outside", "waiting for the rest")
def test_cancellation_from_outside_waits_for_every_cleanup(world):
    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(50)
        finally:
            with w.shield():
                await w.sleep(seconds)

    ended = world.run(world.answer, job, [2, 1, 3], cancel_at=1.5)
    assert ended is CANCELLED
    assert world.returned_at == 4.5


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_all_calls(world, after, leftovers):
    inputs = [5, 1, 6]
    ended = world.run(world.answer, after, inputs, cancel_at=2.5, leftovers=leftovers)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert sorted(world.trace.when("cancelled")) == [(2.5, "job(5)"), (2.5, "job(6)")]


def test_a_non_callable_is_refused(world):
    with world.raises(TypeError) as raised:
        world.run(world.answer, 3, [1])
    assert "function must be callable" in str(raised.value)


def test_non_iterable_inputs_are_refused(world, after):
    with world.raises(TypeError) as raised:
        world.run(world.answer, after, 3)
    assert "inputs" in str(raised.value)
    assert not world.trace.when("start")


def test_an_error_while_reading_the_inputs_starts_nothing(world, after):
    error = LookupError("no more inputs")

    def inputs():
        yield 1
        raise error

    with world.raises(LookupError) as raised:
        world.run(world.answer, after, inputs())
    assert raised.value is error
    assert not world.trace.when("start")


@pytest.mark.needs("stopping the rest")
def test_a_calls_own_timeout_stops_the_rest(world, times_out):
    with world.raises(world.TimedOut):
        world.run(world.answer, times_out, [60, 1, 2])
    assert world.returned_at == 1


@pytest.mark.needs("stopping the rest")
def test_no_call_starts_after_the_first_error(world):
    @world.job
    async def job(w, number):
        await w.sleep(10 if number else 1)
        raise KeyError(number)

    with world.raises(KeyError) as raised:
        world.run(world.answer, job, range(3000))
    assert raised.value.args == (0,)
    happened = [event.what for event in world.trace]
    assert "start" not in happened[happened.index("error") :]


@pytest.mark.needs("cancellation from outside")
def test_a_cancellation_is_not_lost_if_every_call_swallows_it(world):
    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            w.note("swallowed")
        return f"{seconds} s"

    @world.job
    async def main(w):
        await w.call(world.answer, job, [50, 60])
        await w.sleep(60)

    assert world.run(main, cancel_at=1.5) is CANCELLED
    assert sorted(world.trace.when("note")) == [(1.5, "job(50)"), (1.5, "job(60)")]
    assert world.returned_at == 1.5
