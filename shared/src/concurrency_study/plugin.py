"""The pytest plugin: the fixtures `world`, `make_world`, `trace` and `racer`.

The fixture ``world`` runs code in virtual time. A test has to choose a world: by
``pytest --world gevent``, by ``world = gevent`` in pytest's configuration, or by
``@pytest.mark.world("gevent")``. A test that is an ``async def`` runs in its world as a
whole: see `concurrency_study.inside`. The suite of this repository's studies is a
plugin of its own: `concurrency_study.suite`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

import pytest

from . import inside, repeated
from .available import installed_worlds, make_world
from .trace import Trace
from .world import World
from .world.base import check_options

if TYPE_CHECKING:
    from .referees.racer import Racer
    from .study import Answer

_Scope: TypeAlias = Literal["function", "class", "module", "package", "session"]


class Chosen(NamedTuple):
    """The choice of one test case: a world, and an answer if a study is tested."""

    world: str
    answer: Answer | None = None
    problem: str = ""
    """The reason for which the case fails, if the world cannot be made."""


class Hooks:
    """The hooks by which another plugin decides on worlds and answers."""

    @pytest.hookspec(firstresult=True)
    def pytest_default_worlds(self, config: pytest.Config) -> Sequence[str] | None:
        """Return the worlds of tests for which the user has chosen none."""

    @pytest.hookspec(firstresult=True)
    def pytest_world_cases(
        self, metafunc: pytest.Metafunc, world: str
    ) -> Sequence[Any] | None:
        """Return the cases of a test in a world: `pytest.param` objects of `Chosen`."""


@pytest.hookimpl
def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Announce the hooks of `Hooks`."""
    pluginmanager.add_hookspecs(Hooks)


@pytest.hookimpl
def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --world, and the settings ``world``, ``leftovers`` and ``within``."""
    group = parser.getgroup("concurrency-study")
    group.addoption(
        "--world",
        action="append",
        metavar="NAME",
        default=[],
        help="run tests with the fixture `world` in this world (may be repeated)",
    )
    repeated.add_options(parser)
    parser.addini("world", "worlds for tests with the fixture `world`", type="args")
    parser.addini(
        "leftovers",
        "`allow` ends quietly what outlives a call of world.run; `refuse` fails it",
        default="refuse",
    )
    parser.addini("within", "limit of world.run, in seconds of virtual time")


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    """Describe the marks, and check the settings."""
    for line in (
        "world(*names): the worlds that this test runs in",
        'leftovers("allow"): what outlives a call of world.run is ended quietly',
        "within(seconds): limit of world.run in this test, in seconds of virtual time",
        "schedules(N, slack=1, seed=0, seconds=None): call this test under up to N "
        "schedules, and begin no further one after that processor time; 0: in the "
        "usual order only",
    ):
        config.addinivalue_line("markers", line)
    try:
        check_options(*_settings(config))
    except ValueError as error:
        raise pytest.UsageError(f"in pytest's configuration, {error}") from error


def _settings(config: pytest.Config) -> tuple[str, float | None]:
    """Return the settings ``leftovers`` and ``within``."""
    leftovers: str = config.getini("leftovers").strip()
    text: str = (config.getini("within") or "").strip()
    try:
        return leftovers, float(text) if text else None
    except ValueError as error:
        raise ValueError(f"within is a number of seconds, not {text!r}") from error


# Which test runs in which worlds


@pytest.hookimpl
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of the test for each of its worlds."""
    if not _uses_ours(metafunc):
        return
    definition = metafunc.definition
    params: list[Any] = []
    names = worlds_of(definition)
    for name in [*names, *(n for n in _worlds_of_cases(definition) if n not in names)]:
        if problem := _problem(name):
            params.append(pytest.param(Chosen(name, problem=problem), id=name))
            continue
        cases: Sequence[Any] | None = metafunc.config.hook.pytest_world_cases(
            metafunc=metafunc, world=name
        )
        if cases is None:
            cases = [pytest.param(Chosen(name), id=name)]
        params += cases
    if not names:
        params.append(pytest.param(Chosen("", problem=_which()), id="no-world"))
    scope = _widen(metafunc)
    metafunc.parametrize("world", params, indirect=True, scope=scope)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out each case whose own mark ``world`` names other worlds."""
    items[:] = [item for item in items if _is_chosen(item)]


def worlds_of(node: pytest.Item) -> list[str]:
    """Return the names of the worlds that a test asks for; it may ask for none."""
    marker = node.get_closest_marker("world")
    if marker is not None:
        return list(marker.args)
    return _default_worlds(node.config)


def _default_worlds(config: pytest.Config) -> list[str]:
    return (
        config.getoption("--world")
        or config.getini("world")
        or list(config.hook.pytest_default_worlds(config=config) or ())
    )


def _worlds_of_cases(definition: pytest.Item) -> list[str]:
    """Return the worlds that single cases name: ``pytest.param(..., marks=...)``.

    All cases of a test get all of these worlds. `_is_chosen` then leaves out the
    surplus, because only an item knows the marks of its case.
    """
    found: list[str] = []
    for parametrized in definition.iter_markers("parametrize"):
        values: Any = parametrized.args[1] if len(parametrized.args) > 1 else ()
        values = parametrized.kwargs.get("argvalues", values)
        if not isinstance(values, list | tuple):  # reading an iterator would empty it
            continue
        for value in cast("Sequence[Any]", values):
            for mark in getattr(value, "marks", ()):
                if getattr(mark, "name", "") == "world":
                    found += mark.args
    return list(dict.fromkeys(found))


def _is_chosen(item: Any) -> bool:
    callspec: Any = getattr(item, "callspec", None)
    chosen: object = callspec.params.get("world") if callspec else None
    if not isinstance(chosen, Chosen):
        return True
    own = [mark.args for mark in callspec.marks if mark.name == "world"]
    names = own[-1] if own else worlds_of(item) or ("",)
    return chosen.world in names


@cache
def _problem(world: str) -> str:
    """Return why the world cannot be made, or an empty text."""
    try:
        make_world(world)
    except LookupError as error:
        return str(error)
    except Exception as error:
        return f"the world {world!r} cannot be made: {type(error).__name__}: {error}"
    return ""


def _which() -> str:
    known = ", ".join(sorted(installed_worlds()))
    return (
        "this test uses the fixture `world`, but which one? Pass --world NAME, set "
        "`world` in pytest's configuration, or mark the test: "
        f'@pytest.mark.world("NAME"); known: {known}'
    )


def _fixtures(metafunc: pytest.Metafunc) -> dict[str, Sequence[Any]]:
    """Return the fixtures that a test uses, by name; the last of a name counts."""
    made: Any = metafunc.definition
    return made._fixtureinfo.name2fixturedefs


def _uses_ours(metafunc: pytest.Metafunc) -> bool:
    """Return whether the test's fixture `world` is the one of this plugin."""
    return any(_is_ours(f) for f in _fixtures(metafunc).get("world", ())[-1:])


