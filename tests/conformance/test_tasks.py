"""The contract of an answer to `tasks`."""

from __future__ import annotations

from functools import partial

import pytest
from concurrency_study.topics.tasks import CANCELLED as WAS_CANCELLED
from concurrency_study.topics.tasks import EXAMPLE, RAISED, RETURNED
from concurrency_study.world import CANCELLED


@pytest.fixture
def takes(world):
    """``takes(2)`` is a job that returns after 2 s or raises the given error."""

    def make(seconds, error=None, name="job"):
        async def job(w):
            await w.sleep(seconds)
            if error:
                raise error
            return f"{seconds} s"

        job.__name__ = name
        return world.job(job)

    return make


@pytest.fixture
def cleans_up(world):
    """``cleans_up(result)`` is a job that returns or raises that when cancelled."""

    def make(result=None):
        @world.job
        async def cleans(w):
            try:
                await w.sleep(60)
            except w.Cancelled:
                w.note("clean")
                if isinstance(result, Exception):
                    raise result from None
                if result is None:
                    raise
            return result

        return cleans

    return make


def test_the_example(world, takes):
    error = ZeroDivisionError("division by zero")
    ways = {"quick": (0.1,), "clumsy": (0.2, error), "sleepyhead": (60,)}
    jobs = {name: takes(*ways[name], name=name) for name in ways}
    report = world.recorder("report")
    world.run(world.answer, jobs, *EXAMPLE, report)
    assert report == [
        (0.5, "quick", "returned", "0.1 s"),
        (0.5, "clumsy", "raised", error),
        (0.5, "sleepyhead", "cancelled"),
    ]


def test_all_jobs_run_concurrently(world, takes):
    jobs = {f"job {i}": takes(1) for i in range(200)}
    report = world.recorder("report")
    world.run(world.answer, jobs, None, 0.5, report)
    assert world.trace.most_at_once() == 200
    assert report == [(1, name, RETURNED, "1 s") for name in jobs]


def test_reports_come_in_input_order_once_all_jobs_end(world, takes):
    jobs = {"b": takes(3), "c": takes(1), "a": takes(2)}
    report = world.recorder("report")
    world.run(world.answer, jobs, None, 0.5, report)
    assert report == [
        (3, "b", RETURNED, "3 s"),
        (3, "c", RETURNED, "1 s"),
        (3, "a", RETURNED, "2 s"),
    ]
    assert world.returned_at == 3


def test_only_the_chosen_job_is_cancelled_at_its_time(world, takes):
    jobs = {"a": takes(60), "b": takes(3), "c": takes(7200)}
    report = world.recorder("report")
    world.run(world.answer, jobs, "a", 1.5, report)
    assert world.trace.when("cancelled") == [(1.5, "job()")]
    assert report == [
        (7200, "a", WAS_CANCELLED),
        (7200, "b", RETURNED, "3 s"),
        (7200, "c", RETURNED, "7200 s"),
    ]


def test_a_cancelled_job_does_not_delay_the_reports(world, takes):
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(1), "b": takes(60)}, "b", 1.5, report)
    assert report == [(1.5, "a", RETURNED, "1 s"), (1.5, "b", WAS_CANCELLED)]
    assert world.returned_at == 1.5


def test_cancelling_a_finished_job_does_nothing(world, takes):
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(1), "b": takes(3)}, "a", 2, report)
    assert report == [(3, "a", RETURNED, "1 s"), (3, "b", RETURNED, "3 s")]


def test_cancelling_a_failed_job_does_nothing(world, takes):
    error = ValueError("no")
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(1, error), "b": takes(3)}, "a", 2, report)
    assert report == [(3, "a", RAISED, error), (3, "b", RETURNED, "3 s")]


def test_the_answer_returns_if_all_jobs_end_before_the_cancellation(world, takes):
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(1), "b": takes(2)}, "a", 60, report)
    assert report == [(2, "a", RETURNED, "1 s"), (2, "b", RETURNED, "2 s")]
    assert world.returned_at == 2


def test_with_no_job_to_cancel_the_answer_returns_when_all_end(world, takes):
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(1)}, None, 60, report)
    assert report == [(1, "a", RETURNED, "1 s")]
    assert world.returned_at == 1


def test_a_delay_of_zero_cancels_at_once(world, takes):
    report = world.recorder("report")
    world.run(world.answer, {"a": takes(60), "b": takes(1)}, "a", 0, report)
    assert report == [(1, "a", WAS_CANCELLED), (1, "b", RETURNED, "1 s")]
    assert world.trace.when("end") == [(1, "job()")]


def test_an_error_of_one_job_does_not_affect_the_others(world, takes):
    error = ValueError("no")
    jobs = {"a": takes(3), "b": takes(1, error), "c": takes(2)}
    report = world.recorder("report")
    world.run(world.answer, jobs, None, 0.5, report)
    assert report == [
        (3, "a", RETURNED, "3 s"),
        (3, "b", RAISED, error),
        (3, "c", RETURNED, "2 s"),
    ]
    assert report[1][-1] is error


def test_simultaneous_errors_are_all_reported(world, takes):
    errors = [ValueError("one"), ValueError("two")]
    report = world.recorder("report")
    world.run(
        world.answer,
        {"a": takes(1, errors[0]), "b": takes(1, errors[1])},
        None,
        0.5,
        report,
    )
    assert report == [(1, "a", RAISED, errors[0]), (1, "b", RAISED, errors[1])]


