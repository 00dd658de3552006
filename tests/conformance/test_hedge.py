"""The contract of an answer to `hedge`."""

from __future__ import annotations

import pytest
from concurrency_study.topics.hedge import EXAMPLE, SECONDS
from concurrency_study.world import CANCELLED


@pytest.fixture
def tries(world):
    """``tries(3, (1, error))``: attempt 0 takes 3 s, attempt 1 raises after 1 s."""

    def make(*plans):
        @world.job
        async def attempt(w, number):
            plan = plans[number]
            seconds, error = plan if isinstance(plan, tuple) else (plan, None)
            await w.sleep(seconds)
            if error is not None:
                raise error
            return f"answer {number}"

        return attempt

    return make


@pytest.fixture
def stopped(world):
    """``stopped("late", error, 1)``: the reactions of attempts to a cancellation.

    Attempt 0 returns the text, attempt 1 raises the error. An attempt whose plan is a
    number takes that many seconds and does not catch its cancellation.
    """

    def make(*plans):
        @world.job
        async def attempt(w, number):
            plan = plans[number]
            try:
                await w.sleep(plan if isinstance(plan, int) else 60)
            except w.Cancelled:
                w.note("clean")
                if isinstance(plan, BaseException):
                    raise plan from None
                if isinstance(plan, int):
                    raise
                return plan
            return f"answer {number}"

        return attempt

    return make


@pytest.fixture
def slow(world):
    """``slow(60, 1)``: attempts that take 60 s and 1 s, and 3 s more if cancelled."""

    def make(*seconds):
        @world.job
        async def attempt(w, number):
            try:
                await w.sleep(seconds[number])
            except w.Cancelled:
                with w.shield():
                    await w.sleep(3)
                w.note("clean")
                raise
            return f"answer {number}"

        return attempt

    return make


@pytest.fixture
def starts(world):
    """A function that returns the start times of the attempts."""
    return lambda: [at for at, _ in world.trace.when("start")]


def test_the_example(world, tries, starts):
    assert world.run(world.answer, tries(*SECONDS), *EXAMPLE) == "answer 2"
    assert starts() == [0, 0.5, 1]
    assert world.returned_at == 1.5
    lost = [(1.5, "attempt(0)"), (1.5, "attempt(1)")]
    assert sorted(world.trace.when("cancelled")) == lost


def test_only_one_attempt_runs_if_it_is_in_time(world, tries, starts):
    assert world.run(world.answer, tries(1, 1), 2, 5) == "answer 0"
    assert world.returned_at == 1
    assert starts() == [0]


def test_another_attempt_starts_after_each_delay(world, tries, starts):
    assert world.run(world.answer, tries(60, 60, 60, 1), 2, 5) == "answer 3"
    assert world.trace.when("start") == [(2 * i, f"attempt({i})") for i in range(4)]
    assert world.returned_at == 7


def test_a_late_attempt_may_still_win(world, tries):
    assert world.run(world.answer, tries(5, 60, 60), 2, 5) == "answer 0"
    assert world.returned_at == 5
    lost = [(5, "attempt(1)"), (5, "attempt(2)")]
    assert sorted(world.trace.when("cancelled")) == lost


def test_no_more_than_most_attempts_start(world, tries, starts):
    assert world.run(world.answer, tries(60, 90), 2, 2) == "answer 0"
    assert starts() == [0, 2]
    assert world.returned_at == 60


def test_a_most_of_one_starts_a_single_attempt(world, tries, starts):
    assert world.run(world.answer, tries(7200), 2, 1) == "answer 0"
    assert starts() == [0]
    assert world.returned_at == 7200


def test_with_zero_delay_all_attempts_run_concurrently(world, tries):
    assert world.run(world.answer, tries(60, 60, 1, 60), 0, 4) == "answer 2"
    assert world.returned_at == 1
    assert world.trace.most_at_once() == 4


