"""The pytest plugin in the test suite of another project.

Each test runs a pytest of its own, on a small project, with no option of this
repository.
"""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

pytest_plugins = ["pytester"]
OPTIONS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-W", "error")
OTHERS = ("asyncio", "trio", "hypothesispytest", "xdist", "anyio")
"""Plugins of others, which are not to disturb, nor to warn."""
LIBRARIES = {"anyio-on-asyncio": "anyio", "anyio-on-trio": "anyio", "trio": "trio"}


@pytest.fixture
def project(pytester):
    """A project: its tests are run by ``project.run(source, *arguments)``."""
    return Project(pytester)


class Project:
    def __init__(self, pytester) -> None:
        self._pytester = pytester

    def configure(self, *lines: str) -> None:
        self._pytester.makeini("\n".join(["[pytest]", *lines]))

    def run(self, source, *arguments, plugins=()):
        self._pytester.makepyfile(source)
        without = [f"-pno:{name}" for name in OTHERS if name not in plugins]
        return self._pytester.runpytest_inprocess(*OPTIONS, *without, *arguments)


@pytest.fixture(
    params=["asyncio", "asyncio-eager", "trio", "anyio-on-asyncio", "anyio-on-trio"]
)
def loop_name(request):
    """The name of each world that runs async tests, if its library is installed."""
    for library in filter(None, [LIBRARIES.get(request.param)]):
        pytest.importorskip(library)
    if request.param == "asyncio-eager" and sys.version_info < (3, 12):
        pytest.skip("needs Python 3.12")
    if request.param == "anyio-on-trio":
        pytest.importorskip("trio")
    return request.param


SLEEP = """
import pytest

async def sleep(world, seconds):
    if "asyncio" in world.name:
        import asyncio
        await asyncio.sleep(seconds)
    else:
        import trio
        await trio.sleep(seconds)
"""


# Async tests and fixtures


def test_an_async_test_runs_inside_its_world(project, loop_name):
    done = project.run(
        SLEEP
        + """
@pytest.mark.parametrize("seconds", [1, 3600])
async def test_it(world, seconds, tmp_path):
    await sleep(world, seconds)
    assert world.now() == seconds
    assert tmp_path.is_dir()

class TestIt:
    async def test_it(self, world):
        assert isinstance(self, TestIt)
        await sleep(world, 1)
""",
        f"--world={loop_name}",
    )
    done.assert_outcomes(passed=3)


def test_an_async_fixture_runs_in_the_run_of_its_test(project, loop_name):
    done = project.run(
        SLEEP
        + """
seen = []

@pytest.fixture
async def number(world):
    await sleep(world, 1)
    return 3

@pytest.fixture
async def opened(world, number):
    seen.append(("open", world.now()))
    yield number + 1
    await sleep(world, 10)
    seen.append(("close", world.now()))

@pytest.fixture
def plain(opened):
    seen.append(("plain", opened))
    yield [opened]
    seen.append("end of plain")

class TestIt:
    @pytest.fixture
    async def method(self, number):
        assert isinstance(self, TestIt)
        return number * 10

    async def test_it(self, world, plain, number, method):
        assert (plain, number, method) == ([4], 3, 30)
        await sleep(world, 2)
        seen.append(("test", world.now()))

def test_afterwards():
    assert seen == [
        ("open", 1), ("plain", 4), ("test", 3), "end of plain", ("close", 13)
    ]
""",
        f"--world={loop_name}",
    )
    done.assert_outcomes(passed=2)


