"""The rules that every answer to every topic keeps.

`concurrency_study.topics` states the rules. Job 0 of a call is the one that misbehaves.
``jobs(n)`` limits a test to topics that run at least n native jobs side by side.
"""

from __future__ import annotations

import gc
import os
import re
import time

import pytest
from concurrency_study.topics import Probe, Unrequested
from concurrency_study.world import CANCELLED, FINDINGS, leaves


class Halt(BaseException):
    """A BaseException, which no answer handles as an ordinary failure of a job."""


@pytest.fixture
def arguments(world, topic, tmp_path):
    """``arguments(job, say)`` returns the arguments of a call, with a fresh source."""
    path = tmp_path / "file"
    lines = tmp_path / "lines"
    path.write_bytes(b"")
    lines.write_bytes(b"1\n2\n")
    sources = []

    def make(job, say):
        sources.append(world.source(os.open(lines, os.O_RDONLY)))
        return topic.probe(Probe(world.job(job), say, path, sources[-1]))

    yield make
    for source in sources:
        source.close()


@pytest.fixture
def ask(world, arguments, ignore):
    """``ask(job)`` calls the answer and returns its value and its error."""

    def call(job, say=ignore, **how):
        try:
            return world.run(world.answer, *arguments(job, say), **how), None
        except FINDINGS:
            raise
        except BaseException as error:
            return None, error

    return call


def learned(error):
    """Return every error within a group, cause or context of the caller's error."""
    found = []
    pending = [error] if error else []
    while pending:
        for each in leaves(pending.pop()):
            if not any(each is known for known in found):
                found.append(each)
                pending += [e for e in (each.__cause__, each.__context__) if e]
    # An error from another process may have a text for a cause: its traceback.
    return [e for e in found if type(e).__name__ != "_RemoteTraceback"]


def beside(world, error, *expected):
    """Return the unexpected errors that the caller gets, apart from cancellations."""
    rest = [e for e in learned(error) if not any(e is known for known in expected)]
    return [e for e in rest if not isinstance(e, (world.Cancelled, Unrequested))]


def raised_in(world, errors):
    """Return those of the errors that a job has raised."""
    raised = {event.detail for event in world.trace if event.what == "error"}
    return [error for error in errors if repr(error) in raised]


async def snooze(w, number):
    await w.sleep(1)
    return number


async def clean_up_slowly(w, number):
    try:
        await w.sleep(10)
    finally:
        with w.shield():
            await w.sleep(1)
        w.note("clean")


def cleaned(world):
    return [event.at for event in world.trace if event.detail == "clean"]


def test_bad_input_is_refused_before_anything_starts(world, topic, arguments, ignore):
    starts = []

    async def job(w, number):
        starts.append(number)

    for position in range(len(arguments(job, ignore))):
        changed = list(arguments(job, ignore))
        changed[position] = object()
        with pytest.raises((TypeError, ValueError)):
            world.run(world.answer, *changed)
        assert not starts


def test_a_call_behaves_the_same_at_any_instant(world, ask, arguments):
    say = world.recorder()

    async def staggered(w, number):
        await w.sleep(1 + number / 8)  # the order at one instant is not promised
        return number

    @world.job
    async def later(w, seconds):
        await w.sleep(seconds)
        told = len(world.trace)
        say.clear()
        await w.call(world.answer, *arguments(staggered, say))
        return told

    def told(first, begin):
        events = world.trace.events[first:]
        at = [
            (round(e.at - begin, 6), e.what, re.sub("0x[0-9a-f]+", "", e.detail))
            for e in events
        ]
        return sorted(entry for entry in at if entry[1] != "end")

    ask(staggered, say)
    from_the_start = told(0, 0)
    lasted = world.returned_at
    first = world.run(later, 0.37)
    mine = [("wake", "")]
    assert told(first, 0.37) == from_the_start or told(first, 0.37)[1:] == mine
    assert round(world.returned_at - 0.37, 6) == lasted


