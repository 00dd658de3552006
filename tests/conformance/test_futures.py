"""The contract of an answer to `futures`."""

from __future__ import annotations

from functools import partial

import pytest
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP
from concurrency_study.world import CANCELLED


@pytest.fixture
def give(world):
    """``give(42, after=0.5)`` is a job that returns 42. It raises an exception."""

    def make(value, after):
        @world.job
        async def job(w):
            await w.sleep(after)
            if isinstance(value, BaseException):
                raise value
            return value

        return job

    return make


@pytest.fixture
def report(world):
    return world.recorder("report")


def to_readers(report):
    """Return the reports to readers, without that of the second settling."""
    return [entry for entry in report if entry[1] != AGAIN]


def test_the_example(world, give, report):
    world.run(world.answer, give(42, after=2), EXAMPLE, report)
    assert report[:3] == [
        (0.5, "hasty", GAVE_UP),
        (2, "early", 42),
        (2.5, "late", 42),
    ]
    (at, name, error), *more = report[3:]
    assert (at, name, more) == (2.5, AGAIN, [])
    assert isinstance(error, Exception)
    assert world.returned_at == 2.5


def test_readers_are_served_the_instant_the_job_ends(world, give, report):
    readers = [("at once", 0, None), ("later", 1.5, None), ("patient", 0.25, 60)]
    world.run(world.answer, give("it", after=2), readers, report)
    assert sorted(to_readers(report)) == [
        (2, "at once", "it"),
        (2, "later", "it"),
        (2, "patient", "it"),
    ]
    assert world.returned_at == 2


def test_the_job_starts_at_once_and_runs_once(world, give, report):
    readers = [("a", 1, None), ("b", 2, None)]
    world.run(world.answer, give("it", after=0.5), readers, report)
    assert world.trace.when("start") == [(0, "job()")]
    assert to_readers(report) == [(1, "a", "it"), (2, "b", "it")]


def test_a_late_reader_is_served_at_once(world, give, report):
    readers = [("late", 5, None), ("later", 7.25, 60), ("latest", 3600, 0.5)]
    world.run(world.answer, give("it", after=1), readers, report)
    assert to_readers(report) == [
        (5, "late", "it"),
        (7.25, "later", "it"),
        (3600, "latest", "it"),
    ]
    assert world.returned_at == 3600


def test_a_late_reader_with_zero_patience_is_served(world, give, report):
    world.run(world.answer, give("it", after=1), [("late", 2, 0)], report)
    assert to_readers(report) == [(2, "late", "it")]


def test_a_reader_gives_up_when_its_patience_runs_out(world, give, report):
    readers = [("a", 0, 0.25), ("b", 1, 0.5), ("c", 2.5, 1), ("d", 0.75, 0)]
    world.run(world.answer, give("it", after=60), readers, report)
    assert to_readers(report) == [
        (0.25, "a", GAVE_UP),
        (0.75, "d", GAVE_UP),
        (1.5, "b", GAVE_UP),
        (3.5, "c", GAVE_UP),
    ]


def test_a_reader_that_gives_up_does_not_affect_the_others(world, give, report):
    readers = [
        ("patient", 0, None),
        ("hasty", 0.5, 0.5),
        ("patient, too", 0.25, 9),
        ("late", 4, 1),
    ]
    world.run(world.answer, give("it", after=3), readers, report)
    assert report[0] == (1, "hasty", GAVE_UP)
    assert sorted(to_readers(report)[1:]) == [
        (3, "patient", "it"),
        (3, "patient, too", "it"),
        (4, "late", "it"),
    ]
    assert world.trace.of("job()")[-1] == (3, "end")


def test_the_job_finishes_even_if_all_readers_give_up(world, give, report):
    world.run(world.answer, give("it", after=60), [("a", 0, 0.5), ("b", 1, 1)], report)
    assert world.trace.of("job()")[-1] == (60, "end")
    assert [(at, name) for at, name, _ in report] == [(0.5, "a"), (2, "b"), (60, AGAIN)]
    assert world.returned_at == 60


def test_the_job_finishes_without_readers(world, give, report):
    world.run(world.answer, give("it", after=2), [], report)
    assert [(at, name) for at, name, _ in report] == [(2, AGAIN)]
    assert world.returned_at == 2