def test_a_task_group_of_a_fixture_stays_open_during_the_test(project):
    pytest.importorskip("trio")
    done = project.run(
        """
import pytest, trio
pytestmark = pytest.mark.world("trio")

@pytest.fixture
async def nursery(world):
    async with trio.open_nursery() as nursery:
        yield nursery
        nursery.cancel_scope.cancel()

async def test_it_is_cancelled_after_the_test(world, nursery):
    nursery.start_soon(trio.sleep_forever)
    await trio.sleep(1)

async def fails():
    await trio.sleep(1)
    raise ValueError("in the nursery")

async def test_its_error_is_that_of_the_test(world, nursery):
    nursery.start_soon(fails)
    await trio.sleep(60)
""",
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*ValueError: in the nursery*"])
    assert "Cancelled" not in done.stdout.str()


def test_an_async_test_fails_as_a_run_does(project):
    done = project.run(
        """
import asyncio, pytest
pytestmark = pytest.mark.world("asyncio")

async def test_deadlock(world):
    await asyncio.Event().wait()

async def test_leftover(world):
    world.task = asyncio.create_task(asyncio.sleep(60), name="stray")
    await asyncio.sleep(1)

async def test_assertion(world):
    assert 1 + 1 == 3

async def test_skipped(world):
    pytest.skip("no reason")

@pytest.fixture
async def bad(world):
    yield 1
    raise ValueError("in the teardown")

async def test_teardown(world, bad):
    await asyncio.sleep(1)

async def test_both(world, bad):
    raise KeyError("in the test")

@pytest.fixture
async def twice():
    yield 1
    yield 2

async def test_yields_twice(world, twice): pass
""",
    )
    done.assert_outcomes(failed=6, skipped=1)
    for line in (
        "*Deadlock: nothing can ever run again*",
        "*task stray was alive*",
        "*assert (1 + 1) == 3*",
        "*ValueError: in the teardown*",
        "*KeyError: 'in the test'*",
        "*RuntimeError: the fixture 'twice' yields more than once*",
    ):
        done.stdout.fnmatch_lines_random([line])


def test_an_async_test_in_a_world_of_plain_functions_fails(project):
    source = "async def test_it(world): pass"
    done = project.run(source, "--world", "threads")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*test_it* is an async test, but the world 'threads'*"])


def test_an_async_fixture_of_a_module_is_refused(project):
    done = project.run(
        """
import pytest

@pytest.fixture(scope="module")
async def wide(): pass

async def test_it(world, wide): pass
""",
        "--world=asyncio",
    )
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["the async fixture 'wide' has the scope module*"])


def test_an_async_test_without_our_world_is_left_alone(project):
    done = project.run("async def test_it(): pass")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_the_mark_of_a_plugin_that_is_missing_is_not_ours(project):
    project.configure("markers = anyio: of another plugin")
    done = project.run(
        "import pytest\n@pytest.mark.anyio\nasync def test_it(world): pass",
        "--world=asyncio",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_a_test_of_another_plugin_is_left_alone(project):
    pytest.importorskip("anyio")
    done = project.run(
        """
import asyncio, pytest, time

@pytest.fixture
def anyio_backend(): return "asyncio"

@pytest.fixture
async def real(anyio_backend):
    await asyncio.sleep(0)
    yield asyncio.get_running_loop()

@pytest.mark.anyio
async def test_it(world, real):
    assert asyncio.get_running_loop() is real
    with pytest.raises(RuntimeError, match="running event loop of asyncio"):
        world.run(asyncio.sleep, 1)
""",
        "--world=asyncio",
        plugins=["anyio"],
    )
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_pytest_asyncio_and_pytest_trio_are_left_alone(project, name):
    pytest.importorskip(f"pytest_{name}.plugin")
    if name == "asyncio":
        project.configure("asyncio_default_fixture_loop_scope = function")
    plugin = {"asyncio": "pytest_asyncio", "trio": "pytest_trio"}[name]
    fixture = {"asyncio": "fixture", "trio": "trio_fixture"}[name]
    done = project.run(
        f"""
import {name}, {plugin}, pytest

@{plugin}.{fixture}
async def real():
    await {name}.sleep(0)
    return "real"

@pytest.mark.{name}
async def test_it(world, real):
    assert real == "real"
    await {name}.sleep(0)
    with pytest.raises(RuntimeError, match="inside a running event loop"):
        world.run({name}.sleep, 1)

async def test_ours(world):
    await {name}.sleep(3600)
    assert world.now() == 3600
""",
        f"--world={name}",
        plugins=[name],
    )
    done.assert_outcomes(passed=2)


# Leftovers and limits


LEAVES = """
import pytest, threading, time

def leaves():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(10)
    return "ok"

{mark}
def test_it(world):
    assert world.run(leaves) == "ok"
"""


def test_leftovers_are_allowed_by_a_mark_or_a_setting(project):
    source = LEAVES.format(mark="")
    project.run(source, "--world=threads").assert_outcomes(failed=1)
    marked = LEAVES.format(mark='@pytest.mark.leftovers("allow")')
    project.run(marked, "--world=threads").assert_outcomes(passed=1)
    project.configure("leftovers = allow")
    project.run(source, "--world=threads").assert_outcomes(passed=1)
    refused = LEAVES.format(mark='@pytest.mark.leftovers("refuse")')
    project.run(refused, "--world=threads").assert_outcomes(failed=1)


LATE = """
import asyncio, pytest

{mark}
def test_it(world):
    world.run(asyncio.sleep, 100)
"""


def test_a_limit_is_set_by_a_mark_or_a_setting(project):
    source = LATE.format(mark="")
    project.run(source, "--world=asyncio").assert_outcomes(passed=1)
    marked = LATE.format(mark="@pytest.mark.within(60)")
    done = project.run(marked, "--world=asyncio")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*TimeLimit: the answer still runs at 60 s of*"])
    project.configure("within = 60")
    project.run(source, "--world=asyncio").assert_outcomes(failed=1)
    wider = LATE.format(mark="@pytest.mark.within(600)")
    project.run(wider, "--world=asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("leftovers = alow", "leftovers is refuse or allow, not 'alow'"),
        ("within = soon", "within is a number of seconds, not 'soon'"),
        ("within = -1", "within is a positive number of seconds, not -1.0"),
    ],
)
def test_a_wrong_setting_is_a_usage_error(project, line, message):
    project.configure(line)
    done = project.run("def test_it(): pass")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: in pytest's configuration, {message}"])


