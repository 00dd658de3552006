"""The contract of every world. No test here names a paradigm.

The answer is a job, which waits through its ``w`` only. A world whose jobs cannot start
others, call in worker threads or wait for descriptors says so in `World.absent`. The
tests that need it are then skipped.
"""

from __future__ import annotations

import inspect
import os
import time

import pytest
from concurrency_study.trace import Event
from concurrency_study.world import CANCELLED, Deadlock, Job, LostError, NotCovered

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


# Tasks, or whatever the actors of the world are. A world that has none says so.


@pytest.mark.parametrize(
    ("name", "args"),
    [("together", [(int,)]), ("in_thread", [int]), ("readable", [0])],
)
def test_a_world_refuses_what_it_declares_absent(world, monkeypatch, name, args):
    if name not in world.absent:  # let it do so here
        jobs = type(world.native_job("main"))
        monkeypatch.setattr(jobs, f"native_{name}", getattr(Job, f"native_{name}"))
        monkeypatch.setattr(type(world), "absent", {name: "it has none"})

    @world.job
    async def main(w):
        await getattr(w, name)(*args)

    with pytest.raises(NotCovered) as raised:
        world.run(main)
    assert str(raised.value) == world.absent[name]


@pytest.fixture
def cancels(world, sleeps):
    """Tell whether this world can cancel a job that sleeps."""
    return world.run(sleeps, 2, cancel_at=1) is CANCELLED


