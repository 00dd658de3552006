"""Virtual time without a fixture: a decorator for functions, and a ``with`` block."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator
from typing import Any, ParamSpec

from .available import make_world
from .world import World

P = ParamSpec("P")


def in_world(
    name: str,
    *,
    leftovers: str | None = None,
    within: float | None = None,
    **options: Any,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Run each call of a function in a fresh world, and return its value.

    ::

        @in_world("trio")
        async def test_a_deadline_is_exact():
            with trio.move_on_after(3600):
                await trio.sleep_forever()
            assert trio.current_time() == 3600

    The function is an ``async def`` in the worlds of asyncio, trio and AnyIO, and a
    plain function in those of threads and gevent. The decorated function is a plain one
    with the same parameters, so a test may use fixtures. The world is made at the call.

    Args:
        name: The world: ``"asyncio"``, ``"trio"``, ``"threads"`` and so on.
        leftovers: See `World.run`.
        within: See `World.run`.
        options: Further arguments of the world, such as the ``seed`` of threads.

    Raises:
        LookupError: At the call: the world is unknown, or its library is missing.
    """

    def decorate(function: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Any:
            __tracebackhide__ = True
            # The keywords are bound here, for the run has options of the same names.
            bound = functools.partial(function, *args, **kwargs)
            call = functools.update_wrapper(bound, function)
            world = make_world(name, **options)
            return world.run(call, leftovers=leftovers, within=within)

        return run

    return decorate


@contextlib.contextmanager
def virtual_time(
    name: str = "threads",
    *,
    leftovers: str | None = None,
    within: float | None = None,
    **options: Any,
) -> Generator[World]:
    """Run a ``with`` block in virtual time, in the calling thread.

    ::

        with virtual_time("threads") as world:
            threading.Thread(target=work).start()
            time.sleep(3600)
        assert world.returned_at == 3600

    The arguments are those of `in_world`. A world with an event loop runs functions
    only, because its loop has to run around the block: use `in_world` there.

    Raises:
        NotCovered: This world runs functions only.
        LookupError: The world is unknown, or its library is missing.
    """
    __tracebackhide__ = True
    with make_world(name, **options).block(leftovers=leftovers, within=within) as world:
        yield world
