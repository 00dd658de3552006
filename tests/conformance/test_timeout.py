"""The contract of an answer to `timeout`.

In some worlds an expired deadline raises another exception in a job than a cancellation
does. The jobs therefore clean up in ``finally``, and the tests read their notes.
"""

from __future__ import annotations

from functools import partial

import pytest
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER
from concurrency_study.world import CANCELLED


@pytest.fixture
def takes(world):
    """``takes(2)`` is a job that takes 2 s and notes if it was interrupted."""

    @world.job
    async def job(w, seconds):
        done = False
        try:
            await w.sleep(seconds)
            done = True
        finally:
            if not done:
                w.note("cut")
        return f"{seconds} s"

    return lambda seconds: partial(job, seconds)


@pytest.fixture
def cut(world):
    """``cut(result)`` is a job that returns or raises that when a deadline expires."""

    @world.job
    async def job(w, result):
        try:
            await w.sleep(60)
        except BaseException:  # however a deadline arrives
            w.note("cut")
            if isinstance(result, BaseException):
                raise result from None
        return result

    return lambda result: partial(job, result)


@pytest.fixture
def slow(world):
    """``slow(2)`` is a job that takes 60 s, and 2 s to clean up if interrupted."""

    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(60)
        finally:
            with w.shield():
                await w.sleep(seconds)
            w.note("clean")

    return lambda seconds: partial(job, seconds)


@pytest.fixture
def raises(world):
    """``raises(error)`` is a job that raises the error after 1 s."""

    @world.job
    async def job(w, error):
        await w.sleep(1)
        raise error

    return lambda error: partial(job, error)


def test_the_example(world, takes):
    answered = world.run(world.answer, takes(60), takes(0.5), *EXAMPLE)
    assert answered == (INNER, "0.5 s")
    assert world.returned_at == 1
    assert world.trace.when("note") == [(0.5, "job(60)")]


def test_a_job_in_time_is_done(world, takes):
    assert world.run(world.answer, takes(2), takes(1), 4, 3) == (DONE, "2 s")
    assert world.returned_at == 2
    assert world.trace.when("start") == [(0, "job(2)")]


def test_the_fallback_runs_after_the_inner_deadline(world, takes):
    assert world.run(world.answer, takes(7200), takes(2), 60, 3) == (INNER, "2 s")
    assert world.trace.when("note") == [(3, "job(7200)")]
    assert world.trace.when("start") == [(0, "job(7200)"), (3, "job(2)")]
    assert world.returned_at == 5


def test_the_outer_deadline_cancels_the_job(world, takes):
    assert world.run(world.answer, takes(60), takes(1), 2, 3) == (OUTER, None)
    assert world.trace.when("note") == [(2, "job(60)")]
    assert world.trace.when("start") == [(0, "job(60)")]
    assert world.returned_at == 2


def test_the_outer_deadline_cancels_the_fallback(world, takes):
    assert world.run(world.answer, takes(60), takes(50), 3, 2) == (OUTER, None)
    assert world.trace.when("note") == [(2, "job(60)"), (3, "job(50)")]
    assert world.returned_at == 3


def test_the_fallback_may_take_longer_than_the_inner_deadline(world, takes):
    assert world.run(world.answer, takes(60), takes(50), 60, 2) == (INNER, "50 s")
    assert world.returned_at == 52


def test_any_return_value_is_a_result(world):
    @world.job
    async def job(w, value, seconds):
        await w.sleep(seconds)
        return value

    for value in (None, OUTER, TimeoutError("not raised")):
        quick, late = partial(job, value, 1), partial(job, value, 60)
        assert world.run(world.answer, quick, late, 4, 2) == (DONE, value)
        assert world.run(world.answer, late, quick, 4, 2) == (INNER, value)


def test_a_deadline_of_zero_cancels_at_the_first_wait(world, takes):
    assert world.run(world.answer, takes(1), takes(2), 60, 0) == (INNER, "2 s")
    assert world.returned_at == 2
    assert world.run(world.answer, takes(1), takes(2), 0, 60) == (OUTER, None)
    assert world.returned_at == 0


def test_a_job_that_does_not_wait_meets_a_deadline_of_zero(world, takes):
    @world.job
    async def job(w):
        return "now"

    assert world.run(world.answer, job, takes(1), 0, 60) == (DONE, "now")
    assert world.run(world.answer, job, takes(1), 60, 0) == (DONE, "now")
    assert world.run(world.answer, takes(1), job, 60, 0) == (INNER, "now")


def test_an_error_of_the_job_reaches_the_caller(world, raises, takes):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, raises(error), takes(1), 3, 2)
    assert raised.errors == [error]
    assert world.returned_at == 1
    assert len(world.trace.when("start")) == 1


def test_an_error_of_the_fallback_reaches_the_caller(world, raises, takes):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, takes(60), raises(error), 4, 2)
    assert raised.errors == [error]
    assert world.returned_at == 3


@pytest.mark.needs("telling a deadline from the job's own TimeoutError")
def test_a_timeout_error_of_the_job_is_not_mistaken_for_a_deadline(
    world, raises, takes
):
    error = TimeoutError("its own")
    with world.raises(TimeoutError) as raised:
        world.run(world.answer, raises(error), takes(1), 3, 2)
    assert raised.errors == [error]
    assert world.returned_at == 1
    assert len(world.trace.when("start")) == 1


@pytest.mark.needs("telling a deadline from the job's own TimeoutError")
def test_a_timeout_error_of_the_fallback_is_not_mistaken_for_a_deadline(
    world, raises, takes
):
    error = TimeoutError("its own")
    with world.raises(TimeoutError) as raised:
        world.run(world.answer, takes(60), raises(error), 4, 2)
    assert raised.errors == [error]


