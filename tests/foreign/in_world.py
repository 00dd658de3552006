"""A pytest plugin that runs each test of another package inside a world.

It is loaded by name, from the folder of this file, because the suites of other packages
have packages of their own that are called ``tests``.

A world of plain functions (threads, gevent) calls the whole test, with its fixtures
and its ``setUp``. A world of coroutines runs the tests that are coroutine functions. It
also runs what a plain test gives to ``asyncio.run``. Any other plain test is called
outside of a world. The table counts these tests as ``outside``.
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import functools
import inspect
import json
import random
import time
import unittest
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from concurrency_study.available import make_world
from concurrency_study.world import LostError, StillAlive, World
from put_off import any_put_off, asynchronously, plainly, put_off

FAILS = "fails"
"""Declared of a test that has to fail: it runs as a strict xfail."""

UNTIDY = "untidy"
"""Declared of a test that passes and leaves something running, or loses an error.

The world refuses its run, and must do so."""

NOT_RUN = "not-run"
"""Declared of a test that cannot be run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--in-world", metavar="NAME", help="the world of these tests")
    parser.addoption("--declared", metavar="FILE", help="what is left out (JSON)")
    parser.addoption("--found", metavar="FILE", help="what happened (JSON lines)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{UNTIDY}: see packages.toml")
    config.addinivalue_line("markers", f"{NOT_RUN}: see packages.toml")
    for marker in ("anyio", "asyncio", "slow", "timeout", "trio"):
        config.addinivalue_line("markers", f"{marker}: a marker of another plugin")
    if config.getoption("--in-world"):
        config.pluginmanager.register(Foreign(config), "foreign")