def test_a_job_that_does_not_wait_settles_the_future(world, report):
    @world.job
    async def job(w):
        return "it"

    readers = [("a", 0, None), ("b", 0, 0.5), ("c", 1, 0)]
    world.run(world.answer, job, readers, report)
    assert sorted(to_readers(report)) == [
        (0, "a", "it"),
        (0, "b", "it"),
        (1, "c", "it"),
    ]


def test_many_readers_may_wait(world, give, report):
    readers = [(f"reader {i}", 0, 60 if i % 2 else None) for i in range(200)]
    world.run(world.answer, give("it", after=1.5), readers, report)
    assert sorted(to_readers(report)) == sorted(
        (1.5, f"reader {i}", "it") for i in range(200)
    )
    assert world.returned_at == 1.5


def test_readers_may_share_a_name_and_come_from_an_iterator(world, give, report):
    readers = (("x", 0, None) for _ in range(2))
    world.run(world.answer, give("it", after=1), readers, report)
    assert to_readers(report) == [(1, "x", "it")] * 2


@pytest.mark.needs("sharing memory with jobs")
def test_any_value_is_delivered(world, give, report):
    class Odd:
        def __eq__(self, other):
            raise AssertionError("values are not compared")

        __hash__ = None

    for value in (None, False, GAVE_UP, (), Odd()):
        report.clear()
        job = give(value, after=1)
        world.run(
            world.answer, job, [("a", 0, None), ("b", 0.5, 9), ("c", 2, 1)], report
        )
        assert [(at, name) for at, name, _ in report[:2]] in (
            [(1, "a"), (1, "b")],
            [(1, "b"), (1, "a")],
        )
        assert all(entry[2] is value for entry in report[:3])
        assert report[2][:2] == (2, "c")
        assert len(report) == 4


def test_an_error_that_is_returned_is_a_value(world, report):
    value = ValueError("just a value")

    @world.job
    async def job(w):
        await w.sleep(1)
        return value

    world.run(world.answer, job, [("a", 2, None)], report)
    assert to_readers(report) == [(2, "a", value)]
    world.run(world.answer, job, [], report)  # no reader needs to take it


def test_the_error_of_the_job_is_reported_to_readers_and_not_raised(
    world, give, report
):
    error = ValueError("no")
    readers = [("a", 0, None), ("b", 0.5, 9), ("hasty", 0, 0.5), ("late", 2, 1)]
    world.run(world.answer, give(error, after=1), readers, report)
    assert report[0] == (0.5, "hasty", GAVE_UP)
    assert sorted(entry[:2] for entry in report[1:3]) == [(1, "a"), (1, "b")]
    assert report[3][:2] == (2, "late")
    assert all(entry[2] is error for entry in report[1:4])
    assert [(at, name) for at, name, _ in report[4:]] == [(2, AGAIN)]
    assert report[4][2] is not error
    assert world.returned_at == 2


def test_an_error_that_only_a_late_reader_gets_is_not_raised(world, give, report):
    error = ValueError("no")
    readers = [("hasty", 0, 0.5), ("late", 2, 0.5)]
    world.run(world.answer, give(error, after=1), readers, report)
    assert to_readers(report) == [(0.5, "hasty", GAVE_UP), (2, "late", error)]


def test_an_error_that_no_reader_gets_reaches_the_caller(world, give, report):
    error = ValueError("no")
    readers = [("a", 0, 0.5), ("b", 0.25, 0.5)]
    with world.raises(ValueError) as raised:
        world.run(world.answer, give(error, after=1), readers, report)
    assert raised.value is error
    assert to_readers(report) == [(0.5, "a", GAVE_UP), (0.75, "b", GAVE_UP)]
    assert world.returned_at == 1


def test_without_readers_the_error_reaches_the_caller(world, give, report):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, give(error, after=1), [], report)
    assert raised.value is error
    assert to_readers(report) == []


def test_a_timeout_error_of_the_job_makes_no_reader_give_up(world, give, report):
    error = TimeoutError("the job's own")
    readers = [("a", 0, None), ("b", 0.5, 9), ("late", 2, 0.5)]
    world.run(world.answer, give(error, after=1), readers, report)
    assert sorted(entry[:2] for entry in to_readers(report)) == [
        (1, "a"),
        (1, "b"),
        (2, "late"),
    ]
    assert all(entry[2] is error for entry in to_readers(report))


def test_settling_twice_is_an_error_and_is_reported_last(world, give, report):
    world.run(
        world.answer, give("it", after=1), [("a", 0, None), ("late", 3, 1)], report
    )
    assert [name for _, name, _ in report] == ["a", "late", AGAIN]
    assert isinstance(report[-1][2], Exception)
    assert str(report[-1][2])
    assert report[-1][0] == 3


