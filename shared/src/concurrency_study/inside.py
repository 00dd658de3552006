"""Async tests and async fixtures, which run inside of a world.

``async def test(world)`` runs as ``world.run(test)``, with its fixtures. An async
fixture that the test uses runs in the same run: its set-up before the test, its
teardown after it. pytest sets fixtures up before it calls the test, when there is no
run yet. So the set-up is put off: the fixture's value is a `Later` until the test is
called. A plain fixture that uses the value of an async one is put off as well.

Tests with a mark of another plugin (``asyncio``, ``trio``, ``anyio``) are left to that
plugin. A fixture of ``pytest_asyncio.fixture`` runs in the loop of that plugin, which
is not the loop of the test: write ``pytest.fixture`` instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .world import World

FOREIGN = ("asyncio", "trio", "anyio")
"""The marks of async tests that another plugin runs."""


class Later:
    """The value of a fixture that is set up inside of the run."""

    def __init__(
        self, name: str, function: Callable[..., Any], uses: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.value: Any = None
        self._function = function
        self._uses = uses
        self._made: Any = None
        """The generator of a fixture that yields its value."""

    async def set_up(self) -> None:
        """Call the fixture, up to its yield if it has one."""
        made = self._function(**_values(self._uses))
        if inspect.isasyncgen(made):
            self._made = made
            self.value = await anext(made)
        elif inspect.isgenerator(made):
            self._made = made
            self.value = next(made)
        elif inspect.iscoroutine(made):
            self.value = await made
        else:
            self.value = made

    async def tear_down(self) -> None:
        """Run the fixture from its yield to its end."""
        end = object()
        if inspect.isasyncgen(self._made):
            if await anext(self._made, end) is end:
                return
            await self._made.aclose()
        elif self._made is None or next(self._made, end) is end:
            return
        raise RuntimeError(f"the fixture {self.name!r} yields more than once")


_PUT_OFF = pytest.StashKey[list[Later]]()


def belongs_inside(item: Any) -> bool:
    """Return whether a test is async, uses our world, and has no foreign mark."""
    if not inspect.iscoroutinefunction(getattr(item, "obj", None)):
        return False
    if any(item.get_closest_marker(name) for name in FOREIGN):
        return False
    known: Any = item._fixtureinfo.name2fixturedefs
    plugin = f"{__package__}.plugin"
    return any(f.func.__module__ == plugin for f in known.get("world", ())[-1:])


def put_off(fixturedef: Any, request: Any) -> Later | None:
    """Return a `Later` if a fixture is async, or uses one that is; else None."""
    item: Any = request._pyfuncitem
    if not belongs_inside(item):
        return None
    function = _bound(fixturedef.func, request.instance)
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(
        function
    )
    if is_async and request.scope != "function":
        pytest.fail(
            f"the async fixture {fixturedef.argname!r} has the scope {request.scope}, "
            "but it runs inside the run of a single test. Give it the scope function. "
            "Or make it a plain function that calls make_world().run(...)",
            pytrace=False,
        )
    uses = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
    if not is_async and not any(isinstance(value, Later) for value in uses.values()):
        return None
    later = Later(fixturedef.argname, function, uses)
    item.stash.setdefault(_PUT_OFF, []).append(later)
    fixturedef.cached_result = (later, fixturedef.cache_key(request), None)
    return later


def run(item: Any) -> None:
    """Run an async test in its world, with the fixtures that were put off."""
    __tracebackhide__ = True
    world: World = item.funcargs["world"]
    if world.colour != "async":
        pytest.fail(
            f"{item.name} is an async test, but the world {world.name!r} runs "
            f"{'plain' if world.colour == 'plain' else 'generator'} functions: write "
            "a plain test that calls world.run(function)",
            pytrace=False,
        )
    laters = item.stash.get(_PUT_OFF, [])
    uses = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}

    async def test() -> None:
        __tracebackhide__ = True
        begun: list[Later] = []
        errors: list[BaseException] = []
        try:
            for later in laters:
                await later.set_up()
                begun.append(later)
            await item.obj(**_values(uses))
        except BaseException as error:
            errors.append(error)
        for later in reversed(begun):
            try:
                await later.tear_down()
            except BaseException as error:
                errors.append(error)
        _raise(errors, world.Cancelled)

    test.__name__ = test.__qualname__ = item.originalname
    world.run(test)


def _raise(errors: list[BaseException], cancelled: type[BaseException]) -> None:
    """Raise the error of a test and of its teardown, if there is one.

    A task group of a fixture cancels the test if one of its tasks fails, and raises the
    error of that task in the teardown. The cancellation is then not worth a word.
    """
    __tracebackhide__ = True
    causes = [error for error in errors if not isinstance(error, cancelled)]
    match causes or errors[:1]:
        case []:
            return
        case [error]:
            raise error
        case several:
            raise BaseExceptionGroup(
                "the test or the teardown of its fixtures failed", several
            )


def _values(uses: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, Later) else value
        for name, value in uses.items()
    }


def _bound(function: Any, instance: object) -> Any:
    """Return a fixture that is a method bound to the test's own instance."""
    if instance is None:
        return function
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(instance, type(owner)):
        return function
    plain = getattr(function, "__func__", function)
    return plain.__get__(instance) if plain is not function else function