def _is_ours(fixture: Any) -> bool:
    return fixture.func.__module__ == __name__


# Scopes. A fixture has one scope, and `world` is made for each test. But a fixture of a
# module or of the session may use it. pytest takes the definition of a fixture from a
# table of the test. There the definition of `world` is replaced by one of the scope
# that is needed. It has a cache of its own, so other tests still get a fresh world.


def _widen(metafunc: pytest.Metafunc) -> _Scope:
    """Give `world` the scope of the widest fixture that uses it, and return that."""
    known = _fixtures(metafunc)
    scopes = [f[-1].scope for n, f in known.items() if _needs(n, "world", known)]
    scope: _Scope = max(scopes, key=_SCOPES.index, default="function")
    if scope != "function":
        node: Any = metafunc.definition
        for name in ("world", "trace"):
            if any(_is_ours(fixture) for fixture in known.get(name, ())[-1:]):
                wide: Any = node.session._fixturemanager.getfixturedefs(
                    f"_{name}_of_{scope}", node
                )
                known[name] = wide
    return scope


def _needs(name: str, other: str, known: Mapping[str, Sequence[Any]]) -> bool:
    """Return whether a fixture uses another one, directly or through others.

    The fixtures of this plugin do not count: they take any scope that is needed.
    """
    pending, seen = [name], {name}
    if _is_ours(known[name][-1]):
        return False
    while pending:
        for used in known[pending.pop()][-1].argnames:
            if used == other:
                return True
            if used in known and used not in seen:
                seen.add(used)
                pending.append(used)
    return False


_SCOPES: list[_Scope] = ["function", "class", "module", "package", "session"]


