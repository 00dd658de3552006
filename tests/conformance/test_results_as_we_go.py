"""The contract of an answer to `results_as_we_go`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.results_as_we_go import EXAMPLE
from concurrency_study.world import CANCELLED


def test_the_example(world, after):
    handle = world.recorder("handle")
    world.run(world.answer, after, EXAMPLE, handle)
    assert handle == [(0.5, "0.5 s"), (1, "1.0 s"), (1.5, "1.5 s")]


def test_each_result_is_handed_over_the_instant_it_is_ready(world, after):
    handle = world.recorder("handle")
    world.run(world.answer, after, [3, 1, 2, 7200], handle)
    assert handle == [(1, "1 s"), (2, "2 s"), (3, "3 s"), (7200, "7200 s")]
    assert world.returned_at == 7200


def test_all_calls_run_concurrently(world, after, ignore):
    world.run(world.answer, after, [1] * 200, ignore)
    assert world.returned_at == 1
    assert world.trace.most_at_once() == 200


def test_simultaneous_results_are_all_handed_over(world, after):
    handle = world.recorder("handle")
    world.run(world.answer, after, [1] * 50 + [2], handle)
    assert handle == [(1, "1 s")] * 50 + [(2, "2 s")]


def test_equal_inputs_are_each_used_once(world, after, ignore):
    world.run(world.answer, after, iter([1, 1, 2]), ignore)
    started = sorted(actor for _, actor in world.trace.when("start"))
    assert started == ["job(1)", "job(1)", "job(2)"]


def test_none_is_a_valid_result(world):
    @world.job
    async def job(w, value):
        return value

    handle = world.recorder("handle")
    world.run(world.answer, job, [None, None], handle)
    assert handle.values == [None, None]


def test_a_returned_error_is_a_result(world):
    error = ValueError("not raised")

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        return error

    handle = world.recorder("handle")
    world.run(world.answer, job, [2, 1], handle)
    assert handle == [(1, error), (2, error)]


def test_empty_inputs_return_at_once(world, after):
    handle = world.recorder("handle")
    world.run(world.answer, after, [], handle)
    assert handle == []
    assert world.returned_at == 0


def test_ten_thousand_inputs_are_fine(world):
    @world.job
    async def job(w, item):
        return item

    handled = []
    world.run(world.answer, job, range(10_000), handled.append)
    assert sorted(handled) == list(range(10_000))


@pytest.mark.needs("thousands at once")
def test_thousands_of_calls_run_concurrently(world, after, ignore):
    world.run(world.answer, after, [0.5] * 2_000, ignore, within=1)
    assert world.returned_at == 0.5


def test_handle_is_called_by_the_caller(world):
    callers, callees = [], []

    @world.job
    async def job(w, seconds):
        callees.append(world.here())
        await w.sleep(seconds)

    @world.job
    async def main(w):
        callers.append(world.here())
        await w.call(world.answer, job, [1, 2], handle)

    def handle(result):
        callers.append(world.here())

    world.run(main)
    assert len(callers) == 3
    assert callers.count(callers[0]) == 3
    assert callers[0] not in callees


def test_the_error_of_a_call_reaches_the_caller(world, failing, ignore):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, failing(error, at=2), [1, 2], ignore)
    assert raised.value is error
    assert world.returned_at == 2


def test_the_first_error_stops_the_rest(world, failing):
    handle = world.recorder("handle")
    job = failing(ValueError("no"), at=2)
    with world.raises(ValueError):
        world.run(world.answer, job, [1, 2, 3, 60], handle)
    assert handle == [(1, "1 s")]
    assert world.returned_at == 2
    assert sorted(world.trace.when("cancelled")) == [(2, "job(3)"), (2, "job(60)")]


def test_an_error_of_a_call_that_does_not_wait_stops_the_rest(world):
    error = ValueError("no")

    @world.job
    async def job(w, seconds):
        if not seconds:
            raise error
        await w.sleep(seconds)

    handle = world.recorder("handle")
    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [60, 0, 60], handle)
    assert raised.value is error
    assert world.returned_at == 0
    assert handle == []


def test_the_earliest_error_is_raised(world, ignore):
    errors = {3: ValueError("late"), 2: ValueError("early")}

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        raise errors[seconds]

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [3, 2], ignore)
    assert raised.errors == [errors[2]]


def test_simultaneous_errors_are_not_replaced(world, ignore):
    errors = [ValueError("one"), ValueError("two")]

    @world.job
    async def job(w, index):
        await w.sleep(1)
        raise errors[index]

    with world.raises(ValueError) as raised:
        world.run(world.answer, job, [0, 1], ignore)
    assert all(error in errors for error in raised.errors)
    assert world.returned_at == 1


def test_the_error_of_handle_stops_the_rest_and_reaches_the_caller(world, after):
    error = KeyError("handle")

    def handle(result):
        if result == "2 s":
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, after, [1, 2, 60], handle)
    assert raised.value is error
    assert world.returned_at == 2
    assert world.trace.when("cancelled") == [(2, "job(60)")]


def test_a_cancellation_does_not_cut_short_the_cleanup_after_an_error_of_handle(
    world, slow_to_stop
):
    error = KeyError("handle")

    def handle(_):
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, slow_to_stop, [1.5, 60], handle, cancel_at=2)
    assert raised.value is error
    assert world.returned_at == 3.5


def test_stopped_calls_clean_up(world, ignore):
    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        finally:
            w.note("clean")
        raise ValueError("no")

    with world.raises(ValueError):
        world.run(world.answer, job, [1, 60], ignore)
    cleaned = [(e.at, e.actor) for e in world.trace if e.what == "note"]
    assert cleaned == [(1, "job(1)"), (1, "job(60)")]


def test_an_error_in_cleanup_does_not_replace_the_first_error(world, ignore):
    error = ValueError("first")

    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            raise KeyError("cleanup") from None
        raise error

    with world.raises(Exception) as raised:
        world.run(world.answer, job, [60, 1], ignore)
    assert error in raised.errors
    assert {type(each) for each in raised.errors} <= {ValueError, KeyError}
    assert world.returned_at == 1


def test_the_result_of_a_stopped_call_is_not_handed_over(world):
    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            return "too late"
        raise ValueError("no")

    handle = world.recorder("handle")
    with world.raises(ValueError):
        world.run(world.answer, job, [60, 1], handle)
    assert handle == []


def test_a_base_exception_of_handle_stops_the_rest(world, after):
    class Enough(BaseException):
        pass

    def handle(result):
        raise Enough

    with world.raises(Enough):
        world.run(world.answer, after, [1, 60], handle)
    assert world.returned_at == 1
    assert world.trace.when("cancelled") == [(1, "job(60)")]


def test_the_first_error_stops_calls_that_have_not_started(world, failing, ignore):
    inputs = [1] + [60] * 1_500
    with world.raises(ValueError):
        world.run(world.answer, failing(ValueError("no"), at=1), inputs, ignore)
    assert world.returned_at == 1


def test_the_answer_waits_for_a_slow_cleanup(world, slow_to_stop, ignore):
    with world.raises(ValueError):
        world.run(world.answer, slow_to_stop, [1, 60], ignore)
    assert world.returned_at == 3


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_waits_for_cleanup(world, slow_to_stop, ignore):
    inputs = [50, 60]
    ended = world.run(world.answer, slow_to_stop, inputs, ignore, cancel_at=1.5)
    assert ended is CANCELLED
    assert world.returned_at == 3.5


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_all_calls(world, after):
    handle = world.recorder("handle")
    ended = world.run(world.answer, after, [1, 5, 6], handle, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert handle == [(1, "1 s")]
    assert sorted(world.trace.when("cancelled")) == [(2.5, "job(5)"), (2.5, "job(6)")]


def test_non_callables_are_refused_before_anything_starts(world, after):
    with world.raises(TypeError) as raised:
        world.run(world.answer, after, [1], "handle")
    assert "handle must be callable" in str(raised.value)
    with world.raises(TypeError):
        world.run(world.answer, 3, [1], print)
    assert not world.trace.when("start")


def test_non_iterable_inputs_are_refused(world, after):
    with world.raises(TypeError) as raised:
        world.run(world.answer, after, 3, print)
    assert "inputs" in str(raised.value)


def test_a_calls_own_timeout_stops_the_rest(world, times_out, ignore):
    with world.raises(world.TimedOut):
        world.run(world.answer, times_out, [60, 1, 2], ignore)
    assert world.returned_at == 1


def test_no_call_starts_after_the_first_error(world, ignore):
    @world.job
    async def job(w, number):
        await w.sleep(10 if number else 1)
        raise KeyError(number)

    with world.raises(KeyError) as raised:
        world.run(world.answer, job, range(3000), ignore)
    assert raised.value.args == (0,)
    happened = [event.what for event in world.trace]
    assert "start" not in happened[happened.index("error") :]


def test_no_call_starts_after_an_error_of_handle(world):
    errors = [KeyError("handle")]

    @world.job
    async def job(w, number):
        assert errors, "it starts after the error"
        await w.sleep(10 if number else 1)

    def handle(result):
        raise errors.pop()

    with world.raises(KeyError):
        world.run(world.answer, job, range(3000), handle)


@pytest.mark.needs("stopping the rest")
def test_a_result_at_the_instant_of_an_error_is_not_handed_over(world):
    handed = []

    @world.job
    async def job(w, number):
        if number:
            try:
                await w.sleep(10)
            except w.Cancelled:
                return "swallowed"
        await w.sleep(1)
        raise KeyError(number)

    with world.raises(KeyError):
        world.run(world.answer, job, [1, 0, 2], handed.append)
    assert handed == []
