"""The contract of every world. No test here names a paradigm.

The answer is a single job, which every world can run. The last sections let it start
others, call threads and wait for descriptors. A world that cannot do one of these says
so in `World.absent`.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import time

import pytest
from concurrency_study.trace import Event
from concurrency_study.world import CANCELLED, Deadlock, LostError, NotCovered

CLOCKS = ("time", "monotonic", "perf_counter")


@pytest.fixture
def sleeps(world):
    """A job that sleeps for each of the given seconds and returns when it woke."""

    @world.job
    async def sleeps(w, *naps):
        woken = []
        for seconds in naps:
            await w.sleep(seconds)
            woken.append(w.now())
        return woken

    return sleeps


@pytest.fixture
def stuck(world):
    """A job that sleeps and then waits for ever."""

    @world.job
    async def stuck(w, seconds):
        await w.sleep(seconds)
        await w.forever()

    return stuck


@pytest.fixture
def raises(world):
    """A job that raises the given error after 1 s."""

    @world.job
    async def raises(w, error):
        await w.sleep(1)
        raise error

    return raises


# Time


def test_sleeps_end_at_their_exact_instants(world, sleeps):
    assert world.run(sleeps, 1, 0.5, 0.25) == [1, 1.5, 1.75]
    assert world.returned_at == 1.75


def test_instants_are_rounded_to_the_nanosecond(world, sleeps):
    assert world.run(sleeps, 0.1, 0.2, 0.4) == [0.1, 0.3, 0.7]


def test_instants_are_exact_at_any_time(world, sleeps):
    assert world.run(sleeps, 1e9, 0.5, 0.25) == [1e9, 1e9 + 0.5, 1e9 + 0.75]


def test_sleeping_for_years_takes_no_real_time(world, sleeps):
    days = 365 * 10
    assert world.run(sleeps, *[86400] * days)[-1] == 86400 * days


def test_a_sleep_of_zero_takes_no_time(world, sleeps):
    assert world.run(sleeps, 0, 1, 0) == [0, 1, 1]


def test_a_job_and_the_world_have_the_same_time(world):
    @world.job
    async def main(w):
        await w.sleep(1.5)
        return w.now(), world.now()

    assert world.run(main) == (1.5, 1.5)


def test_the_clocks_of_time_are_virtual(world):
    @world.job
    async def main(w):
        before = [getattr(time, name)() for name in CLOCKS]
        before_ns = [getattr(time, f"{name}_ns")() for name in CLOCKS]
        await w.sleep(7200.5)
        after = [getattr(time, name)() for name in CLOCKS]
        after_ns = [getattr(time, f"{name}_ns")() for name in CLOCKS]
        return (
            [b - a for a, b in zip(before, after, strict=True)],
            [b - a for a, b in zip(before_ns, after_ns, strict=True)],
        )

    seconds, nanoseconds = world.run(main)
    assert seconds == pytest.approx([7200.5] * 3)
    assert nanoseconds == pytest.approx([7200.5e9] * 3)


def test_time_sleep_is_virtual(world):
    @world.job
    async def main(w):
        time.sleep(7200)  # noqa: ASYNC251
        before = w.now()
        await w.sleep(0.5)
        return before, w.now()

    assert world.run(main) == (7200, 7200.5)


def test_the_functions_of_time_are_restored(world, sleeps, raises, stuck):
    names = ["sleep", *CLOCKS, *(f"{name}_ns" for name in CLOCKS)]
    real = [getattr(time, name) for name in names]
    world.run(sleeps, 1)
    assert [getattr(time, name) for name in names] == real
    with world.raises(ValueError):
        world.run(raises, ValueError("no"))
    assert [getattr(time, name) for name in names] == real
    with pytest.raises(Deadlock):
        world.run(stuck, 1)
    assert [getattr(time, name) for name in names] == real


# Runs


def test_a_run_returns_what_its_function_returns(world):
    @world.job
    async def main(w, *args):
        return args

    assert world.run(main, 1, None, "a") == (1, None, "a")
    assert world.run(main) == ()


def test_each_run_begins_at_0_with_an_empty_trace(world, sleeps):
    assert world.run(sleeps, 3) == [3]
    assert world.run(sleeps, 0.5) == [0.5]
    assert world.returned_at == 0.5
    assert world.trace.when("start") == [(0, "sleeps(0.5)")]


def test_a_failed_run_does_not_affect_the_next(world, sleeps, raises, stuck):
    with world.raises(ValueError):
        world.run(raises, ValueError("no"))
    assert world.run(sleeps, 2) == [2]
    with pytest.raises(Deadlock):
        world.run(stuck, 3)
    assert world.run(sleeps, 2) == [2]
    assert world.trace.of("sleeps(2)") == [
        (0, "start"),
        (0, "sleep"),
        (2, "wake"),
        (2, "end"),
    ]


def test_two_worlds_are_independent(world, sleeps):
    other = type(world)()
    say = other.recorder()

    @other.job
    async def main(w):
        await w.sleep(5)
        say("other")

    world.run(sleeps, 1)
    other.run(main)
    assert say == [(5, "other")]
    assert world.returned_at == 1
    assert [event.actor for event in world.trace] == ["sleeps(1)"] * 4


def test_a_test_without_a_topic_has_no_answer(world):
    with pytest.raises(LookupError, match="no answer"):
        _ = world.answer


# Jobs


def test_a_job_is_a_native_callable_that_others_call(world, sleeps):
    @world.job
    async def main(w):
        await w.sleep(1)
        return await w.call(sleeps, 2, 3)

    assert world.run(main) == [3, 6]
    assert world.trace.most_at_once() == 2
    assert world.trace.when("end") == [(6, "sleeps(2, 3)"), (6, "main()")]


def test_a_job_keeps_its_name(world, sleeps):
    assert sleeps.__name__ == "sleeps"


def test_a_job_with_too_many_or_too_few_arguments_is_a_type_error(world, stuck):
    with world.raises(TypeError) as raised:
        world.run(stuck)
    assert "stuck() missing" in str(raised.value)
    with world.raises(TypeError) as raised:
        world.run(stuck, 1, 2)
    assert "stuck() takes" in str(raised.value)


def test_the_trace_records_what_a_job_did(world, trace):
    @world.job
    async def main(w, name, number):
        await w.sleep(0.5)
        w.note("half-way")
        await w.sleep(1)

    world.run(main, "a", 1)
    assert trace is world.trace
    me = "main('a', 1)"
    assert list(trace) == [
        Event(0, me, "start"),
        Event(0, me, "sleep", "0.5 s"),
        Event(0.5, me, "wake"),
        Event(0.5, me, "note", "half-way"),
        Event(0.5, me, "sleep", "1 s"),
        Event(1.5, me, "wake"),
        Event(1.5, me, "end"),
    ]
    assert trace.of(me)[0] == (0, "start")
    assert trace.when("note") == [(0.5, me)]
    assert trace.most_at_once() == 1
    assert len(str(trace).splitlines()) == len(trace) == 7


def test_the_trace_records_how_a_job_failed(world, raises):
    with world.raises(ValueError):
        world.run(raises, ValueError("no"))
    last = list(world.trace)[-1]
    assert (last.at, last.what, last.detail) == (1, "error", "ValueError('no')")


def test_the_trace_records_a_wait_for_ever(world, stuck):
    with pytest.raises(Deadlock):
        world.run(stuck, 2)
    assert Event(2, "stuck(2)", "sleep", "for ever") in list(world.trace)


def test_the_trace_counts_the_peak_concurrency(world, sleeps):
    @world.job
    async def nested(w):
        await w.call(sleeps, 1)

    @world.job
    async def main(w):
        await w.call(nested)
        await w.call(sleeps, 1)

    world.run(main)
    assert world.trace.most_at_once() == 3
    assert world.returned_at == 2


def test_a_blocking_function_is_traced_and_sleeps_virtually(world):
    @world.blocking
    def work(item):
        time.sleep(3600)
        return item * 2

    @world.job
    async def main(w):
        return work(21)

    assert work.__name__ == "work"
    assert world.run(main) == 42
    assert world.trace.of("work(21)") == [(0, "start"), (3600, "end")]


def test_an_error_of_a_blocking_function_is_traced(world):
    error = ValueError("no")

    @world.blocking
    def work():
        raise error

    @world.job
    async def main(w):
        work()

    with world.raises(ValueError) as raised:
        world.run(main)
    assert raised.value is error
    assert world.trace.when("error") == [(0, "work()"), (0, "main()")]


# Recorders, callbacks and sources


def test_a_recorder_records_instants_and_arguments(world):
    say, other = world.recorder(), world.recorder("other")

    @world.job
    async def main(w):
        say("a")
        await w.sleep(1.5)
        say("b", 2)
        other()
        say(None)

    world.run(main)
    assert say == [(0, "a"), (1.5, "b", 2), (1.5, None)]
    assert say.values == ["a", ("b", 2), None]
    assert other == [(1.5,)]
    assert world.trace.of("say") == [(0, "call"), (1.5, "call"), (1.5, "call")]
    assert Event(1.5, "say", "call", "'b', 2") in list(world.trace)
    assert world.trace.of("other") == [(1.5, "call")]


def test_callbacks_come_at_their_instants(world, sleeps):
    say = world.recorder()
    for seconds in (3, 0.5, 7200, 1):
        world.at(seconds, say, "at", seconds)
    assert world.run(sleeps, 2, 9000) == [2, 9002]
    assert say == [
        (0.5, "at", 0.5),
        (1, "at", 1),
        (3, "at", 3),
        (7200, "at", 7200),
    ]


def test_a_callback_may_be_scheduled_while_the_world_runs(world):
    say = world.recorder()

    def first():
        say("first")
        world.at(2, say, "second")

    @world.job
    async def main(w):
        world.at(3.5, say, "third")
        await w.sleep(4)

    world.at(1, first)
    world.run(main)
    assert say == [(1, "first"), (2, "second"), (3.5, "third")]


def test_a_callback_after_the_end_is_dropped(world, sleeps):
    say = world.recorder()
    world.at(5, say, "too late")
    world.run(sleeps, 1)
    assert world.returned_at == 1
    world.run(sleeps, 9)
    assert say == []


def test_an_error_in_a_callback_fails_the_run(world, sleeps):
    error = AssertionError("in a callback")

    def fail():
        raise error

    world.at(1, fail)
    with pytest.raises(LostError, match="in a callback") as raised:
        world.run(sleeps, 2)
    assert raised.value.__cause__ is error
    assert world.returned_at == 2
    assert world.run(sleeps, 2) == [2]


def test_a_job_that_is_called_and_never_awaited_fails_the_run(world):
    @world.job
    async def job(w):
        await w.sleep(1)

    @world.job
    async def forgetful(w):
        job()
        await w.sleep(1)

    if world.colour == "plain":  # a call of a plain function runs it
        world.run(forgetful)
        assert world.returned_at == 2
    else:
        with pytest.raises(LostError, match="job was called, never awaited"):
            world.run(forgetful)


def test_a_job_is_taken_for_what_it_is(world):
    @world.job
    async def job(w):
        """Wait."""

    assert inspect.iscoroutinefunction(job) == (world.colour == "async")
    assert (job.__name__, job.__qualname__) == ("job", "job")


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_a_source_reads_and_closes_its_descriptor(world, pipe):
    read, write = pipe
    source = world.source(read)
    os.write(write, b"one\ntwo\n")

    @world.job
    async def main(w):
        await w.sleep(1)
        return [source.readline(), source.readline()]

    assert world.run(main) == [b"one\n", b"two\n"]
    assert source.fileno() == read
    assert not source.closed
    os.fstat(read)
    source.close()
    assert source.closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read)


def test_a_source_ends_with_its_input(world, pipe):
    read, write = pipe
    os.write(write, b"no newline")
    os.close(write)
    with world.source(read) as source:

        @world.job
        async def main(w):
            return list(source)

        assert world.run(main) == [b"no newline"]


# Errors


def test_an_error_passes_through_unchanged(world, raises):
    error, cause = KeyError("no"), OSError("why")
    error.__cause__ = cause
    with pytest.raises(KeyError) as raised:
        world.run(raises, error)
    assert raised.value is error
    assert error.__cause__ is cause
    assert world.returned_at == 1


def test_an_error_before_any_wait_passes_through(world):
    error = KeyError("no")

    @world.job
    async def main(w):
        raise error

    with pytest.raises(KeyError) as raised:
        world.run(main)
    assert raised.value is error
    assert world.returned_at == 0


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_system_exit_and_keyboard_interrupt_pass_through(world, raises, error):
    with pytest.raises(type(error)) as raised:
        world.run(raises, error)
    assert raised.value is error


def test_an_error_group_passes_through(world, raises):
    group = ExceptionGroup("both", [ValueError("one"), KeyError("two")])
    with pytest.raises(ExceptionGroup) as raised:
        world.run(raises, group)
    assert raised.value is group


def test_raises_finds_a_bare_error(world):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        raise error
    assert raised.value is error
    assert raised.errors == [error]


def test_raises_finds_errors_in_nested_groups(world):
    one, two = ValueError("one"), UnicodeError("two")
    inner = ExceptionGroup("inner", [ExceptionGroup("innermost", [two])])
    with world.raises(ValueError) as raised:
        raise BaseExceptionGroup("outer", [one, inner])
    assert raised.errors == [one, two]
    with pytest.raises(AssertionError, match="one error was expected"):
        _ = raised.value


def test_raises_lets_other_errors_pass(world):
    beside = ExceptionGroup("no", [ValueError("expected"), KeyError("no")])
    for error in (KeyError("no"), ExceptionGroup("no", [KeyError("no")]), beside):
        with pytest.raises(type(error)) as passed, world.raises(ValueError):
            raise error
        assert passed.value is error


def test_raises_fails_without_an_error(world):
    with (
        pytest.raises(AssertionError, match="ValueError was not raised"),
        world.raises(ValueError),
    ):
        pass


# Deadlocks


def test_a_deadlock_names_each_waiter_and_its_line(world, stuck):
    with pytest.raises(Deadlock) as raised:
        world.run(stuck, 1)
    assert len(raised.value.waiters) == 1
    assert "test_every_world.py" in raised.value.waiters[0]
    assert "await w.forever()" in raised.value.waiters[0]
    assert raised.value.waiters[0] in str(raised.value)


def test_a_deadlock_is_found_at_the_instant_it_occurs(world, stuck):
    with pytest.raises(Deadlock):
        world.run(stuck, 2)
    assert world.now() == 2


# Cancellation from outside. Some worlds cannot cancel, as their libraries cannot.


def test_a_cancelled_run_ends_at_that_instant_or_not_at_all(world):
    @world.job
    async def main(w):
        await w.sleep(5)
        return "ended"

    ended = world.run(main, cancel_at=2.5)
    if ended is CANCELLED:
        assert world.returned_at == 2.5
        assert world.trace.when("cancelled") == [(2.5, "main()")]
    else:
        assert (ended, world.returned_at) == ("ended", 5)
        assert not world.trace.when("cancelled")


def test_a_wait_for_ever_ends_when_it_is_cancelled_or_fails_the_run(world, stuck):
    try:
        ended = world.run(stuck, 1, cancel_at=2.5)
    except (Deadlock, AssertionError):
        assert not world.trace.when("cancelled")
    else:
        assert ended is CANCELLED
        assert world.returned_at == 2.5


def test_a_cancelled_job_cleans_up_and_may_even_return(world):
    @world.job
    async def main(w):
        try:
            await w.sleep(5)
        except w.Cancelled:
            w.note("clean")
            return "saved"
        return "ended"

    ended = world.run(main, cancel_at=2.5)
    if world.trace.when("note"):
        assert (ended, world.returned_at) == ("saved", 2.5)
        assert world.trace.when("note") == [(2.5, "main()")]
    else:
        assert (ended, world.returned_at) == ("ended", 5)


def test_a_cancellation_after_the_end_has_no_effect(world, sleeps, raises):
    assert world.run(sleeps, 1, cancel_at=2) == [1]
    assert world.returned_at == 1
    with world.raises(ValueError):
        world.run(raises, ValueError("no"), cancel_at=2)
    assert world.run(sleeps, 3) == [3]


# Native actors


def lives(world):
    return [(a.name, a.start, a.end, a.how) for a in world.trace.actors]


def test_the_answer_itself_is_a_native_actor(world, sleeps):
    world.watching = True
    world.run(sleeps, 1, 2)
    assert lives(world) == [("sleeps", 0, 3, "end")]
    assert {event.by for event in world.trace} == {"sleeps"}


def test_the_end_of_the_answer_is_recorded(world, raises):
    world.watching = True
    with world.raises(ValueError):
        world.run(raises, ValueError("no"))
    assert lives(world) == [("raises", 0, 1, "error")]


def test_a_cancelled_answer_is_recorded_as_cancelled(world, sleeps):
    world.watching = True
    if world.run(sleeps, 5, cancel_at=2.5) is CANCELLED:
        assert lives(world) == [("sleeps", 0, 2.5, "cancelled")]
    else:
        assert lives(world) == [("sleeps", 0, 5, "end")]
    assert world.cancelled_at == 2.5


def test_the_story_includes_native_actors(world):
    say = world.recorder()

    @world.job
    async def main(w):
        say("hello")

    world.watching = True
    world.run(main)
    assert [(e.by, e.actor, e.what) for e in world.trace.story()] == [
        ("main", "main", "spawn"),
        ("main", "main()", "start"),
        ("main", "say", "call"),
        ("main", "main()", "end"),
        ("main", "main", "exit"),
    ]


def test_each_run_has_its_own_story(world, sleeps):
    world.watching = True
    world.run(sleeps, 3)
    world.run(sleeps, 1)
    assert lives(world) == [("sleeps", 0, 1, "end")]


def test_actors_are_watched_only_on_request(world, sleeps):
    world.run(sleeps, 1)
    assert world.trace.actors == []
    assert {event.by for event in world.trace} == {""}
    assert world.trace.story() == world.trace.events


def test_events_of_the_test_itself_have_no_actor(world, sleeps):
    say = world.recorder()
    world.watching = True
    world.at(0.5, say, "from outside")
    world.run(sleeps, 1)
    assert [e.by for e in world.trace if e.actor == "say"] == [""]


# Others that a job starts


@pytest.fixture
def has(world):
    """A function that skips the test if the world has declared that it lacks this."""

    def has(name):
        if name in world.absent:
            pytest.skip(world.absent[name])  # `test_an_absent_thing_is_refused` asks

    return has


@pytest.mark.parametrize(
    ("name", "args"), [("together", ()), ("in_thread", (len, "")), ("readable", (0,))]
)
def test_an_absent_thing_is_refused_with_the_reason(world, name, args):
    if name not in world.absent:
        return

    @world.job
    async def main(w):
        await getattr(w, name)(*args)

    with world.raises(NotCovered) as raised:
        world.run(main)
    assert str(raised.value) == world.absent[name]


def test_others_run_side_by_side_and_end_before_their_block(world, has, sleeps):
    has("together")

    @world.job
    async def main(w):
        await w.together((sleeps, 3), (sleeps, 0.5, 0.25), (sleeps, 2))
        return w.now()

    assert world.run(main) == 3
    assert world.trace.most_at_once() == 4
    assert world.trace.when("end") == [
        (0.75, "sleeps(0.5, 0.25)"),
        (2, "sleeps(2)"),
        (3, "sleeps(3)"),
        (3, "main()"),
    ]


def test_the_error_of_another_reaches_the_caller(world, has, sleeps, raises):
    has("together")
    error = ValueError("no")

    @world.job
    async def main(w):
        await w.together((sleeps, 0.5), (raises, error))

    with world.raises(ValueError) as raised:
        world.run(main)
    assert raised.value is error
    assert world.returned_at == 1


def test_a_cancellation_reaches_all_that_a_job_has_started(world, has, sleeps):
    has("together")

    @world.job
    async def main(w):
        await w.together((sleeps, 5), (sleeps, 7))

    if world.run(main, cancel_at=2.5) is CANCELLED:
        assert world.returned_at == 2.5
        cancelled = {*world.trace.when("cancelled")} - {(2.5, "main()")}
        assert cancelled == {(2.5, "sleeps(5)"), (2.5, "sleeps(7)")}
    else:
        assert world.returned_at == 7


def test_a_deadlock_names_all_that_wait(world, has, sleeps, stuck):
    has("together")

    @world.job
    async def main(w):
        await w.together((stuck, 1), (sleeps, 3), (stuck, 2))

    with pytest.raises(Deadlock) as raised:
        world.run(main)
    assert world.now() == 3
    waits = [one for one in raised.value.waiters if "await w.forever()" in one]
    assert len(waits) == 2
    assert len(raised.value.waiters) >= 3


def test_others_are_native_actors_of_their_own(world, has):
    has("together")

    @world.job
    async def tea(w):
        await w.sleep(2)

    @world.job
    async def toast(w):
        await w.sleep(1)
        raise ValueError("burnt")

    @world.job
    async def main(w):
        await w.together((tea,), (toast,))

    world.watching = True
    with world.raises(ValueError):
        world.run(main)
    assert [actor.start for actor in world.trace.actors] == [0, 0, 0]
    assert 1 in {actor.end for actor in world.trace.actors}
    later = {e.by for e in world.trace if e.at and e.actor in ("tea()", "toast()")}
    assert len(later - {"main"}) == 2


def test_a_worker_thread_sleeps_in_virtual_time(world, has):
    has("in_thread")

    def work(seconds):
        before = time.monotonic()
        time.sleep(seconds)
        return time.monotonic() - before

    @world.job
    async def main(w):
        await w.sleep(1)
        return await w.in_thread(work, 3600), w.now()

    assert world.run(main) == (3600, 3601)


def test_worker_threads_sleep_side_by_side(world, has):
    has("together")
    has("in_thread")

    @world.job
    async def call(w, seconds):
        await w.in_thread(time.sleep, seconds)

    @world.job
    async def main(w):
        await w.together((call, 3), (call, 2))

    world.run(main)
    assert world.trace.when("end") == [
        (2, "call(2)"),
        (3, "call(3)"),
        (3, "main()"),
    ]


def test_an_error_of_a_worker_thread_reaches_the_caller(world, has):
    has("in_thread")
    error = ValueError("no")

    def fail():
        time.sleep(1)
        raise error

    @world.job
    async def main(w):
        await w.in_thread(fail)

    with world.raises(ValueError) as raised:
        world.run(main)
    assert raised.value is error
    assert world.returned_at == 1


def test_no_time_passes_while_a_worker_thread_works(world, has):
    has("together")
    has("in_thread")
    opened = os.pipe()

    def work():
        os.set_blocking(opened[0], True)
        return sum(range(200_000))

    @world.job
    async def call(w):
        await w.in_thread(work)
        return w.note("worked")

    @world.job
    async def nap(w):
        await w.sleep(5)

    @world.job
    async def main(w):
        await w.together((call,), (nap,))

    world.run(main)
    assert world.trace.when("note") == [(0, "call()")]
    assert world.returned_at == 5
    for descriptor in opened:
        os.close(descriptor)


def test_input_that_is_there_comes_before_a_jump_of_the_clock(world, has, pipe):
    has("readable")
    os.write(pipe[1], b"x")

    @world.job
    async def main(w):
        await w.readable(pipe[0])
        return w.now(), os.read(pipe[0], 10)

    assert world.run(main) == (0, b"x")


def test_a_wait_for_input_ends_when_it_comes(world, has, pipe):
    has("readable")
    world.at(2, os.write, pipe[1], b"x")
    world.at(9, os.write, pipe[1], b"y")

    @world.job
    async def main(w):
        await w.readable(pipe[0])
        return w.now(), os.read(pipe[0], 10)

    assert world.run(main) == (2, b"x")


def test_a_wait_for_input_is_cancelled_or_continues(world, has, pipe):
    has("readable")
    world.at(5, os.write, pipe[1], b"x")

    @world.job
    async def main(w):
        await w.readable(pipe[0])

    if world.run(main, cancel_at=2.5) is CANCELLED:
        assert world.returned_at == 2.5
    else:
        assert world.returned_at == 5


def test_input_that_never_comes_is_a_deadlock(world, has, pipe):
    has("readable")
    world.patience = 0.01

    @world.job
    async def main(w):
        await w.sleep(1)
        await w.readable(pipe[0])

    with pytest.raises(Deadlock, match=r"await w\.readable"):
        world.run(main)
    assert world.now() == 1