class Foreign:
    """The hooks, and what they find out."""

    def __init__(self, config: pytest.Config) -> None:
        self.name: str = config.getoption("--in-world")
        self.plain = make_world(self.name).colour == "plain"
        declared = Path(config.getoption("--declared")).read_text("utf-8")
        self.declared: dict[str, dict[str, str]] = json.loads(declared)
        self.found = Path(config.getoption("--found"))
        self.runs = 0
        """The number of runs of worlds in the present test."""
        self.virtual = 0.0
        """The virtual seconds that they took."""
        self.untidy = False
        """True if the present test is declared so."""
        self.refused = 0
        """The number of its runs that the world has refused."""

    def note(self, **record: Any) -> None:
        """Write it at once: a test that hangs is the last one that began."""
        with self.found.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Apply the declarations, and note those that match no test."""
        unused = {name for names in self.declared.values() for name in names}
        chosen: list[pytest.Item] = []
        not_run: list[pytest.Item] = []
        for item in items:
            for how, names in self.declared.items():
                for name in names:
                    if is_named(item, name):
                        unused.discard(name)
                        self._declare(item, how, names[name])
            skipped = item.get_closest_marker(NOT_RUN)
            (not_run if skipped else chosen).append(item)
            if issubclass(getattr(item, "cls", None) or object, unittest.TestCase):
                item.runtest = functools.partial(self._run_case, item)  # type: ignore
        items[:] = chosen
        config.hook.pytest_deselected(items=not_run)
        self.note(not_run=len(not_run), unused=sorted(unused))

    def _declare(self, item: pytest.Item, how: str, reason: str) -> None:
        if how == FAILS:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        else:
            item.add_marker(getattr(pytest.mark, how))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note the beginning and the end of a test."""
        self.runs, self.virtual, self.untidy = 0, 0.0, False
        self.note(begins=item.nodeid)
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - began
            self.note(
                ends=item.nodeid,
                seconds=seconds,
                virtual=self.virtual,
                runs=self.runs,
                untidy=self.untidy,
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome = FAILS if hasattr(report, "wasxfail") else report.outcome
            self.note(test=report.nodeid, outcome=outcome)

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Any:
        """Put off a fixture until the world runs."""
        value = put_off(fixturedef, request, self.plain)
        if value is not None:
            fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        """Call a test function in the world."""
        names = pyfuncitem._fixtureinfo.argnames
        self._perform(pyfuncitem, pyfuncitem.obj, names)
        return True

    def _run_case(self, item: Any) -> None:
        """Run a test of a `unittest.TestCase` in the world.

        An error is raised rather than reported to a `unittest.TestResult`, so that the
        world sees it.
        """
        case: Any = item.instance
        method = getattr(case, item.originalname)
        asynchronous = isinstance(case, unittest.IsolatedAsyncioTestCase)
        whole = whole_async if asynchronous else whole_case
        self._perform(item, whole(case, method), ())

    def _perform(self, item: Any, test: Callable[..., Any], names: Any) -> None:
        """Run a test with its fixtures, in the world if it is of the world's kind."""
        __tracebackhide__ = True
        args: dict[str, Any] = item.funcargs
        world = make_world(self.name)
        random.seed(item.name)  # so that trio's order is the same in every session
        self.untidy = item.get_closest_marker(UNTIDY) is not None
        self.refused = 0
        if self.plain:
            self._run(world, functools.partial(plainly, test, names, args))
        elif inspect.iscoroutinefunction(test) or any_put_off(args):
            self._run(world, functools.partial(asynchronously, test, names, args))
        else:
            with self._replaced(world):
                plainly(test, names, args)
        if self.untidy and not self.refused:
            pytest.fail("it is declared to be untidy, and it was not")

    def _run(self, world: World, function: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        values: list[Any] = []

        async def call_async() -> None:
            values.append(await function())

        def call() -> None:
            values.append(function())

        self.runs += 1
        try:
            world.run(call if self.plain else call_async)
        except (StillAlive, LostError):
            if not (self.untidy and values):
                raise
            self.refused += 1
        finally:
            self.virtual += max(world.returned_at, 0.0)
        return values[0]

    @contextlib.contextmanager
    def _replaced(self, world: World) -> Generator[None]:
        """Have ``asyncio.run`` run its coroutine in the world."""
        real = asyncio.run

        async def awaited(main: Any) -> Any:
            return await main

        def run(main: Any, **options: Any) -> Any:
            return self._run(world, functools.partial(awaited, main))

        asyncio.run = run
        try:
            yield
        finally:
            asyncio.run = real


def whole_case(case: Any, method: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that does what `unittest.TestCase` does around a test."""

    def test() -> None:
        try:
            case.setUp()
            try:
                method()
            finally:
                case.tearDown()
        finally:
            while case._cleanups:
                function, args, kwargs = case._cleanups.pop()
                function(*args, **kwargs)

    return test


def whole_async(case: Any, method: Callable[[], Any]) -> Callable[[], Any]:
    """Return a coroutine function that does what `IsolatedAsyncioTestCase` does."""

    async def finished(result: Any) -> None:
        if inspect.isawaitable(result):
            await result

    async def test() -> None:
        try:
            case.setUp()
            await case.asyncSetUp()
            try:
                await finished(method())
            finally:
                await case.asyncTearDown()
                case.tearDown()
        finally:
            while case._cleanups:
                function, args, kwargs = case._cleanups.pop()
                await finished(function(*args, **kwargs))

    return test


def is_named(item: pytest.Item, name: str) -> bool:
    """Return True if a declaration means this test.

    A declaration is the end of the path to a test, a class or a file, in full words:
    ``test_x``, ``test_x[1]``, ``TestY::test_x``, ``TestY``, ``test_module.py``. A ``*``
    matches any characters.
    """
    path = item.nodeid.replace("/", "::")
    bare = path.split("[")[0]
    parts = bare.split("::")
    ancestors = ["::".join(parts[:count]) for count in range(1, len(parts) + 1)]
    if "*" in name:
        return any(fnmatch.fnmatchcase(f"::{a}", f"*::{name}") for a in ancestors)
    return any(f"::{each}".endswith(f"::{name}") for each in (path, *ancestors))


@pytest.fixture
def autojump_clock() -> Any:
    """The clock of trio's own tests, for ``trio.run`` outside of a world."""
    from trio.testing import MockClock

    return MockClock(autojump_threshold=0)


@pytest.fixture
async def nursery() -> AsyncGenerator[Any]:
    """A nursery around the test, which is cancelled afterwards."""
    import trio

    async with trio.open_nursery() as opened:
        yield opened
        opened.cancel_scope.cancel()


@pytest.fixture(scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The library beneath anyio, for tests that ask anyio's own plugin for it."""
    return request.config.getoption("--in-world").removeprefix("anyio-on-")
