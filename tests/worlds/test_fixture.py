"""The options of `World.run` and its ways to fail, the decorator and the block.

These tests choose their worlds themselves. They need asyncio and threads only, and skip
the other worlds if a library is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import subprocess
import sys
import threading
import time
import warnings

import pytest
from concurrency_study import (
    CANCELLED,
    Deadlock,
    LostError,
    NotCovered,
    StillAlive,
    TimeLimit,
    World,
    in_world,
    make_world,
    virtual_time,
)
from concurrency_study.world import alive_line
from concurrency_study.worlds.threads import ThreadsWorld

LOOPS = ("asyncio", "asyncio-eager", "trio", "anyio-on-asyncio", "anyio-on-trio")
NAMES = (*LOOPS, "threads", "gevent")

enters = pytest.mark.skipif(
    ThreadsWorld.native_enter is World.native_enter,
    reason="this world of threads has no `native_enter`",
)


def made(name, **options):
    """Return a world, or skip the test if its library is missing."""
    try:
        return make_world(name, **options)
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(params=NAMES)
def any_world(request):
    """Each world of a library in turn."""
    return made(request.param)


@pytest.fixture(params=[name for name in NAMES if name != "threads"])
def loop_world(request):
    """Each world with an event loop in turn."""
    return made(request.param)


# Keywords


def test_keywords_reach_the_function(any_world):
    @any_world.job
    async def job(w, seconds, *, result="none", function="none"):
        await w.sleep(seconds)
        return result, function

    assert any_world.run(job, 2, result="done", function=3) == ("done", 3)
    assert any_world.returned_at == 2
    assert any_world.trace.when("end") == [(2, "job(2)")]


def test_a_partial_passes_keywords_with_the_names_of_options(any_world):
    @any_world.job
    async def job(w, within, leftovers):
        await w.sleep(1)
        return within, leftovers

    call = functools.partial(job, within=7, leftovers="some")
    assert any_world.run(call, within=60) == (7, "some")


def test_a_function_of_another_colour_is_refused_with_its_keywords():
    def plain(*, seconds): ...

    async def wavy(*, seconds): ...

    with pytest.raises(TypeError, match="runs async functions, and plain is not one"):
        make_world("asyncio").run(plain, seconds=1)
    with pytest.raises(TypeError, match="runs plain functions, and wavy is not one"):
        make_world("threads").run(functools.partial(wavy, seconds=1))


# Leftovers


async def leaves_a_task(result="done", error=None):
    """Leave a task alive, then return or raise."""

    async def tick():
        while True:
            await asyncio.sleep(1)

    task = asyncio.create_task(tick(), name="ticker")
    await asyncio.sleep(2.5)
    if error is not None:
        raise error
    assert result is not task
    return result


def leaves_a_thread(result="done", error=None):
    """Leave a daemon thread alive, then return or raise."""

    def tick():
        while True:
            time.sleep(1)

    threading.Thread(target=tick, daemon=True, name="ticker").start()
    time.sleep(2.5)
    if error is not None:
        raise error
    return result


@pytest.fixture(params=["asyncio", "threads"])
def leaving(request):
    """A world, and a function that leaves something alive in it."""
    functions = {"asyncio": leaves_a_task, "threads": leaves_a_thread}
    return make_world(request.param), functions[request.param]


def test_leftovers_that_are_allowed_end_quietly(leaving):
    world, function = leaving
    threads = threading.active_count()
    assert world.run(function, leftovers="allow") == "done"
    assert world.returned_at == 2.5
    assert threading.active_count() == threads
    with pytest.raises(StillAlive):
        world.run(function)


def test_a_world_may_allow_leftovers_in_all_of_its_runs(leaving):
    world, function = leaving
    world.leftovers = "allow"
    assert world.run(function) == "done"
    with pytest.raises(StillAlive):
        world.run(function, leftovers="refuse")


def test_an_error_is_lost_also_where_leftovers_are_allowed():
    async def fails():
        raise ValueError("lost")

    async def main():
        task = asyncio.create_task(fails())
        await asyncio.sleep(1)
        assert task.done()

    with pytest.raises(LostError, match="lost"):
        make_world("asyncio").run(main, leftovers="allow")


def test_still_alive_keeps_the_value(leaving):
    world, function = leaving
    with pytest.raises(StillAlive) as caught:
        world.run(function, "a value")
    assert caught.value.value == "a value"
    assert caught.value.error is None
    assert len(caught.value.alive) == 1
    assert "ticker was alive" in str(caught.value)
    assert 'leftovers="allow"' in str(caught.value)


@pytest.mark.parametrize("error", [AssertionError("no"), ValueError("no")], ids=repr)
def test_the_error_of_the_function_is_raised_with_a_note_of_leftovers(leaving, error):
    world, function = leaving
    with pytest.raises(type(error)) as caught:
        world.run(function, error=error)
    assert caught.value is error
    assert "ticker was alive" in "".join(error.__notes__)


def test_an_expected_error_does_not_hide_leftovers(leaving):
    world, function = leaving
    error = ValueError("expected")
    with pytest.raises(StillAlive) as caught, world.raises(ValueError):
        world.run(function, error=error)
    assert caught.value.error is caught.value.__cause__ is error
    assert world.overlooked is None


def test_leftovers_of_a_cancelled_call_are_reported_first():
    world = make_world("asyncio")
    with pytest.raises(StillAlive) as caught:
        world.run(leaves_a_task, cancel_at=1)
    assert isinstance(caught.value.error, asyncio.CancelledError)
    assert world.run(leaves_a_task, cancel_at=1, leftovers="allow") is CANCELLED


def test_a_failed_assertion_comes_before_a_lost_error():
    async def fails():
        raise ValueError("lost")

    async def main():
        task = asyncio.create_task(fails())
        await asyncio.sleep(1)
        assert not task.done(), "the real reason"

    with pytest.raises(AssertionError, match="the real reason") as caught:
        make_world("asyncio").run(main)
    assert "lost: [ValueError('lost')]" in caught.value.__notes__


def test_a_leftover_is_named_with_its_line():
    assert alive_line("thread T") == "thread T was alive"
    assert (
        alive_line("task Task-3: app.py:12: await sleep(60)")
        == "task Task-3 was alive, at app.py:12: await sleep(60)"
    )
    assert alive_line("job('a: b')\nmore") == "job('a: b') was alive\n    more"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leftovers": "alow"}, "leftovers is refuse or allow, not 'alow'"),
        ({"within": 0}, "within is a positive number of seconds, not 0"),
        ({"within": math.nan}, "within is a positive number of seconds, not nan"),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_world("threads").run(lambda: 0, **options)
    assert make_world("threads").run(lambda: 0) == 0


# The limit of virtual time


def test_a_run_that_passes_its_limit_fails(loop_world):
    @loop_world.job
    async def job(w):
        while True:
            await w.sleep(1)

    with pytest.raises(TimeLimit, match="still runs at 3600 s of virtual time"):
        loop_world.run(job, within=3600)
    assert loop_world.returned_at == 3600


def test_a_run_may_end_exactly_at_its_limit(any_world):
    @any_world.job
    async def job(w):
        await w.sleep(3600)
        return "done"

    assert any_world.run(job, within=3600) == "done"


def test_a_deadlock_before_the_limit_is_a_deadlock(loop_world):
    @loop_world.job
    async def job(w):
        await w.sleep(5)
        await w.forever()

    with pytest.raises(Deadlock):
        loop_world.run(job, within=3600)
    assert loop_world.now() == 5


def test_the_limit_of_a_world_is_that_of_its_runs(loop_world):
    @loop_world.job
    async def job(w):
        await w.sleep(61)

    loop_world.within = 60
    with pytest.raises(TimeLimit):
        loop_world.run(job)
    loop_world.run(job, within=62)


def test_the_cleanup_of_a_run_at_its_limit_may_wait(loop_world):
    @loop_world.job
    async def job(w):
        try:
            await w.sleep(100)
        finally:
            with w.shield():
                await w.sleep(10)
            w.note("clean")

    with pytest.raises(TimeLimit):
        loop_world.run(job, within=60)
    assert len(loop_world.trace.when("note")) == 1


def test_a_run_that_ignores_its_cancellation_at_the_limit_ends():
    async def stubborn():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1)

    world = make_world("asyncio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the loop could not end its tasks
        with pytest.raises(TimeLimit):
            world.run(stubborn, within=10)
    assert world.run(asyncio.sleep, 1, "alive") == "alive"


@pytest.mark.parametrize("name", ["asyncio", "anyio-on-asyncio"])
def test_an_answer_that_is_collected_after_its_run_notes_nothing(name):
    tasks = []

    async def stubborn():
        tasks.append(asyncio.current_task())
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1)

    world = make_world(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the loop could not end its tasks
        with pytest.raises(TimeLimit):
            world.run(stubborn, within=10)
    world.run(asyncio.sleep, 2)
    tasks[0].get_coro().cr_await.close()  # as the garbage collector does
    assert world.returned_at == 2


def test_a_heartbeat_that_hides_a_deadlock_ends_without_a_limit(loop_world):
    @loop_world.job
    async def beats(w):
        while True:
            await w.sleep(1)

    @loop_world.job
    async def stuck(w):
        await w.forever()

    @loop_world.job
    async def main(w):
        await w.together((beats,), (stuck,))

    with pytest.raises(TimeLimit, match="hides a deadlock"):
        loop_world.run(main)


def test_a_job_that_polls_a_clock_sees_it_move(loop_world):
    @loop_world.job
    async def poll(w):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            await w.sleep(0)

    loop_world.run(poll)
    assert loop_world.returned_at == pytest.approx(5, rel=1e-3)


def test_a_job_that_polls_sees_time_pass(loop_world):
    done = []

    @loop_world.job
    async def late(w):
        await w.sleep(5)
        done.append(w.now())

    @loop_world.job
    async def poll(w):
        while not done:
            await w.sleep(0)

    @loop_world.job
    async def both(w):
        await w.together((late,), (poll,))

    loop_world.run(both)
    assert done == [5]
    assert loop_world.returned_at == pytest.approx(5)


def test_a_job_that_polls_for_ever_is_refused(loop_world):
    done = []

    @loop_world.job
    async def poll(w):
        while not done:
            await w.sleep(0)

    with pytest.raises(NotCovered, match="polls"):
        loop_world.run(poll)


def test_many_turns_at_one_instant_are_not_refused(loop_world):
    @loop_world.job
    async def count(w):
        rounds = 0
        while rounds < 60_000:
            rounds += 1
            await w.sleep(0)
        return rounds

    assert loop_world.run(count) == 60_000
    assert loop_world.returned_at == pytest.approx(0)


def test_long_runs_of_few_jumps_and_short_runs_of_many_have_no_limit(monkeypatch):
    monkeypatch.setattr("concurrency_study.world.base.MANY", 100)
    monkeypatch.setattr("concurrency_study.world.base.MOST", 1000)

    async def sleeps(count, seconds):
        for _ in range(count):
            await asyncio.sleep(seconds)

    world = make_world("asyncio")
    world.run(sleeps, 99, 1e6)
    world.run(sleeps, 999, 1)
    for count, seconds in ((200, 1000), (2000, 0.001)):
        with pytest.raises(TimeLimit):
            world.run(sleeps, count, seconds)
        world.run(sleeps, count, seconds, within=math.inf)


@enters
def test_threads_that_pass_their_limit_fail():
    def main():
        threading.Thread(target=leaves_a_thread, daemon=True).start()
        threading.Event().wait()

    world = make_world("threads")
    with pytest.raises(TimeLimit, match="still runs at 60 s") as caught:
        world.run(main, within=60)
    assert "threading.Event().wait()" in "".join(caught.value.waiters)
    with pytest.raises(TimeLimit):
        world.run(main)
    with pytest.raises(Deadlock):
        world.run(threading.Event().wait, within=60)


# Where a run is refused


def test_a_run_inside_a_running_loop_is_refused():
    async def inner():
        await asyncio.sleep(1)

    async def outer():
        with pytest.raises(RuntimeError, match=r"running event loop of asyncio\. Call"):
            make_world("asyncio").run(inner)
        return "refused"

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no coroutine is left un-awaited
        assert asyncio.run(outer()) == "refused"
        assert make_world("asyncio").run(outer) == "refused"


def test_a_run_inside_of_trio_is_refused():
    trio = pytest.importorskip("trio")

    async def outer():
        with pytest.raises(RuntimeError, match="running event loop of trio"):
            make_world("trio").run(trio.sleep, 1)

    trio.run(outer)


def test_threads_run_inside_a_running_loop():
    async def outer():
        return make_world("threads").run(lambda: 3)

    assert asyncio.run(outer()) == 3


# Without pytest


def test_a_decorated_function_runs_in_a_world_of_its_own():
    @in_world("asyncio")
    async def sleeps(seconds, *, within=0):
        """Sleep."""
        await asyncio.sleep(seconds)
        return asyncio.get_running_loop().time(), within

    for _ in range(2):
        assert sleeps(3600, within=5) == (3600, 5)
    assert sleeps.__name__ == "sleeps"
    assert sleeps.__doc__ == "Sleep."


@in_world("threads", seed=1)
def test_a_test_may_be_decorated_and_use_fixtures(tmp_path, capsys):
    time.sleep(1e6)
    assert time.monotonic() == 1e6
    assert tmp_path.is_dir()


def test_a_decorated_function_takes_the_options_of_a_run():
    quiet = in_world("threads", leftovers="allow")(leaves_a_thread)
    assert quiet() == "done"
    with pytest.raises(StillAlive):
        in_world("threads")(leaves_a_thread)()
    with pytest.raises(TimeLimit):
        in_world("asyncio", within=2)(leaves_a_task)()


def test_a_decorator_names_an_unknown_world_at_the_call():
    decorated = in_world("tiro")(leaves_a_task)
    with pytest.raises(LookupError, match="no world 'tiro'; there are"):
        decorated()


@enters
def test_a_block_runs_in_virtual_time():
    began = time.monotonic()
    with virtual_time("threads") as world:
        thread = threading.Thread(target=time.sleep, args=(3600,))
        thread.start()
        thread.join()
        assert time.monotonic() == world.now() == 3600
    assert world.returned_at == 3600
    assert 0 <= time.monotonic() - began < 60


@enters
def test_a_block_fails_as_a_run_does():
    with pytest.raises(Deadlock), virtual_time():
        threading.Event().wait()
    with pytest.raises(StillAlive), virtual_time():
        leaves_a_thread()
    with virtual_time(leftovers="allow"):
        leaves_a_thread()
    with pytest.raises(TimeLimit), virtual_time(within=2):
        leaves_a_thread()
    with pytest.raises(ValueError, match="mine"), virtual_time():
        raise ValueError("mine")
    assert time.sleep.__module__ == "time"


def test_a_world_with_a_loop_has_no_block():
    with (
        pytest.raises(NotCovered, match=r"decorator in_world\(\"asyncio\"\)"),
        virtual_time("asyncio"),
    ):
        raise AssertionError("the block ran")


def test_the_package_imports_neither_pytest_nor_a_library():
    code = (
        "import sys; import concurrency_study as c; c.in_world, c.World, c.Deadlock\n"
        "print({'pytest', 'trio', 'asyncio', 'gevent', 'anyio'} & {*sys.modules})\n"
        "print([name for name in c.__all__ if not hasattr(c, name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n[]\n", done.stderr


# The trace


def test_the_name_of_a_recorder_is_a_kind_of_event():
    world = make_world("asyncio")
    say = world.recorder("say")

    async def main():
        await asyncio.sleep(1)
        say("hello")

    world.run(main)
    assert world.trace.when("say") == world.trace.when("call") == [(1, "say")]


def test_the_world_of_generators_refuses_a_coroutine_function():
    pytest.importorskip("generators_study")

    async def answer():
        pass

    with pytest.raises(TypeError, match="runs plain and generator functions"):
        make_world("generators").run(answer)
