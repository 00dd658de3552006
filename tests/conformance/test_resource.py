"""The contract of an answer to `resource`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from concurrency_study.topics.resource import EXAMPLE
from concurrency_study.world import CANCELLED


@pytest.fixture
def steps(world):
    """``steps(opens=2)`` returns open, use and close, which take 2 s, 1 s and 1 s.

    A step that is given an exception instead of seconds raises it after 1 s.
    """

    def make(handle="handle", opens=1, uses=1, closes=1):
        async def take(w, seconds, done):
            await w.sleep(seconds if isinstance(seconds, int) else 1)
            if isinstance(seconds, BaseException):
                raise seconds
            w.note(done)

        @world.job
        async def open_it(w):
            await take(w, opens, "opened")
            return handle

        @world.job
        async def use(w, given):
            assert given is handle
            await take(w, uses, "used")
            return "result"

        @world.job
        async def close(w, given):
            assert given is handle
            await take(w, closes, "closed")
            return "an unused result"

        return open_it, use, close

    return make


@pytest.fixture
def noted(world):
    """A function that returns when the resource was opened, used and closed."""
    return lambda: [(e.at, e.detail) for e in world.trace if e.what == "note"]


def chain(error):
    """Return the error and every error in its chain of contexts."""
    return [] if error is None else [error, *chain(error.__context__)]


def test_the_example(world, steps, noted):
    assert world.run(world.answer, *steps(EXAMPLE)) == "result"
    assert noted() == [(1, "opened"), (2, "used"), (3, "closed")]


def test_the_result_of_use_is_returned_after_close(world, steps):
    assert world.run(world.answer, *steps(opens=2, uses=3600, closes=5)) == "result"
    assert world.returned_at == 3607


def test_any_value_may_be_a_handle(world, steps, noted):
    for handle in (None, 0, ValueError("not raised")):
        assert world.run(world.answer, *steps(handle)) == "result"
        assert noted() == [(1, "opened"), (2, "used"), (3, "closed")]


def test_open_use_and_close_need_not_wait(world, steps, noted):
    assert world.run(world.answer, *steps(opens=0, uses=0, closes=0)) == "result"
    assert noted() == [(0, "opened"), (0, "used"), (0, "closed")]


def test_a_resource_that_fails_to_open_is_neither_used_nor_closed(world, steps):
    error = OSError("no")
    with world.raises(OSError) as raised:
        world.run(world.answer, *steps(opens=error))
    assert raised.errors == [error]
    assert world.returned_at == 1
    assert world.trace.when("start") == [(0, "open_it()")]


def test_the_resource_is_closed_if_use_fails(world, steps, noted):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, *steps(uses=error, closes=2))
    assert raised.errors == [error]
    assert noted() == [(1, "opened"), (4, "closed")]
    assert world.returned_at == 4


def test_the_resource_is_closed_if_use_raises_a_base_exception(world, steps, noted):
    class Enough(BaseException):
        pass

    with world.raises(Enough):
        world.run(world.answer, *steps(uses=Enough()))
    assert noted() == [(1, "opened"), (3, "closed")]


def test_an_error_of_close_reaches_the_caller(world, steps):
    error = OSError("no")
    with world.raises(OSError) as raised:
        world.run(world.answer, *steps(closes=error))
    assert raised.errors == [error]
    assert world.returned_at == 3


def test_errors_of_use_and_close_both_reach_the_caller(world, steps):
    first, second = ValueError("use"), OSError("close")
    with world.raises(OSError) as raised:
        world.run(world.answer, *steps(uses=first, closes=second))
    assert raised.errors == [second]
    assert first in chain(second)
    assert world.returned_at == 3


def test_a_resource_may_be_used_to_open_another(world, steps, noted):
    @world.job
    async def use(w, handle):
        return await w.call(world.answer, *steps(f"{handle} 2"))

    open_it, _, close = steps("1")
    assert world.run(world.answer, open_it, use, close) == "result"
    assert noted() == [
        (1, "opened"),
        (2, "opened"),
        (3, "used"),
        (4, "closed"),
        (5, "closed"),
    ]


@pytest.mark.needs("cancellation from outside")
def test_a_cancelled_open_leaves_nothing_to_close(world, steps):
    assert world.run(world.answer, *steps(opens=2), cancel_at=1.5) is CANCELLED
    assert world.returned_at == 1.5
    assert world.trace.when("cancelled") == [(1.5, "open_it()")]
    assert world.trace.when("start") == [(0, "open_it()")]


@pytest.mark.needs("cancellation from outside")
def test_a_resource_opened_despite_a_cancellation_is_closed(world, steps, noted):
    @world.job
    async def open_it(w):
        try:
            await w.sleep(2)
        except w.Cancelled:
            w.note("opened")
        return "handle"

    _, use, close = steps(uses=60, closes=2)
    world.run(world.answer, open_it, use, close, cancel_at=1.5)
    assert [what for _, what in noted() if what != "used"] == ["opened", "closed"]
    assert noted()[0] == (1.5, "opened")


def test_an_opened_resource_is_closed_whenever_a_cancellation_comes(
    world, steps, noted
):
    for half_seconds in range(8):
        ended = world.run(world.answer, *steps(), cancel_at=half_seconds / 2)
        assert ended in (CANCELLED, "result")
        happened = [what for _, what in noted()]
        assert happened.count("opened") == happened.count("closed")
        assert half_seconds < 3 or "opened" in happened


@pytest.mark.needs("cancellation from outside")
def test_after_a_cancelled_use_close_runs_to_its_end(world, steps, noted):
    ended = world.run(world.answer, *steps(uses=60, closes=3), cancel_at=1.5)
    assert ended is CANCELLED
    assert world.trace.when("cancelled") == [(1.5, "use('handle')")]
    assert noted() == [(1, "opened"), (4.5, "closed")]
    assert world.returned_at == 4.5


def test_a_cancellation_does_not_interrupt_close(world, steps, noted):
    world.run(world.answer, *steps(closes=3), cancel_at=3.5)
    assert noted() == [(1, "opened"), (2, "used"), (5, "closed")]
    assert world.returned_at == 5


@pytest.mark.needs("cancellation from outside")
def test_a_cancellation_during_close_is_not_lost(world, steps, noted):
    @world.job
    async def main(w):
        await w.call(world.answer, *steps(closes=3))
        await w.sleep(60)

    assert world.run(main, cancel_at=3.5) is CANCELLED
    assert noted()[-1] == (5, "closed")
    assert world.returned_at == 5


def test_an_error_of_use_outranks_a_cancellation_during_close(world, steps):
    error = ValueError("no")
    with world.raises(ValueError) as raised:
        world.run(world.answer, *steps(uses=error, closes=3), cancel_at=3.5)
    assert raised.errors == [error]
    assert world.returned_at == 5


@pytest.mark.needs("cancellation from outside")
def test_an_error_of_close_after_a_cancelled_use_reaches_the_caller(world, steps):
    error = OSError("no")
    with world.raises(OSError) as raised:
        world.run(world.answer, *steps(uses=60, closes=error), cancel_at=1.5)
    assert raised.errors == [error]
    assert world.returned_at == 2.5


def test_an_error_of_a_close_that_is_cancelled_reaches_the_caller(world, steps):
    error = OSError("no")
    with world.raises(OSError) as raised:
        world.run(world.answer, *steps(closes=error), cancel_at=2.5)
    assert raised.errors == [error]
    assert world.returned_at == 3


@pytest.mark.needs("cancellation from outside")
def test_a_cancellation_closes_nested_resources_inner_first(world, steps):
    @world.job
    async def use(w, handle):
        return await w.call(world.answer, *steps("inner", uses=60, closes=2))

    open_it, _, close = steps("outer", closes=3)
    assert world.run(world.answer, open_it, use, close, cancel_at=2.5) is CANCELLED
    ended = [(at, who) for at, who in world.trace.when("end") if "close" in who]
    assert ended == [(4.5, "close('inner')"), (7.5, "close('outer')")]


def test_non_callables_are_refused_before_anything_starts(world, steps):
    for name, place in [("open_it", 0), ("use", 1), ("close", 2)]:
        functions = list(steps())
        functions[place] = 3
        with world.raises(TypeError) as raised:
            world.run(world.answer, *functions)
        assert f"{name} must be callable" in str(raised.value)
        assert not world.trace.when("start")


def test_a_base_exception_of_close_reaches_the_caller(world):
    class Halt(BaseException):
        pass

    halt = Halt()

    @world.job
    async def open_it(w):
        return "it"

    @world.job
    async def use(w, handle):
        return handle

    @world.job
    async def close(w, handle):
        await w.sleep(1)
        raise halt

    with world.raises(Halt) as raised:
        world.run(world.answer, open_it, use, close)
    assert raised.value is halt
    assert world.returned_at == 1


CLOSING = """
import sys
from importlib import import_module

answer = import_module(sys.argv[1])

def close(*args):
    print("closing", flush=True)
    return answer.disconnect(*args)

answer.run(answer.resource, answer.connect, answer.talk, close)
"""


def test_ctrl_c_during_closing_reaches_the_caller(world):
    command = [sys.executable, "-u", "-W", "error", "-c", CLOSING]
    with subprocess.Popen(
        [*command, world.answer.__module__],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        while program.stdout.readline() != "closing\n":
            assert program.poll() is None
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=300)
    assert program.returncode
    assert "KeyboardInterrupt" in errors
