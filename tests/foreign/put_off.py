"""Fixtures that run inside a world rather than before it.

pytest sets fixtures up before it calls the test, and ends them afterwards. There is no
world at these times. A scheduler that a fixture shuts down would outlive the run. A
lock that a fixture makes would be a real one. An asynchronous fixture could not run. So
the value of a fixture is a `PutOff` at first. `plainly` and `asynchronously` make the
real values, call the test and end the fixtures, in one function that a world can run.

Fixtures of function scope are put off. In a world of coroutines, a plain one is put off
only if it uses an asynchronous one.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.fixtures import resolve_fixture_function

OURS = ("monkeypatch", "_xunit_setup_method_fixture", "_unittest_setup_method_fixture")
"""The beginnings of the names of pytest's own fixtures that are put off as well."""


@dataclass(eq=False)
class PutOff:
    """The value of a fixture that has not run yet."""

    function: Callable[..., Any]
    args: dict[str, Any]


def put_off(
    fixture: pytest.FixtureDef[Any], request: pytest.FixtureRequest, plain: bool
) -> PutOff | None:
    """Return the fixture's value for now, or None if pytest may set it up itself."""
    function: Callable[..., Any] = fixture.func
    if fixture.scope != "function":
        return None
    own = getattr(function, "__module__", "").startswith("_pytest.")
    if own and not fixture.argname.startswith(OURS):
        return None
    args = {name: request.getfixturevalue(name) for name in fixture.argnames}
    if not (plain or is_async(function) or any_put_off(args)):
        return None
    return PutOff(resolve_fixture_function(fixture, request), args)


def is_async(function: Callable[..., Any]) -> bool:
    """Return True for coroutine functions and asynchronous generator functions."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def any_put_off(args: dict[str, Any]) -> bool:
    return any(isinstance(value, PutOff) for value in args.values())


def plainly(
    test: Callable[..., Any], names: tuple[str, ...], args: dict[str, Any]
) -> Any:
    """Run the fixtures, call the test with those it names, and end the fixtures."""
    known: dict[Any, Any] = {}

    def value(given: Any) -> Any:
        if not isinstance(given, PutOff):
            return given
        if given not in known:
            inner = {name: value(each) for name, each in given.args.items()}
            if inspect.isgeneratorfunction(given.function):
                manager = contextlib.contextmanager(given.function)(**inner)
                known[given] = stack.enter_context(manager)
            else:
                known[given] = given.function(**inner)
        return known[given]

    with contextlib.ExitStack() as stack:
        values = {name: value(each) for name, each in args.items()}
        return test(**{name: values[name] for name in names})


async def asynchronously(
    test: Callable[..., Any], names: tuple[str, ...], args: dict[str, Any]
) -> Any:
    """Do the same with fixtures and a test that may be asynchronous."""
    known: dict[Any, Any] = {}

    async def value(given: Any) -> Any:
        if not isinstance(given, PutOff):
            return given
        if given not in known:
            inner = {name: await value(each) for name, each in given.args.items()}
            if inspect.isasyncgenfunction(given.function):
                manager = contextlib.asynccontextmanager(given.function)(**inner)
                known[given] = await stack.enter_async_context(manager)
            elif inspect.isgeneratorfunction(given.function):
                plain = contextlib.contextmanager(given.function)(**inner)
                known[given] = stack.enter_context(plain)
            else:
                made = given.function(**inner)
                known[given] = await made if inspect.iscoroutine(made) else made
        return known[given]

    async with contextlib.AsyncExitStack() as stack:
        values = {name: await value(each) for name, each in args.items()}
        result = test(**{name: values[name] for name in names})
        return await result if inspect.isawaitable(result) else result