def _world(request: pytest.FixtureRequest) -> World:
    """Return a fresh world: see `concurrency_study.world.World`."""
    chosen: Chosen = request.param
    if chosen.problem:
        pytest.fail(chosen.problem, pytrace=False)
    answer = chosen.answer
    made = make_world(chosen.world, None if answer is None else answer.function)
    made.leftovers, made.within = _settings(request.config)
    node: pytest.Item = request.node
    for name in ("leftovers", "within"):
        marker = node.get_closest_marker(name)
        if marker is not None:
            setattr(made, name, *marker.args)
    check_options(made.leftovers, made.within)
    return made


def _trace(world: World) -> Trace:
    """Return the record of the world: what each actor did, and when."""
    return world.trace


world = pytest.fixture(_world, name="world")
_world_of_class = pytest.fixture(_world, scope="class", name="_world_of_class")
_world_of_module = pytest.fixture(_world, scope="module", name="_world_of_module")
_world_of_package = pytest.fixture(_world, scope="package", name="_world_of_package")
_world_of_session = pytest.fixture(_world, scope="session", name="_world_of_session")

trace = pytest.fixture(_trace, name="trace")
_trace_of_class = pytest.fixture(_trace, scope="class", name="_trace_of_class")
_trace_of_module = pytest.fixture(_trace, scope="module", name="_trace_of_module")
_trace_of_package = pytest.fixture(_trace, scope="package", name="_trace_of_package")
_trace_of_session = pytest.fixture(_trace, scope="session", name="_trace_of_session")


@pytest.fixture(scope="session", name="make_world")
def _make_world(request: pytest.FixtureRequest) -> Callable[..., World]:
    """Return a function that makes a world: ``make_world("trio")``.

    Fixtures of any scope may use it. Without a name, the world is the first of
    ``--world`` or of the setting ``world``. The marks of a test do not count, because
    the function may serve several tests.
    """

    def make(name: str | None = None, **options: Any) -> World:
        names = [name] if name else _default_worlds(request.config)
        if not names:
            pytest.fail(_which(), pytrace=False)
        try:
            made = make_world(names[0], **options)
        except LookupError as error:
            pytest.fail(str(error), pytrace=False)
        made.leftovers, made.within = _settings(request.config)
        return made

    return make


# Running a test


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> object | None:
    """Put an async fixture off until the run of the test, if that is an async test."""
    return inside.put_off(fixturedef, request)


@pytest.hookimpl(tryfirst=True, specname="pytest_pyfunc_call")
def pytest_pyfunc_call_inside(pyfuncitem: pytest.Function) -> object | None:
    """Run an async test in its world, and any test under schedules if that is asked."""
    __tracebackhide__ = True
    if repeated.run(pyfuncitem):
        return True
    if not inside.belongs_inside(pyfuncitem):
        return None
    inside.run(pyfuncitem)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that has caught the error of a run, and with it what was alive."""
    __tracebackhide__ = True
    outcome = yield
    used = getattr(pyfuncitem, "funcargs", {}).get("world")
    if isinstance(used, World) and used.overlooked is not None:
        left, used.overlooked = used.overlooked, None
        raise left
    return outcome


@pytest.hookimpl
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell how many schedules were explored."""
    passed = terminalreporter.stats.get("passed", ())
    lines = repeated.summary(passed, verbose=config.get_verbosity() > 0)
    if lines:
        terminalreporter.section("schedules")
        for line in lines:
            terminalreporter.line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Put back what the undo of a mock, made in a run, has put into a module."""
    try:
        return (yield)
    finally:
        if patches := sys.modules.get(f"{__package__}.worlds.threads.patches"):
            patches.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the trace of a test that failed."""
    report = yield
    used = getattr(item, "funcargs", {}).get("world")
    if report.when == "call" and report.failed and isinstance(used, World):
        told = repeated.stories(item) or {"virtual time, actor, event": str(used.trace)}
        for title, text in told.items():
            if text:
                section = "\n".join(text.splitlines()[-60:])
                report.sections.append((title, section))
    return report


@pytest.fixture(scope="session")
def _racer_process() -> Iterator[Racer]:
    # Imported here and not before: it imports ssl, which gevent must patch first.
    from .referees.racer import running

    with running() as racer:
        yield racer


@pytest.fixture
def racer(_racer_process: Racer) -> Racer:
    """The referee of the obstacle course, on real sockets, with all counts at 0.

    It runs in a process of its own: see `concurrency_study.referees.racer`.
    """
    _racer_process.reset()
    return _racer_process