@pytest.mark.needs("telling a deadline from the job's own TimeoutError")
def test_a_timeout_error_in_cleanup_is_not_mistaken_for_a_deadline(world, cut, takes):
    for outer, inner in [(4, 2), (2, 4)]:
        error = TimeoutError("its own")
        with world.raises(TimeoutError) as raised:
            world.run(world.answer, cut(error), takes(1), outer, inner)
        assert raised.errors == [error]
        assert world.returned_at == 2
        assert len(world.trace.when("start")) == 1


def test_a_job_that_swallows_its_deadline_and_returns_is_done(world, cut, takes):
    for outer, inner in [(4, 2), (2, 4)]:
        answered = world.run(world.answer, cut("saved"), takes(1), outer, inner)
        assert answered == (DONE, "saved")
        assert world.returned_at == 2


def test_the_job_finishes_cleanup_before_the_fallback_starts(world, slow, takes):
    assert world.run(world.answer, slow(3), takes(1), 60, 2) == (INNER, "1 s")
    assert world.trace.when("note") == [(5, "job(3)")]
    assert world.trace.when("start") == [(0, "job(3)"), (5, "job(1)")]
    assert world.returned_at == 6


def test_the_job_finishes_cleanup_before_the_answer_returns(world, slow, takes):
    assert world.run(world.answer, slow(3), takes(1), 2, 60) == (OUTER, None)
    assert world.trace.when("note") == [(5, "job(3)")]
    assert world.returned_at == 5


def test_an_outer_deadline_that_expires_during_cleanup_is_reported(world, slow, takes):
    assert world.run(world.answer, slow(3), takes(1), 4, 2) == (OUTER, None)
    assert world.trace.when("start") == [(0, "job(3)")]


@pytest.mark.needs("shielding a cleanup from a deadline")
def test_the_outer_deadline_does_not_interrupt_a_shielded_cleanup(world, slow, takes):
    assert world.run(world.answer, slow(3), takes(1), 4, 2) == (OUTER, None)
    assert world.trace.when("note") == [(5, "job(3)")]
    assert world.returned_at == 5


@pytest.mark.needs("a deadline that stays expired")
def test_a_job_that_swallows_a_deadline_is_cancelled_again(world, takes):
    @world.job
    async def swallows(w):
        try:
            await w.sleep(60)
        except BaseException:  # however a deadline arrives
            w.note("swallowed")
        await w.sleep(60)

    assert world.run(world.answer, swallows, takes(1), 60, 2) == (INNER, "1 s")
    assert world.returned_at == 3


def test_time_counts_from_the_start_of_the_call(world, takes):
    @world.job
    async def main(w):
        await w.sleep(5)
        return await w.call(world.answer, takes(60), takes(50), 3, 2)

    assert world.run(main) == (OUTER, None)
    assert world.trace.when("note") == [(7, "job(60)"), (8, "job(50)")]


def test_a_deadline_that_was_met_cancels_nothing_later(world, takes):
    @world.job
    async def main(w):
        answered = await w.call(world.answer, takes(1), takes(1), 3, 2)
        await w.sleep(60)
        return answered

    assert world.run(main) == (DONE, "1 s")
    assert world.returned_at == 61


def test_an_expired_deadline_cancels_nothing_later(world, takes):
    @world.job
    async def main(w):
        answers = [
            await w.call(world.answer, takes(60), takes(1), 4, 2),
            await w.call(world.answer, takes(60), takes(60), 4, 2),
        ]
        await w.sleep(60)
        return answers

    assert world.run(main) == [(INNER, "1 s"), (OUTER, None)]
    assert world.returned_at == 3 + 4 + 60


def test_answers_may_be_nested(world, takes):
    def job(*stop):
        return world.answer(takes(60), takes(50), 2, 1)

    assert world.run(world.answer, job, takes(1), 4, 3) == (DONE, (OUTER, None))
    assert world.returned_at == 2


@pytest.mark.needs("cancellation from outside", "cancelling a call within a job")
def test_an_outer_deadline_is_not_mistaken_for_an_inner_one(world, takes):
    def job(*stop):
        return world.answer(takes(60), takes(50), 7, 6)

    assert world.run(world.answer, job, takes(1), 5, 3) == (INNER, "1 s")
    assert world.returned_at == 4
    assert world.run(world.answer, job, takes(1), 3, 4) == (OUTER, None)
    assert world.returned_at == 3


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_is_not_mistaken_for_a_deadline(world, takes):
    functions = takes(60), takes(50)
    assert world.run(world.answer, *functions, 4, 3, cancel_at=2.5) is CANCELLED
    assert world.returned_at == 2.5
    assert world.trace.when("note") == [(2.5, "job(60)")]
    assert world.run(world.answer, *functions, 4, 2, cancel_at=2.5) is CANCELLED
    assert world.returned_at == 2.5
    assert world.trace.when("note") == [(2, "job(60)"), (2.5, "job(50)")]


def test_bad_input_is_refused_before_anything_starts(world, takes):
    job = takes(1)
    for arguments, expected, words in [
        ((job, job, -1, 1), ValueError, "outer"),
        ((job, job, 1, -1), ValueError, "inner"),
        ((job, job, 1, "1"), TypeError, "inner must be a number"),
        ((job, 3, 1, 1), TypeError, "instead must be callable"),
        ((3, job, 1, 1), TypeError, "job must be callable"),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, *arguments)
        assert words in str(raised.value)
        assert not world.trace.when("start")