def test_none_and_errors_are_valid_return_values(world):
    values = {"none": None, "error": ValueError("not raised"), "word": "cancelled"}

    def returns(value):
        @world.job
        async def job(w):
            return value

        return job

    jobs = {name: returns(value) for name, value in values.items()}
    report = world.recorder("report")
    world.run(world.answer, jobs, "none", 1, report)
    assert report == [(0, name, RETURNED, value) for name, value in values.items()]


def test_a_cancelled_job_cleans_up_before_the_report(world, cleans_up):
    world.run(world.answer, {"a": cleans_up()}, "a", 1.5, world.recorder("report"))
    happened = [(e.at, e.what) for e in world.trace if e.what in ("note", "call")]
    assert happened == [(1.5, "note"), (1.5, "call")]


def test_a_job_whose_cleanup_raises_is_reported_as_raised(world, cleans_up, takes):
    error = KeyError("cleanup")
    report = world.recorder("report")
    world.run(world.answer, {"a": cleans_up(error), "b": takes(3)}, "a", 1, report)
    assert report == [(3, "a", RAISED, error), (3, "b", RETURNED, "3 s")]


def test_a_job_that_returns_when_cancelled_is_reported_as_returned(
    world, cleans_up, takes
):
    report = world.recorder("report")
    world.run(world.answer, {"a": cleans_up("saved"), "b": takes(3)}, "a", 1, report)
    assert report == [(3, "a", RETURNED, "saved"), (3, "b", RETURNED, "3 s")]


def test_the_answer_waits_for_a_slow_cleanup(world):
    @world.job
    async def job(w):
        try:
            await w.sleep(60)
        finally:
            with w.shield():
                await w.sleep(2)

    report = world.recorder("report")
    world.run(world.answer, {"a": job}, "a", 1, report)
    assert report == [(3, "a", WAS_CANCELLED)]


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_cancels_all_and_reports_nothing(
    world, takes, cleans_up
):
    report = world.recorder("report")
    jobs = {"a": takes(1), "b": cleans_up(), "c": takes(60)}
    ended = world.run(world.answer, jobs, None, 5, report, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.returned_at == 2.5
    assert sorted(world.trace.when("cancelled")) == [(2.5, "cleans()"), (2.5, "job()")]
    assert world.trace.when("note") == [(2.5, "cleans()")]
    assert report == []


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_after_the_chosen_job_cancels_the_rest(world, takes):
    report = world.recorder("report")
    jobs = {"a": takes(60), "b": takes(60)}
    ended = world.run(world.answer, jobs, "a", 1, report, cancel_at=2.5)
    assert ended is CANCELLED
    assert world.trace.when("cancelled") == [(1, "job()"), (2.5, "job()")]
    assert report == []


def test_time_counts_from_the_start_of_the_call(world, takes):
    report = world.recorder("report")
    jobs = {"a": takes(60), "b": takes(3)}

    @world.job
    async def main(w):
        await w.sleep(5)
        await w.call(world.answer, jobs, "a", 1, report)

    world.run(main)
    assert world.trace.when("cancelled") == [(6, "job()")]
    assert report == [(8, "a", WAS_CANCELLED), (8, "b", RETURNED, "3 s")]


def test_empty_jobs_return_at_once(world):
    report = world.recorder("report")
    world.run(world.answer, {}, None, 5, report)
    assert report == []
    assert world.returned_at == 0


def test_an_error_of_report_reaches_the_caller(world, takes):
    error, reported = KeyError("report"), []

    def report(name, *ended):
        reported.append(name)
        if name == "b":
            raise error

    jobs = {"a": takes(1), "b": takes(2), "c": takes(3)}
    with world.raises(KeyError) as raised:
        world.run(world.answer, jobs, None, 5, report)
    assert raised.value is error
    assert reported == ["a", "b"]
    assert world.returned_at == 3


def test_bad_input_is_refused_before_anything_starts(world, takes, ignore):
    jobs = {"a": takes(1)}
    for arguments, expected, words in [
        ((jobs, "b", 1, ignore), ValueError, "doomed must be one of ['a']"),
        (({}, "b", 1, ignore), ValueError, "doomed"),
        ((jobs, "a", -1, ignore), ValueError, "after"),
        ((jobs, None, -1, ignore), ValueError, "after"),
        ((jobs, "a", "1", ignore), TypeError, "after"),
        ((jobs, "a", 1, "report"), TypeError, "report must be callable"),
        (({"a": jobs["a"], "b": 3}, "a", 1, ignore), TypeError, "'b'"),
        (([jobs["a"]], None, 1, ignore), TypeError, "jobs must be a dict"),
    ]:
        with world.raises(expected) as raised:
            world.run(world.answer, *arguments)
        assert words in str(raised.value)
        assert not world.trace.when("start")


def test_a_jobs_own_timeout_is_an_error(world, times_out):
    report = world.recorder("report")
    jobs = {"a": partial(times_out, 1), "b": partial(times_out, 2)}
    world.run(world.answer, jobs, None, 0, report)
    assert [call[1:3] for call in report] == [("a", RAISED), ("b", RETURNED)]
    assert isinstance(report[0][3], world.TimedOut)
    assert world.returned_at == 2


@pytest.mark.needs("cancellation from outside")
@pytest.mark.needs("a cleanup that no second cancellation disturbs")
def test_cancellation_from_outside_does_not_interrupt_the_chosen_jobs_cleanup(world):
    @world.job
    async def job(w):
        try:
            await w.sleep(60)
        finally:
            with w.shield():
                await w.sleep(2)
            w.note("clean")

    jobs = {"chosen": job, "other": job}
    report = world.recorder("report")
    ended = world.run(world.answer, jobs, "chosen", 1, report, cancel_at=2.5)
    assert ended is CANCELLED
    assert [at for at, _ in world.trace.when("note")] == [3, 4.5]
    assert report == []
