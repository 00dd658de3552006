"""The contract of an answer to `race`."""

from __future__ import annotations

from functools import partial

import pytest
from concurrency_study.topics.race import EXAMPLE
from concurrency_study.world import CANCELLED


@pytest.fixture
def racers(after):
    """``racers(3, 1)`` are functions that take 3 s and 1 s."""
    return lambda *seconds: [partial(after, s) for s in seconds]


@pytest.fixture
def fails(world):
    """``fails(error, 2)`` is a function that raises after 2 s."""

    @world.job
    async def failing(w, error, seconds):
        await w.sleep(seconds)
        raise error

    return lambda error, seconds: partial(failing, error, seconds)


@pytest.fixture
def stopped(world):
    """``stopped(result)`` is a function that returns or raises that when cancelled."""

    @world.job
    async def stopping(w, result):
        try:
            await w.sleep(60)
        except w.Cancelled:
            w.note("clean")
            if isinstance(result, BaseException):
                raise result from None
        return result

    return lambda result: partial(stopping, result)


@pytest.fixture
def slow(world):
    """A function that takes 60 s, and 2 s to clean up if it is cancelled."""

    @world.job
    async def slowly(w):
        try:
            await w.sleep(60)
        finally:
            with w.shield():
                await w.sleep(2)
            w.note("clean")

    return slowly


def test_the_example(world, racers):
    assert world.run(world.answer, racers(*EXAMPLE)) == "0.5 s"
    assert world.returned_at == 0.5
    lost = [(0.5, "job(1.0)"), (0.5, "job(1.5)")]
    assert sorted(world.trace.when("cancelled")) == lost


def test_the_first_success_is_returned_at_its_instant(world, racers):
    assert world.run(world.answer, racers(7200, 3, 2, 5)) == "2 s"
    assert world.returned_at == 2


def test_all_functions_run_concurrently(world, racers):
    assert world.run(world.answer, racers(*[60] * 199, 1)) == "1 s"
    assert world.trace.most_at_once() == 200


@pytest.mark.needs("thousands in a race")
def test_two_thousand_functions_run_concurrently(world, racers):
    functions = racers(*[60] * 1_999, 0.5)
    assert world.run(world.answer, functions, within=1) == "0.5 s"
    assert world.returned_at == 0.5


def test_a_single_function_wins(world, racers):
    assert world.run(world.answer, racers(2)) == "2 s"
    assert world.returned_at == 2


def test_functions_may_come_from_an_iterator(world, racers):
    assert world.run(world.answer, iter(racers(2, 1))) == "1 s"


def test_any_return_value_is_a_success(world, racers):
    @world.job
    async def job(w, value):
        await w.sleep(1)
        return value

    for value in (None, 0, ValueError("not raised")):
        assert world.run(world.answer, [*racers(60), partial(job, value)]) is value
        assert world.returned_at == 1


def test_a_success_that_does_not_wait_wins_at_once(world, racers):
    @world.job
    async def job(w):
        return "now"

    assert world.run(world.answer, [*racers(60), job, *racers(60)]) == "now"
    assert world.returned_at == 0


def test_losers_finish_cleanup_before_the_answer_returns(world, racers, stopped):
    functions = [stopped(1), *racers(2), stopped(2)]

    @world.job
    async def main(w):
        result = await w.call(world.answer, functions)
        w.note(f"returned {result}")

    world.run(main)
    noted = [(e.at, e.detail) for e in world.trace if e.what == "note"]
    assert noted == [(2, "clean"), (2, "clean"), (2, "returned 2 s")]


def test_the_answer_waits_for_a_slow_cleanup(world, racers, slow):
    assert world.run(world.answer, [slow, *racers(1), slow]) == "1 s"
    assert world.returned_at == 3
    assert len(world.trace.when("note")) == 2


def test_a_failing_cleanup_does_not_interrupt_another(world, racers, slow, stopped):
    functions = [slow, *racers(1), stopped("a result"), stopped(KeyError())]
    with world.raises(KeyError):
        world.run(world.answer, functions)
    assert world.returned_at == 3
    assert (3, "slowly()") in world.trace.when("note")


def test_failures_before_a_success_are_ignored(world, racers, fails):
    early = [fails(ValueError("no"), 1), fails(KeyError("nor that"), 0)]
    assert world.run(world.answer, [*early, *racers(3, 2)]) == "2 s"
    assert world.returned_at == 2


def test_the_last_function_can_win_after_all_others_fail(world, racers, fails):
    many = [fails(ValueError(str(i)), i / 2) for i in range(50)]
    assert world.run(world.answer, [*many, *racers(7200)]) == "7200 s"


def test_a_function_that_raises_when_called_has_failed(world, racers):
    def broken(*stop):
        raise ValueError("no")

    assert world.run(world.answer, [broken, *racers(1)]) == "1 s"
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, [broken])
    assert [str(error) for error in raised.value.exceptions] == ["no"]


def test_if_all_fail_every_error_is_raised_in_input_order(world, fails):
    errors = [ValueError("a"), KeyError("b"), ValueError("c"), OSError("d")]
    seconds = [3, 1, 4, 2]
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, list(map(fails, errors, seconds)))
    assert list(raised.value.exceptions) == errors
    assert world.returned_at == 4


def test_a_single_failure_is_raised_in_a_group(world, fails):
    error = ValueError("no")
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, [fails(error, 1)])
    assert raised.value.exceptions == (error,)


def test_a_failure_may_be_an_exception_group(world, fails):
    error = ExceptionGroup("two", [ValueError(), KeyError()])
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, [fails(error, 1)])
    assert raised.value.exceptions == (error,)