@pytest.mark.schedules(30, slack=0, seconds=3)
def test_plain_callbacks_never_run_concurrently(ask):
    inside, overlaps = [], []

    def say(*told):
        inside.append(told)
        time.sleep(0)  # lets another thread go first
        overlaps.extend(inside[1:])
        inside.remove(told)

    ask(snooze, say)
    assert not overlaps


@pytest.mark.jobs(1)
@pytest.mark.needs("stopping the rest")
def test_a_job_that_raises_an_unrequested_cancellation_has_failed(world, topic, ask):
    say = world.recorder()

    async def job(w, number):
        await w.sleep(10 if number else 1)
        if not number:
            raise w.unrequested()

    _, error = ask(job, say)
    if hasattr(topic, "CANCELLED"):  # this topic reports how each job has ended
        assert error is None
        assert say.values[0] == ("0", topic.CANCELLED)
    else:
        assert isinstance(error, BaseException)
        found = [e for e in learned(error) if isinstance(e, world.Cancelled)]
        assert found
        assert not beside(world, error)
        wrappers = [e for e in learned(error) if isinstance(e, Unrequested)]
        assert all(isinstance(e.__cause__, world.Cancelled) for e in wrappers)
        assert world.returned_at == 1


@pytest.mark.jobs(1)
@pytest.mark.needs("stopping the rest")
def test_a_base_exception_stops_the_rest_and_reaches_the_caller(world, ask):
    halt = Halt()

    async def job(w, number):
        await w.sleep(10 if number else 1)
        raise halt

    _, error = ask(job)
    assert not isinstance(error, Exception)
    assert halt in learned(error)
    assert not beside(world, error, halt)
    assert world.returned_at == 1


@pytest.mark.jobs(1)
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_system_exit_and_keyboard_interrupt_of_a_job_reach_the_caller(world, ask, kind):
    stop = kind("now")

    async def job(w, number):
        await w.sleep(10 if number else 1)
        if not number:
            raise stop

    _, error = ask(job)
    assert not isinstance(error, Exception)
    assert stop in learned(error)
    assert not beside(world, error, stop)


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest", "keeping every error")
def test_simultaneous_errors_all_reach_the_caller(world, ask):
    halts = [Halt(number) for number in range(3)]

    async def job(w, number):
        await w.sleep(10 if number == 2 else 1 - w.now())
        raise halts[number]

    _, error = ask(job)
    raised = raised_in(world, halts)
    assert raised
    assert all(halt in learned(error) for halt in raised)
    assert not beside(world, error, *raised)
    assert world.returned_at == 1


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest", "keeping every error")
def test_a_cleanup_error_after_an_error_reaches_the_caller(world, ask):
    halt = Halt()
    errors = [KeyError(1), KeyError(2)]

    async def job(w, number):
        try:
            await w.sleep(10 if number else 1)
        except w.Cancelled:
            raise errors[number - 1] from None
        raise halt

    _, error = ask(job)
    found = learned(error)
    assert halt in found
    assert all(each in found for each in errors)
    assert not beside(world, error, halt, *errors)
    assert world.returned_at == 1


@pytest.mark.jobs(1)
@pytest.mark.needs("cancellation from outside", "keeping every error")
def test_a_cleanup_error_after_a_cancellation_reaches_the_caller(world, ask):
    errors = [KeyError(number) for number in range(3)]

    async def job(w, number):
        try:
            await w.sleep(10)
        except w.Cancelled:
            raise errors[number] from None

    _, error = ask(job, cancel_at=1.25)
    failed = raised_in(world, errors)
    assert failed
    assert all(each in learned(error) for each in failed)
    assert not beside(world, error, *errors)
    assert world.returned_at == 1.25


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest")
def test_jobs_clean_up_side_by_side_after_an_error(world, ask):
    halt = Halt()

    async def job(w, number):
        if number:
            await clean_up_slowly(w, number)
        await w.sleep(1)
        raise halt

    _, error = ask(job)
    assert halt in learned(error)
    assert cleaned(world) == [2, 2]
    assert world.returned_at == 2