def test_the_next_attempt_starts_at_once_if_all_so_far_failed(world, tries, starts):
    error = ValueError("no")
    function = tries((1, error), (1, error), (0, error), 1)
    assert world.run(world.answer, function, 5, 9) == "answer 3"
    assert starts() == [0, 1, 2, 2]
    assert world.returned_at == 3


def test_the_delay_is_kept_if_another_attempt_still_runs(world, tries, starts):
    error = ValueError("no")
    assert world.run(world.answer, tries(60, (1, error), 1), 2, 9) == "answer 2"
    assert starts() == [0, 2, 4]
    assert world.returned_at == 5


def test_the_next_attempt_starts_at_once_when_the_last_running_one_fails(
    world, tries, starts
):
    error = ValueError("no")
    function = tries((3.5, error), (1, error), 60, 1)
    assert world.run(world.answer, function, 2, 9) == "answer 3"
    assert starts() == [0, 2, 3.5, 5.5]
    assert world.returned_at == 6.5


def test_the_delay_counts_from_the_last_start(world, tries, starts):
    assert world.run(world.answer, tries((1, ValueError()), 60, 1), 2, 9) == "answer 2"
    assert starts() == [0, 1, 3]


def test_time_counts_from_the_start_of_the_call(world, tries, starts):
    @world.job
    async def main(w):
        await w.sleep(5)
        return await w.call(world.answer, tries(60, 1), 2, 9)

    assert world.run(main) == "answer 1"
    assert starts() == [0, 5, 7]
    assert world.returned_at == 8


def test_no_attempt_starts_after_the_result(world, tries, starts):
    @world.job
    async def main(w):
        answer = await w.call(world.answer, tries(60, 1, 1), 2, 9)
        await w.sleep(60)
        return answer

    assert world.run(main) == "answer 1"
    assert starts() == [0, 0, 2]
    assert world.returned_at == 63


def test_any_return_value_is_a_success(world):
    @world.job
    async def attempt(w, number):
        await w.sleep(1)
        return values[number]

    for value in (None, 0, ValueError("not raised")):
        values = [value]
        assert world.run(world.answer, attempt, 2, 9) is value
        assert world.returned_at == 1


def test_failures_before_a_success_are_ignored(world, tries):
    function = tries((5, ValueError("no")), (1, KeyError("nor that")), 60, 1)
    assert world.run(world.answer, function, 2, 9) == "answer 3"
    assert world.returned_at == 7


def test_a_function_that_raises_when_called_has_failed(world):
    def broken(number, *stop):
        raise ValueError(number)

    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, broken, 2, 3)
    assert [error.args for error in raised.value.exceptions] == [(0,), (1,), (2,)]
    assert world.returned_at == 0


def test_if_all_fail_every_error_is_raised_in_start_order(world, tries, starts):
    errors = [ValueError("a"), KeyError("b"), OSError("c")]
    plans = zip((9, 1, 3), errors, strict=True)
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, tries(*plans), 2, 3)
    assert list(raised.value.exceptions) == errors
    assert starts() == [0, 2, 4]
    assert world.returned_at == 9


def test_a_single_failure_is_raised_in_a_group(world, tries):
    error = ValueError("no")
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, tries((1, error)), 2, 1)
    assert raised.value.exceptions == (error,)
    assert world.returned_at == 1


def test_simultaneous_successes_have_one_winner(world, tries):
    answers = [f"answer {number}" for number in range(3)]
    assert world.run(world.answer, tries(5, 3, 1), 2, 9) in answers
    assert world.returned_at == 5


def test_a_loser_that_swallows_its_cancellation_does_not_win(world, stopped):
    assert world.run(world.answer, stopped("late", 1), 2, 9) == "answer 1"
    assert world.trace.when("note") == [(3, "attempt(0)")]
    assert world.returned_at == 3


def test_losers_finish_cleanup_before_the_answer_returns(world, stopped):
    @world.job
    async def main(w):
        await w.call(world.answer, stopped(60, 60, 1), 2, 9)
        w.note("returned")

    world.run(main)
    assert world.trace.when("note")[-1] == (5, "main()")
    assert len(world.trace.when("note")) == 3