def test_a_test_that_catches_an_error_still_fails_for_leftovers(project):
    done = project.run(
        """
import pytest, threading, time

def fails():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    raise ValueError("expected")

def test_it(world):
    with pytest.raises(ValueError):
        world.run(fails)
""",
        "--world=threads",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*StillAlive: the answer ended at 0 s, but*"])


# Scopes


def test_a_fixture_of_any_scope_may_use_a_world(project):
    done = project.run(
        """
import pytest, time

made = []

def slow():
    time.sleep(60)
    return 60

@pytest.fixture(scope="session")
def session(world, trace):
    made.append("session")
    assert trace is world.trace
    return world.run(slow), world

@pytest.fixture(scope="module")
def module(world):
    made.append("module")
    return world.run(slow), world

@pytest.fixture(scope="module")
def through(module):
    return module

@pytest.mark.parametrize("number", [1, 2])
def test_of_module(through, world, number):
    assert through == (60, world)

def test_of_function(world):
    made.append(id(world))
    made.append(world)
    assert world.run(slow) == 60

def test_of_another_function(world):
    assert id(world) not in made

@pytest.mark.parametrize("number", [1, 2])
def test_of_module_again(module, number):
    assert module[0] == 60

def test_of_session(session, world):
    assert session == (60, world)

@pytest.mark.parametrize("number", [1, 2])
def test_of_session_again(session, module, number):
    assert session[0] == module[0] == 60

def test_last():
    assert made.count("session") == 1
    assert made.count("module") <= 2
""",
        "--world=threads",
    )
    done.assert_outcomes(passed=10)


def test_each_test_has_a_fresh_world(project):
    done = project.run(
        """
import pytest
seen = []

@pytest.mark.parametrize("number", [1, 2])
def test_it(world, number):
    assert world not in seen
    seen.append(world)

def test_again(world):
    assert len(seen) == 2
    assert world not in seen
""",
        "--world=threads",
    )
    done.assert_outcomes(passed=3)


def test_make_world_serves_fixtures_of_any_scope(project):
    done = project.run(
        """
import pytest, time

@pytest.fixture(scope="session")
def thing(make_world):
    world, other = make_world("threads", seed=3), make_world()
    assert world is not other
    assert (world.seed, other.seed) == (3, None)
    return world.run(lambda: time.sleep(1) or 7)

def test_it(thing):
    assert thing == 7

def test_unknown(make_world):
    make_world("tiro")
""",
        "--world=threads",
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["no world 'tiro'; there are*"])


def test_make_world_asks_for_a_name_if_there_is_no_default(project):
    done = project.run("def test_it(make_world): make_world()")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["this test uses the fixture `world`, but which one?*"])


# Which worlds


CASES = """
import pytest
case = pytest.param

@pytest.mark.parametrize("number", [
    1,
    case(2, marks=pytest.mark.world("asyncio")),
    case(3, marks=[pytest.mark.world("threads", "asyncio")]),
])
def test_it(world, number):
    print(f"{number} in {world.name}.")
"""