@pytest.mark.jobs(1)
@pytest.mark.needs("cancellation from outside")
def test_jobs_clean_up_side_by_side_when_cancelled(world, topic, ask, leftovers):
    ended, error = ask(clean_up_slowly, cancel_at=1.25, leftovers=leftovers)
    assert ended is CANCELLED, error
    assert cleaned(world) == [2.25] * len(cleaned(world))
    assert len(cleaned(world)) >= topic.JOBS
    assert world.returned_at == 2.25


@pytest.mark.jobs(2)
@pytest.mark.needs("cancellation from outside")
@pytest.mark.needs("a cleanup that no second cancellation disturbs")
def test_a_second_cancellation_does_not_interrupt_cleanup(world, ask):
    ended, error = ask(clean_up_slowly, cancel_at=(1.25, 1.5, 1.75))
    assert ended is CANCELLED, error
    assert cleaned(world) == [2.25] * 3
    assert world.returned_at == 2.25


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest")
def test_a_cancellation_does_not_interrupt_cleanup_after_an_error(world, ask):
    halt = Halt()

    async def job(w, number):
        if number:
            await clean_up_slowly(w, number)
        await w.sleep(1)
        raise halt

    _, error = ask(job, cancel_at=(1.5, 1.75))
    assert halt in learned(error)
    assert cleaned(world) == [2, 2]
    assert world.returned_at == 2


@pytest.mark.jobs(2)
@pytest.mark.needs("cancellation from outside")
def test_nothing_is_said_after_a_cancellation(world, ask):
    say = world.recorder()

    async def job(w, number):
        try:
            await w.sleep(10)
        except w.Cancelled:
            return "swallowed"

    ask(job, say, cancel_at=1.25)
    assert say == []
    assert world.returned_at == 1.25


@pytest.mark.needs("cancellation from outside")
def test_a_cancellation_at_any_wait_leaves_nothing_behind(world, ask, leftovers):
    async def job(w, number):
        try:
            await w.sleep(1 + number / 4)
        finally:
            with w.shield():
                await w.sleep(0.25)

    for wait in range(1, 100):
        _, error = ask(job, cancel_at_wait=wait, leftovers=leftovers)
        assert error is None
        started = [actor for _, actor in world.trace.when("start")]
        ended = [e.actor for e in world.trace if e.what in ("end", "cancelled")]
        assert sorted(started) == sorted(ended)
        if world.cancelled_at is None:
            break
    assert world.cancelled_at is None
    assert wait > 1


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest", "waiting in cleanup")
def test_a_cleanup_may_wait_without_a_shield(world, ask):
    async def job(w, number):
        if not number:
            await w.sleep(1)
            raise Halt
        try:
            await w.sleep(10)
        finally:
            await w.sleep(1)
            w.note("clean")

    ask(job)
    assert cleaned(world) == [2, 2]


@pytest.mark.jobs(2)
@pytest.mark.needs("stopping the rest", "cancelling again what swallows it")
def test_a_job_that_swallows_its_cancellation_is_cancelled_again(world, ask):
    async def job(w, number):
        if not number:
            await w.sleep(1)
            raise Halt
        try:
            await w.sleep(10)
        except w.Cancelled:
            w.note("swallowed")
        await w.sleep(10)

    ask(job)
    assert world.returned_at == 1


def test_no_descriptor_is_left_open(ask):
    ask(snooze)  # a library may open something on its first use
    gc.collect()  # an earlier test may have left something to close
    before = len(os.listdir("/dev/fd"))
    ask(snooze)
    gc.collect()  # an open socket is an error then, as warnings are
    assert len(os.listdir("/dev/fd")) <= before + 1  # the caller owns the source


@pytest.mark.jobs(1)
def test_a_group_of_errors_has_a_message(ask, leftovers):
    async def job(w, number):
        await w.sleep(1)
        raise Halt(number)

    _, error = ask(job, leftovers=leftovers)
    assert error is not None
    if isinstance(error, BaseExceptionGroup):
        assert error.message