def test_simultaneous_successes_have_one_winner(world, racers, after):
    @world.job
    async def job(w, number):
        await w.sleep(1)
        return number

    functions = [partial(job, number) for number in range(50)]
    assert world.run(world.answer, [*racers(60), *functions]) in range(50)
    assert world.returned_at == 1


def test_a_loser_that_swallows_its_cancellation_does_not_win(world, racers, stopped):
    functions = [stopped("a"), *racers(1), stopped("b")]
    assert world.run(world.answer, functions) == "1 s"
    assert world.returned_at == 1
    assert len(world.trace.when("note")) == 2


def test_an_error_in_a_losers_cleanup_reaches_the_caller(world, racers, fails, stopped):
    error = KeyError("cleanup")
    functions = [fails(ValueError("early"), 0.5), stopped(error), *racers(1)]
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, functions)
    assert raised.value.exceptions == (error,)
    assert world.returned_at == 1


def test_the_errors_of_all_cleanups_reach_the_caller(world, racers, stopped):
    errors = [KeyError("one"), ValueError("two")]
    functions = [stopped(errors[0]), *racers(1, 60), stopped(errors[1])]
    with world.raises(Exception) as raised:
        world.run(world.answer, functions)
    assert sorted(raised.errors, key=repr) == errors
    assert world.trace.when("cancelled") == [(1, "job(60)")]


def test_a_failure_at_the_instant_of_the_win_is_ignored(world, racers, fails):
    for functions in [
        [fails(ValueError("no"), 1), *racers(1, 60)],
        [*racers(60, 1), fails(ValueError("no"), 1)],
    ]:
        assert world.run(world.answer, functions) == "1 s"
        assert world.returned_at == 1


def test_a_loser_that_swallows_its_cancellation_and_fails_is_ignored(world, racers):
    @world.job
    async def stubborn(w):
        try:
            await w.sleep(60)
        except w.Cancelled:
            w.note("swallowed")
        raise ValueError("no")

    functions = [stubborn, *racers(1)]
    assert world.run(world.answer, functions) == "1 s"
    assert world.trace.when("note") == [(1, "stubborn()")]


def test_base_exception_cancels_all(world, racers, fails):
    class Enough(BaseException):
        pass

    functions = [*racers(60), fails(Enough(), 1), *racers(2)]
    with world.raises(Enough):
        world.run(world.answer, functions)
    assert world.returned_at == 1
    assert sorted(world.trace.when("cancelled")) == [(1, "job(2)"), (1, "job(60)")]


def test_races_may_be_nested(world, racers, fails):
    def semifinal(*functions):
        return lambda *stop: world.answer(functions)

    functions = [
        semifinal(*racers(5, 3)),
        semifinal(fails(ValueError("no"), 1), *racers(4)),
        semifinal(fails(ValueError("no"), 1)),
    ]
    assert world.run(world.answer, functions[1:]) == "4 s"
    assert world.returned_at == 4


@pytest.mark.needs("cancellation from outside", "cancelling a call within a job")
def test_a_nested_race_that_loses_cancels_its_functions(world, racers):
    def semifinal(*stop):
        return world.answer(racers(50, 60))

    assert world.run(world.answer, [semifinal, *racers(1)]) == "1 s"
    assert world.returned_at == 1
    assert sorted(world.trace.when("cancelled")) == [(1, "job(50)"), (1, "job(60)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_cancels_all(world, racers, fails, stopped):
    functions = [fails(ValueError("ignored"), 1), *racers(5, 6), stopped("result")]
    assert world.run(world.answer, functions, cancel_at=2.5) is CANCELLED
    assert world.returned_at == 2.5
    assert sorted(world.trace.when("cancelled")) == [(2.5, "job(5)"), (2.5, "job(6)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_waits_for_cleanup(world, slow):
    assert world.run(world.answer, [slow, slow], cancel_at=1.5) is CANCELLED
    assert world.returned_at == 3.5


@pytest.mark.needs("cancellation from outside")
def test_a_cleanup_error_after_cancellation_from_outside_reaches_the_caller(
    world, racers, fails, stopped
):
    error = KeyError("cleanup")
    functions = [fails(ValueError("ignored"), 1), *racers(5), stopped(error)]
    with world.raises(Exception) as raised:
        world.run(world.answer, functions, cancel_at=2.5)
    assert raised.errors == [error]
    assert world.returned_at == 2.5


def test_bad_input_is_refused_before_anything_starts(world, racers):
    for functions, expected, words in [
        ([], ValueError, "functions must not be empty"),
        (iter(()), ValueError, "functions must not be empty"),
        (3, TypeError, "functions must be a list"),
        ([*racers(1), 3], TypeError, "functions[1] must be callable"),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, functions)
        assert words in str(raised.value)
        assert not world.trace.when("start")


def test_a_functions_own_timeout_is_a_failure(world, times_out):
    functions = [partial(times_out, 2), partial(times_out, 1)]
    assert world.run(world.answer, functions) == "2 s"
    assert world.returned_at == 2
    with pytest.raises(BaseExceptionGroup) as raised:
        world.run(world.answer, functions[1:])
    assert [type(error) for error in raised.value.exceptions] == [world.TimedOut]


def test_a_failure_after_an_unrequested_cancellation_is_ignored(world, racers):
    @world.job
    async def odd(w):
        await w.sleep(1)
        try:
            raise w.unrequested()
        except w.Cancelled:
            raise ValueError("no")  # noqa: B904 - the context is the point

    assert world.run(world.answer, [odd, *racers(2)]) == "2 s"
