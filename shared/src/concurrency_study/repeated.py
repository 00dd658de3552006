"""Tests under many schedules: ``pytest --schedules N`` and the mark ``schedules(N)``.

A test that uses the fixture `world` is called once for each schedule. Its fixtures of
the scope ``function`` are set up again each time, so one call leaves nothing to the
next. See `World.explore` for what a schedule is.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest import tmpdir

from .world import World
from .world.schedules import SLACK, Explored, Schedule, explore

PROPERTY = "schedules"
"""The name of the property of a report that tells how a search has ended."""

_RUNNING = pytest.StashKey[bool]()
_STORIES = pytest.StashKey[list[str]]()


def add_options(parser: pytest.Parser) -> None:
    """Add --schedules, --slack and --replay."""
    group = parser.getgroup("concurrency-study")
    group.addoption(
        "--schedules",
        type=_number,
        metavar="N",
        default=0,
        help="call each test with the fixture `world` under up to N schedules",
    )
    group.addoption(
        "--slack",
        type=_seconds,
        metavar="SECONDS",
        default=SLACK,
        help="seconds by which timers may fire early in one schedule (default: "
        "%(default)g; 0 for tests that compare instants)",
    )
    group.addoption(
        "--schedules-seconds",
        type=float,
        metavar="SECONDS",
        help="processor time after which no further schedule of a test begins",
    )
    group.addoption(
        "--replay",
        metavar="TOKEN",
        default="",
        help="call the test under the one schedule of this token",
    )


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"a positive number is needed, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= SLACK:
        raise ArgumentTypeError(f"a number from 0 to {SLACK:g} is needed, not {text!r}")
    return seconds


def wanted(item: pytest.Item) -> dict[str, Any]:
    """Return the options of the search; an empty dict if the test is called once."""
    options: dict[str, Any] = {
        "schedules": item.config.getoption("--schedules"),
        "slack": item.config.getoption("--slack"),
        "seconds": item.config.getoption("--schedules-seconds"),
        "replay": item.config.getoption("--replay"),
    }
    mark = item.get_closest_marker("schedules")
    if mark is not None:
        options.update(zip(("schedules",), mark.args, strict=False))
        options.update(mark.kwargs)
    if options["replay"]:
        options["schedules"] = 1
    return options if options["schedules"] else {}


def run(item: Any) -> bool:
    """Call the test under many schedules, if that is wanted; return whether it was."""
    __tracebackhide__ = True
    world = getattr(item, "funcargs", {}).get("world")
    if not isinstance(world, World) or item.stash.get(_RUNNING, False):
        return False
    options = wanted(item)
    if not options:
        return False
    item.stash[_RUNNING] = True
    stories = item.stash[_STORIES] = list[str]()
    fresh = True

    def once(schedule: Schedule) -> None:
        __tracebackhide__ = True
        nonlocal fresh
        if not fresh:
            _set_up_again(item)
        fresh = False
        world: World = item.funcargs["world"]
        world.schedule, watching = schedule, world.watching
        world.watching = watching or schedule.telling
        schedule.noted = world.note_hold
        try:
            item.ihook.pytest_pyfunc_call(pyfuncitem=item)
        finally:
            world.schedule, world.watching = None, watching
            if schedule.telling:
                stories.append(world.trace.told())

    try:
        with world.exploring():
            explored = explore(once, **options)
    finally:
        item.stash[_RUNNING] = False
    if not options["replay"]:
        item.user_properties.append((PROPERTY, _plain(explored)))
    return True


def _set_up_again(item: Any) -> None:
    """Tear down the fixtures of the test, and set them up again."""
    state = item.session._setupstate
    # The fixture tmp_path reads it, and pytest writes it after the call of the test.
    item.stash.setdefault(tmpdir.tmppath_result_key, {})
    state.teardown_exact(item.parent)
    item._initrequest()
    state.setup(item)


def _plain(explored: Explored) -> dict[str, Any]:
    """Return what a report can carry from one process to another."""
    return {
        "schedules": explored.schedules,
        "complete": explored.complete and not explored.refused,
        "text": str(explored),
    }


def stories(item: pytest.Item) -> dict[str, str]:
    """Return the stories of the usual order and of the one that failed, with titles."""
    told = item.stash.get(_STORIES, list[str]())[-2:]
    titles = (
        "in the usual order: virtual time, actor, event",
        "in the one that failed",
    )
    return dict(zip(titles, told, strict=True)) if len(told) == 2 else {}


def summary(reports: Iterable[Any], *, verbose: bool) -> list[str]:
    """Return the lines that tell what was explored."""
    found = [
        (report.nodeid, value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY
    ]
    if not found:
        return []
    ran = sum(value["schedules"] for _, value in found)
    complete = sum(value["complete"] for _, value in found)
    tests = f"{len(found):,} test{'s' * (len(found) != 1)}"
    lines = [
        f"{ran:,} schedules of {tests} explored, none failed. "
        f"Tests that have no other schedules: {complete:,}."
    ]
    if verbose:
        lines += [f"{name}: {value['text']}" for name, value in found]
    return lines
