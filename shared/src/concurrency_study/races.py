"""Classic races: a search shows each study's broken program failing, and its fix not.

``python -m concurrency_study.races lost_update AgA`` replays a failure that a report
holds, where one study is installed.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from .available import make_world
from .study import installed_studies
from .world import Deadlock, World, leaves

FIXED = 200
"""The schedules in which a fix must not fail."""


@dataclass(frozen=True)
class Bug:
    """A kind of race."""

    title: str
    """The bug in the words that a reader searches for."""
    about: str
    """The bug in one sentence."""


BUGS: Mapping[str, Bug] = {
    "lost_update": Bug(
        "Lost update race condition",
        "Two tasks read the same value, both change it, and the later write overwrites "
        "the earlier one.",
    ),
    "check_then_act": Bug(
        "Check-then-act race condition (TOCTOU)",
        "A task tests a condition, and the condition no longer holds when it acts.",
    ),
    "lost_wakeup": Bug(
        "Lost wakeup",
        "A task is notified before it waits, so it waits for ever.",
    ),
    "opposite_locks": Bug(
        "Lock-order deadlock (ABBA)",
        "Two tasks each hold the lock that the other one waits for.",
    ),
    "lost_item": Bug(
        "Queue item lost on cancellation",
        "A worker takes a job from a queue and is stopped before the job is done.",
    ),
    "single_flight": Bug(
        "Single-flight leak: waiters hang",
        "Several callers share the result of one call, and the call ends without one.",
    ),
}
"""The bugs by name, from the simplest."""


def absent(folder: Path) -> dict[str, str]:
    """Return why a study has no program for some bugs, by name, from its folder."""
    path = folder / "races/absent.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def present(folder: Path) -> list[str]:
    """Return the bugs that the programs of a study show, from its folder."""
    return [bug for bug in BUGS if (folder / f"races/{bug}.py").exists()]


def program(study: str, bug: str) -> ModuleType:
    """Return the module with ``broken()`` and ``fixed()``."""
    return import_module(f"{study}_study.races.{bug}")


def race_record(study: str, bug: str, world: str) -> dict[str, Any]:
    """Search for a failure, and return the record of it for a report.

    Raises:
        LookupError: the search has found no failure.
    """
    module = program(study, bug)
    place = make_world(world)
    place.watching = True
    place.run(module.broken)
    usual = _story(place)
    error = _failure(place, module)
    if error is None:
        raise LookupError(f"no schedule breaks {bug} of {study} in {world}")
    report = _report(error)
    return {
        "record": "race",
        "bug": bug,
        "world": world,
        "report": report,
        "token": report.rpartition(_TOKEN)[2],
        "fixed": str(make_world(world).explore(module.fixed, schedules=FIXED)),
        "usual": usual,
        "failed": _story(place, error),
    }


_TOKEN = "Replay it: "


def _failure(place: World, module: ModuleType, token: str = "") -> Exception | None:
    """Return the error of the first schedule that fails, whose run is the last one."""
    try:
        place.explore(module.broken, replay=token)
    except Exception as error:
        if _TOKEN not in _report(error):
            raise  # the program fails in every order, or was not explored at all
        return error
    return None


def _report(error: BaseException) -> str:
    """Return the error and its schedule. A group of one error counts as that error."""
    inner = leaves(error)
    shown = inner[0] if len(inner) == 1 else error
    notes: list[str] = getattr(error, "__notes__", [])
    return "\n".join([f"{type(shown).__name__}: {shown}", *notes])


def _story(place: World, error: BaseException | None = None) -> list[dict[str, Any]]:
    """Return the events of the last run, as it was before anything was torn down."""
    events = place.trace.story()
    main = events[0].by
    if isinstance(error, Deadlock):
        # The world ends the waits of a deadlock, and the trace has these ends as well.
        # They come after all others.
        spawned = {event.by for event in events if event.what == "spawn"}
        ends = [e for e in events if e.what == "exit" and e.by != main]
        torn = ends[len(spawned) - len(error.waiters) :]
        at = max(place.returned_at, events[-1].at)
        failed = events[0]._replace(at=at, what="exit", detail="error")
        events = [*(event for event in events if event not in torn), failed]
    return [
        {
            key: "main" if key in ("actor", "by") and value == main else value
            for key, value in event._asdict().items()
        }
        for event in events
    ]


def main() -> None:
    """Replay a failure of the installed study, and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m concurrency_study.races", description=__doc__
    )
    parser.add_argument("bug", choices=BUGS)
    parser.add_argument("token", help="the token of a schedule")
    options = parser.parse_args()
    studies = installed_studies()
    if len(studies) != 1:
        parser.error(f"one study must be installed here, not {len(studies)}")
    (study,) = studies
    place = make_world(study.worlds[0])
    try:
        error = _failure(place, program(study.name, options.bug), options.token)
    except ValueError as wrong:
        parser.error(str(wrong))
    if error is None:
        sys.exit("This schedule does not fail.")
    print(_report(error))
    sys.exit(1)


if __name__ == "__main__":
    main()