@pytest.fixture
def naps(world):
    """A job that sleeps, and sleeps 1 s more to clean up if it is cancelled."""

    @world.job
    async def naps(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            with w.shield():
                await w.sleep(1)
            raise

    return naps


def test_tasks_overlap_and_wake_in_the_order_of_their_instants(world, together):
    say = world.recorder()

    @world.job
    async def nap(w, seconds):
        await w.sleep(seconds)
        say(seconds)

    instants = (3, 1, 0.5, 3600, 0.1)
    assert world.run(together, *((nap, s) for s in instants)) == 3600
    assert say == [(s, s) for s in sorted(instants)]
    assert world.trace.most_at_once() == 6


def test_two_thousand_tasks(world, together, sleeps):
    world.run(together, *((sleeps, i % 100) for i in range(2000)))
    assert world.returned_at == 99
    instants = [
        at for at, actor in world.trace.when("end") if actor.startswith("sleeps")
    ]
    assert instants == [i // 20 for i in range(2000)]


def test_tasks_may_have_tasks(world, together, sleeps):
    world.run(together, (together, (sleeps, 1), (sleeps, 3)), (sleeps, 2))
    ends = [at for at, actor in world.trace.when("end") if actor.startswith("sleeps")]
    assert ends == [1, 2, 3]
    assert world.returned_at == 3


def test_the_first_error_of_a_task_reaches_the_caller(world, together, raises, cancels):
    error = ValueError("no")

    @world.job
    async def fails_later(w):
        await w.sleep(2)
        raise KeyError("too late")

    with world.raises(ValueError) as raised:
        world.run(together, (fails_later,), (raises, error))
    assert raised.value is error
    assert world.returned_at == (1 if cancels else 2)


def test_no_tasks_at_all_are_fine(world, together):
    assert world.run(together) == 0


def test_an_error_cancels_the_siblings_which_clean_up(
    world, together, naps, raises, cancels
):
    with world.raises(ValueError):
        world.run(together, (naps, 5), (raises, ValueError("no")))
    assert world.trace.when("cancelled") == [(2, "naps(5)")] * cancels
    assert world.returned_at == (2 if cancels else 5)


def test_a_cancellation_reaches_every_task_at_its_instant(
    world, together, sleeps, cancels
):
    ended = world.run(together, (sleeps, 5), (sleeps, 6), cancel_at=2.5)
    stopped = world.trace.when("cancelled")
    if cancels:
        assert (ended, world.returned_at) == (CANCELLED, 2.5)
        assert {at for at, _ in stopped} == {2.5}
        assert {"sleeps(5)", "sleeps(6)"} <= {actor for _, actor in stopped}
    else:
        assert (ended, stopped) == (6, [])


def test_an_error_while_cancelled_reaches_the_caller(world, together, sleeps, cancels):
    error = ValueError("while cleaning up")

    @world.job
    async def fails(w):
        try:
            await w.sleep(5)
        finally:
            raise error

    with world.raises(ValueError) as raised:
        world.run(together, (fails,), (sleeps, 4), cancel_at=1)
    assert raised.value is error
    assert world.returned_at == (1 if cancels else 5)


def test_a_cancelled_run_waits_for_the_cleanup_of_its_tasks(
    world, together, naps, cancels
):
    ended = world.run(together, (naps, 5), (naps, 6), cancel_at=2.5)
    assert ended == (CANCELLED if cancels else 6)
    assert world.returned_at == (3.5 if cancels else 6)


def test_time_sleep_blocks_every_actor_of_its_thread(world, together, sleeps):
    @world.job
    async def blocks(w):
        await w.sleep(0.5)
        time.sleep(5)  # noqa: ASYNC251  # it is the question

    world.run(together, (blocks,), (sleeps, 1))
    woken = 1 if world.kind == "thread" else 5.5
    assert world.trace.of("sleeps(1)")[-1] == (woken, "end")
    assert world.trace.of("blocks()")[-1] == (5.5, "end")


def test_a_deadlock_names_each_task_and_its_line(world, together):
    @world.job
    async def one(w):
        await w.sleep(1)
        await w.forever()  # one

    @world.job
    async def other(w):
        await w.sleep(2)
        await w.forever()  # the other

    with pytest.raises(Deadlock) as raised:
        world.run(together, (one,), (other,))
    waiters = raised.value.waiters
    for line in ("await w.forever()  # one", "await w.forever()  # the other"):
        (waiter,) = (waiter for waiter in waiters if line in waiter)
        assert "test_every_world.py:" in waiter
    assert len(waiters) == 3
    assert world.now() == 2


def test_watched_tasks_have_a_beginning_and_an_end(world, together, sleeps):
    world.watching = True

    @world.job
    async def later(w):
        await w.sleep(1)
        await w.together((sleeps, 2), (sleeps, 4))

    world.run(later)
    main, *tasks = world.trace.actors
    assert (main.start, main.end, main.how) == (0, 5, "end")
    assert [(t.kind, t.start, t.how) for t in tasks] == [(world.kind, 1, "end")] * 2
    if world.kind != "thread":  # a pool's are called after the pool
        assert [t.name for t in tasks] == ["sleeps", "sleeps no. 2"]
    for task, ended in zip(tasks, (3, 5), strict=True):
        events = [(e.at, e.what) for e in world.trace if e.by == task.name]
        assert events[-1] == (ended, "end")
        if world.kind == "thread":  # that of a pool ends with the pool
            assert ended <= task.end <= 5
        else:
            assert task.end == ended


# Worker threads


def nap(seconds, result=None):
    """Sleep as blocking code does. The world replaces `time.sleep` as it runs."""
    time.sleep(seconds)
    return result


def test_the_sleep_of_a_worker_is_virtual(world, in_thread):
    assert world.run(in_thread, nap, 7200, "a result") == "a result"
    assert world.returned_at == 7200


def test_workers_overlap(world, together, in_thread):
    work = world.blocking(nap)
    world.run(together, (in_thread, work, 3), (in_thread, work, 2))
    assert world.trace.of("nap(2)") == [(0, "start"), (2, "end")]
    assert world.trace.of("nap(3)") == [(0, "start"), (3, "end")]
    assert world.returned_at == 3


def test_workers_and_tasks_wake_at_their_instants(world, together, in_thread):
    say = world.recorder()

    def work():
        for _ in range(3):
            time.sleep(1)
            say("worker")

    @world.job
    async def ticks(w):
        for _ in range(3):
            await w.sleep(0.75)
            say("tick")

    world.run(together, (in_thread, work), (ticks,))
    assert say == [
        (0.75, "tick"),
        (1, "worker"),
        (1.5, "tick"),
        (2, "worker"),
        (2.25, "tick"),
        (3, "worker"),
    ]


def test_an_error_of_a_worker_reaches_the_caller(world, in_thread):
    error = ValueError("no")

    @world.blocking
    def work():
        time.sleep(2)
        raise error

    with world.raises(ValueError) as raised:
        world.run(in_thread, work)
    assert raised.value is error
    assert world.trace.of("work()") == [(0, "start"), (2, "error")]
    assert world.returned_at == 2


def test_a_worker_and_its_world_have_the_same_clocks(world, in_thread):
    def clocks():
        names = [*CLOCKS, *(f"{name}_ns" for name in CLOCKS)]
        return [getattr(time, name)() for name in names]

    def work():
        before = clocks()
        time.sleep(2.5)
        return before, clocks()

    @world.job
    async def main(w):
        await w.sleep(7200)
        before = clocks()
        in_worker = await w.call(in_thread, work)
        return (before, clocks()), in_worker

    on_loop, in_worker = world.run(main)
    for ours, theirs in zip(on_loop, in_worker, strict=True):
        assert theirs == pytest.approx(ours)
    assert [b - a for a, b in zip(*in_worker, strict=True)] == pytest.approx(
        [2.5] * 3 + [2.5e9] * 3
    )


def test_time_stands_still_while_a_worker_works(world, together, in_thread, sleeps):
    say = world.recorder()

    def work():
        return sum(range(1_000_000))

    @world.job
    async def waits(w):
        say(await w.call(in_thread, work))

    world.run(together, (sleeps, 1), (waits,))
    assert say == [(0, 499999500000)]
    assert world.returned_at == 1


def test_a_worker_is_forgotten_once_it_has_a_result(world, in_thread):
    for number in range(100):
        assert world.run(in_thread, abs, -number) == number


def test_a_watched_worker_is_an_actor_with_its_own_events(world, in_thread):
    say = world.recorder()

    def work():
        time.sleep(2)
        say("done")

    world.watching = True
    world.run(in_thread, work)
    (done,) = (event for event in world.trace if event.actor == "say")
    main, *others = world.trace.actors
    assert (main.start, main.end, main.how) == (0, 2, "end")
    assert [(a.name, a.start, a.end, a.how) for a in others if "thread" in a.kind] == [
        (done.by, 0, 2, "end")
    ]


# Descriptors


@pytest.fixture
def reads(world, skip_if_absent):
    """A job that waits for input, reads it, and returns it with its instant."""
    skip_if_absent("readable")

    @world.job
    async def reads(w, descriptor):
        await w.readable(descriptor)
        at, data = w.now(), os.read(descriptor, 10)
        w.note(f"{data!r} at {at:g} s")
        return at, data

    return reads


def test_input_that_is_there_comes_before_a_jump_of_the_clock(
    world, together, sleeps, reads, pipe
):
    read, write = pipe
    os.write(write, b"x")
    world.run(together, (sleeps, 1), (reads, read))
    assert world.trace.when("note") == [(0, f"reads({read})")]
    assert world.returned_at == 1


def test_input_wakes_its_reader_at_the_instant_at_which_it_comes(world, reads, pipe):
    read, write = pipe
    for instant in (1, 2.5):
        world.at(instant, os.write, write, b"x")
    world.at(100, os.write, write, b"too late")

    @world.job
    async def main(w):
        return [await w.call(reads, read), await w.call(reads, read)]

    assert world.run(main) == [(1, b"x"), (2.5, b"x")]
    assert world.returned_at == 2.5


def test_input_that_is_not_read_does_not_stop_the_clock(world, reads, pipe):
    read, write = pipe
    os.write(write, b"x")

    @world.job
    async def main(w):
        await w.readable(read)
        await w.sleep(1)
        return await w.call(reads, read)

    assert world.run(main) == (1, b"x")


def test_the_end_of_input_wakes_its_reader(world, reads, pipe):
    read, write = pipe
    world.at(1, os.close, write)
    assert world.run(reads, read) == (1, b"")


def test_input_that_never_comes_is_a_deadlock(world, reads, pipe, impatient):
    with pytest.raises(Deadlock) as raised:
        world.run(reads, pipe[0])
    (waiter,) = raised.value.waiters
    assert "test_every_world.py:" in waiter
    assert "await w.readable(descriptor)" in waiter


def test_a_reader_that_was_cancelled_leaves_its_descriptor(world, reads, pipe, cancels):
    read, write = pipe
    world.at(5, os.write, write, b"x")
    if cancels:
        assert world.run(reads, read, cancel_at=2.5) is CANCELLED
        assert world.returned_at == 2.5
        world.at(5, os.write, write, b"x")
    assert world.run(reads, read) == (5, b"x")


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