def test_an_error_in_a_losers_cleanup_reaches_the_caller(world, stopped):
    error = KeyError("cleanup")
    with pytest.raises(ExceptionGroup) as raised:
        world.run(world.answer, stopped(error, 60, 1), 2, 9)
    assert raised.value.exceptions == (error,)
    assert world.returned_at == 5


def test_no_attempt_starts_while_losers_clean_up(world, slow, starts):
    assert world.run(world.answer, slow(60, 1), 2, 9) == "answer 1"
    assert starts() == [0, 2]
    assert world.trace.when("note") == [(6, "attempt(0)")]
    assert world.returned_at == 6


def test_base_exception_cancels_all(world, tries, starts):
    class Enough(BaseException):
        pass

    with world.raises(Enough):
        world.run(world.answer, tries(60, (1, Enough())), 2, 9)
    assert starts() == [0, 2]
    assert world.returned_at == 3
    assert world.trace.when("cancelled") == [(3, "attempt(0)")]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_cancels_all(world, tries, starts):
    function = tries((3, ValueError("ignored")), 60, 60)
    assert world.run(world.answer, function, 2, 9, cancel_at=5) is CANCELLED
    assert world.returned_at == 5
    assert starts() == [0, 2, 4]
    lost = [(5, "attempt(1)"), (5, "attempt(2)")]
    assert sorted(world.trace.when("cancelled")) == lost


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_waits_for_cleanup(world, slow, starts):
    assert world.run(world.answer, slow(60, 60), 2, 9, cancel_at=3) is CANCELLED
    assert starts() == [0, 2]
    assert world.returned_at == 6


@pytest.mark.needs("cancellation from outside")
def test_a_cleanup_error_after_cancellation_from_outside_reaches_the_caller(
    world, stopped
):
    error = KeyError("cleanup")
    with world.raises(Exception) as raised:
        world.run(world.answer, stopped(60, error), 2, 9, cancel_at=3)
    assert raised.errors == [error]
    assert world.returned_at == 3


def test_bad_input_is_refused_before_anything_starts(world, tries):
    function = tries(1)
    for arguments, expected, words in [
        ((function, 1, 0), ValueError, "most must be at least 1"),
        ((function, 1, 1.5), TypeError, "most must be a whole number"),
        ((function, -1, 1), ValueError, "after"),
        ((function, "1", 1), TypeError, "after must be a number"),
        ((3, 1, 1), TypeError, "function must be callable"),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, *arguments)
        assert words in str(raised.value)
        assert not world.trace.when("start")


def test_an_attempts_own_timeout_is_a_failure(world):
    @world.job
    async def attempt(w, number):
        if not number:
            await w.time_out(1)
        await w.sleep(1)
        return f"answer {number}"

    assert world.run(world.answer, attempt, 60, 3) == "answer 1"
    assert world.returned_at == 2


def test_a_failure_after_an_unrequested_cancellation_is_ignored(world):
    @world.job
    async def job(w, number):
        if number:
            return "later"
        await w.sleep(1)
        try:
            raise w.unrequested()
        except w.Cancelled:
            raise ValueError("no")  # noqa: B904 - the context is the point

    assert world.run(world.answer, job, 2, 2) == "later"
    assert world.returned_at == 1


def test_a_loser_that_swallows_its_cancellation_and_fails_is_ignored(world):
    @world.job
    async def job(w, number):
        if number:
            await w.sleep(1)
            return "won"
        try:
            await w.sleep(60)
        except w.Cancelled:
            w.note("swallowed")
        raise ValueError("no")

    assert world.run(world.answer, job, 2, 2) == "won"
    assert world.trace.when("note") == [(3, "job(0)")]


def test_most_may_be_arbitrarily_large(world, tries, starts):
    assert world.run(world.answer, tries(0.5), 1, 10**9) == "answer 0"
    assert world.returned_at == 0.5
    assert starts() == [0]