def test_a_case_may_name_its_own_world(project):
    done = project.run(CASES, "--world=threads", "-rP")
    done.assert_outcomes(passed=4)
    lines = [line for line in done.outlines if " in " in line and line.endswith(".")]
    assert sorted(lines) == [
        "1 in threads.",
        "2 in asyncio.",
        "3 in asyncio.",
        "3 in threads.",
    ]


def test_the_world_of_a_case_comes_before_that_of_its_test(project):
    marked = CASES.replace("@pytest", '@pytest.mark.world("threads")\n@pytest', 1)
    done = project.run(marked, "-rP")
    done.assert_outcomes(passed=4)
    assert "2 in asyncio." in done.outlines
    assert "2 in threads." not in done.outlines


def test_a_case_without_a_world_fails_alone(project):
    done = project.run(CASES)
    done.assert_outcomes(passed=3, errors=1)


def test_a_test_without_a_world_fails_alone(project):
    done = project.run("def test_one(world): pass\ndef test_two(): pass")
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*this test uses the fixture `world`, but which one?*"])


def test_a_world_without_its_library_fails_alone(project, monkeypatch):
    for module in ("trio", "outcome"):
        monkeypatch.setitem(sys.modules, module, None)
    for name in [n for n in sys.modules if n.startswith("concurrency_study.worlds")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("concurrency_study.available._is_here", lambda module: False)
    project._pytester.makeconftest(
        "from concurrency_study import plugin\nplugin._problem.cache_clear()"
    )
    try:
        done = project.run(
            """
import pytest

@pytest.mark.world("trio", "threads")
def test_it(world): pass
"""
        )
    finally:
        from concurrency_study import plugin

        plugin._problem.cache_clear()
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(
        ["the world 'trio' needs trio, which is not installed: pip install 'trio'"]
    )


def test_the_options_and_marks_of_the_studies_are_not_those_of_other_projects(project):
    done = project.run("", "--help")
    text = done.stdout.str()
    assert "--world=NAME" in text
    for option in ("--study", "--complete=", "--report=FILE"):
        assert option not in text
    marks = project.run("", "--markers").stdout.str()
    for mark in ("world(*names)", "leftovers(", "within(seconds)"):
        assert f"@pytest.mark.{mark}" in marks
    for mark in ("needs(", "jobs("):
        assert f"@pytest.mark.{mark}" not in marks
    fixtures = project.run("", "--fixtures", "-v").stdout.str()
    assert "concurrency_study/plugin.py" in fixtures.replace("\\", "/")
    assert "concurrency_study/suite.py" not in fixtures.replace("\\", "/")


def test_the_plugin_is_found_by_its_entry_point():
    (found,) = [
        point
        for point in importlib.metadata.entry_points(group="pytest11")
        if point.name == "concurrency-study"
    ]
    assert found.value == "concurrency_study.plugin"


def test_a_failed_test_shows_its_trace(project):
    done = project.run(
        """
def test_it(world):
    world.run(world.recorder("say"), "hello")
    assert False
""",
        "--world=threads",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*virtual time, actor, event*", "*0.000  say  call*"])


# Schedules

RACY = """
import asyncio
import pytest

async def visits():
    seen = []

    async def visit():
        before = len(seen)
        await asyncio.sleep(0)
        seen[before:] = [before]

    async with asyncio.TaskGroup() as group:
        group.create_task(visit())
        await asyncio.sleep(0.5)
        group.create_task(visit())
    return len(seen)

@pytest.mark.schedules(0)
async def test_in_the_usual_order(world):
    assert await visits() == 2

async def test_in_many_orders(world):
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(5)))
"""


def test_a_failed_schedule_is_shown_beside_the_usual_order(project):
    racy = RACY.replace("@pytest.mark.schedules(0)\n", "")
    done = project.run(racy, "--world", "asyncio", "--schedules", "300")
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(
        [
            "*in the usual order: virtual time, actor, event*",
            "*0.000  visit  exit  end",
            "*in the one that failed*",
            "*visit  hold  held at line *",
            "*test_in_the_usual_order  exit  error",
        ]
    )


def test_a_test_of_the_usual_order_runs_once_under_many_schedules(project):
    result = project.run(RACY, "--world", "asyncio", "--schedules", "300")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines("* schedules of 1 test explored, none failed.*")


def test_a_search_ends_at_its_limit_of_seconds(project):
    options = ("--schedules", "1000000", "--schedules-seconds", "0.2", "-v")
    result = project.run(RACY, "--world", "asyncio", *options)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines("*The search ended at its limit of 0.2 s.*")