def test_the_error_of_report_reaches_the_caller(world, give):
    error = KeyError("report")

    def report(name, value):
        if name == "fatal":
            raise error

    readers = [("a", 0, None), ("fatal", 0.5, 0.25), ("b", 0, 0.5)]
    with world.raises(KeyError) as raised:
        world.run(world.answer, give("it", after=1), readers, report)
    assert raised.value is error


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_job_and_readers(world, give, report):
    readers = [("a", 0, None), ("b", 0, 5), ("hasty", 0, 0.5), ("late", 60, None)]
    job = give("it", after=4)
    ended = world.run(world.answer, job, readers, report, cancel_at=2.5)
    assert ended is CANCELLED
    assert report == [(0.5, "hasty", GAVE_UP)]
    assert world.trace.when("cancelled") == [(2.5, "job()")]
    assert world.returned_at == 2.5


def test_bad_readers_are_refused_before_the_job_starts(world, give, report):
    for reader, kind, hint in [
        (("a", -1, None), ValueError, "comes"),
        (("a", 0, -0.5), ValueError, "patience"),
        (("a", float("nan"), None), ValueError, "comes"),
        (("a", "0", None), TypeError, "comes"),
        ((3, 0, None), TypeError, "name"),
        (("a", 0), TypeError, "reader"),
        ("abc", TypeError, "reader"),
    ]:
        with world.raises(kind) as raised:
            readers = [("fine", 0, None), reader]
            world.run(world.answer, give(1, after=1), readers, report)
        assert hint in str(raised.value)
    assert not world.trace.when("start")
    assert report == []


def test_non_callables_and_non_iterables_are_refused(world, give, report):
    job = give(1, after=1)
    for args, hint in [
        ((3, [], report), "job must be callable"),
        ((job, [], "report"), "report must be callable"),
        ((job, 3, report), "readers"),
    ]:
        with world.raises(TypeError) as raised:
            world.run(world.answer, *args)
        assert hint in str(raised.value)
    assert not world.trace.when("start")


def test_a_falsy_error_is_an_error(world):
    class Errors(Exception):
        def __len__(self):
            return 0

    error = Errors()

    @world.job
    async def job(w):
        await w.sleep(1)
        raise error

    report = world.recorder("report")
    world.run(world.answer, job, [("a", 0, None)], report)
    assert report[0] == (1, "a", error)


def test_the_jobs_own_timeout_is_given_to_the_readers(world, times_out):
    report = world.recorder("report")
    job = partial(times_out, 1)
    world.run(world.answer, job, [("a", 0, None), ("b", 3, 1)], report)
    assert [call[:2] for call in report] == [(1, "a"), (3, "b"), (3, AGAIN)]
    assert isinstance(report[0][2], world.TimedOut)
    assert report[0][2] is report[1][2]


@pytest.mark.needs("stopping the rest", "keeping every error")
@pytest.mark.needs("sharing memory with jobs")
def test_errors_of_report_and_of_the_cleanup_after_it_reach_the_caller(world):
    happened = []

    def fail(error):
        happened.append(error)
        raise error

    def report(name, value):
        fail(KeyError("report"))

    @world.job
    async def job(w):
        try:
            await w.sleep(60)
        except w.Cancelled:
            fail(OSError("cleanup"))

    with world.raises(Exception) as raised:
        world.run(world.answer, job, [("hasty", 0, 1)], report)
    assert len(happened) == len(raised.errors)
    assert all(error in raised.errors for error in happened)


def test_nothing_is_reported_after_an_error_of_report(world, give):
    reported = []

    def report(name, value):
        reported.append((name, value))
        raise KeyError("report")

    readers = [("a", 0, None), ("hasty", 0, 0.5), ("b", 0, 5), ("late", 3, 1)]
    with world.raises(KeyError):
        world.run(world.answer, give("it", after=4), readers, report)
    assert reported == [("hasty", GAVE_UP)]


def test_a_base_exception_of_the_job_does_not_wait_for_readers(world, give, report):
    class Halt(BaseException):
        pass

    halt = Halt()
    with world.raises(Halt) as raised:
        world.run(world.answer, give(halt, after=1), [("late", 60, None)], report)
    assert raised.value is halt
    assert world.returned_at == 1
    assert report == []
