"""Classic races: a search shows each study's broken program failing, and its fix not.

``python -m concurrency_study.races lost_update AgA`` replays a failure that a report
holds, where one study is installed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from .available import make_world
from .study import installed_studies
from .world import Deadlock, World, leaves

SCHEDULES = 1000
"""The schedules of a search for a failure, at most."""
FIXED = 200
"""The schedules in which a fix must not fail."""
SEED = 0


@dataclass(frozen=True)
class Bug:
    """A kind of race."""

    title: str
    about: str
    """The bug in one sentence."""


BUGS: Mapping[str, Bug] = {
    "lost_update": Bug(
        "Lost update",
        "Two tasks read the same value, both change it, and the later write overwrites "
        "the earlier one.",
    ),
    "check_then_act": Bug(
        "Check, then act",
        "A task tests a condition, and the condition no longer holds when it acts.",
    ),
    "lost_wakeup": Bug(
        "Lost wake-up",
        "A task is notified before it waits, so it waits for ever.",
    ),
    "opposite_locks": Bug(
        "Locks in opposite order",
        "Two tasks each hold the lock that the other one waits for.",
    ),
    "lost_item": Bug(
        "Lost item",
        "A worker takes a job from a queue and is stopped before the job is done.",
    ),
    "single_flight": Bug(
        "Shared call",
        "Several callers share the result of one call, and the call ends without one.",
    ),
}
"""The bugs by name, from the simplest."""


def absent(folder: Path) -> dict[str, str]:
    """Return why some bugs cannot happen in a study, by name, from its folder."""
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
    place = _watched(world)
    place.run(module.broken)
    usual = _story(place)
    error = _failure(place, module, seed=SEED, schedules=SCHEDULES)
    if error is None:
        raise LookupError(f"no schedule breaks {bug} of {study} in {world}")
    return {
        "record": "race",
        "bug": bug,
        "world": world,
        "seed": SEED,
        "schedules": SCHEDULES,
        **_note_of(error),
        "error": _said(error),
        "fixed": str(make_world(world).explore(module.fixed, schedules=FIXED)),
        "usual": usual,
        "failed": _story(place, error),
    }


def _watched(world: str) -> World:
    # The threads' world counts choices in another way when it is watched. So all runs
    # are watched: a token of a report is one of a watched run.
    place = make_world(world)
    place.watching = True
    return place


def _failure(place: World, module: ModuleType, **options: Any) -> Exception | None:
    """Return the error of the first schedule that fails, whose run is the last one."""
    try:
        place.explore(module.broken, **options)
    except Exception as error:
        if _NOTE.fullmatch(_last_note(error)) is None:
            raise  # the program fails in every order, or was not explored at all
        return error
    return None


_NOTE = re.compile(
    r"(?:schedule (?P<schedule>[\d,]+) failed, with \d+ holds?|Schedule):\n"
    r"(?P<holds>(?: .*\n)*)(?P<needs>.*)\nReplay it: (?P<token>\S+)",
)


def _last_note(error: BaseException) -> str:
    notes: list[str] = getattr(error, "__notes__", [])
    return notes[-1] if notes else ""


def _note_of(error: BaseException) -> dict[str, Any]:
    """Return the parts of the note that tells the schedule."""
    found = _NOTE.fullmatch(_last_note(error))
    assert found is not None
    # "  1. a" begins a hold, and more lines of it are indented below.
    holds = re.split(r"^ +\d+\. ", found["holds"], flags=re.MULTILINE)[1:]
    return {
        "schedule": int(found["schedule"].replace(",", "")),
        "holds": [re.sub(r"\n +", "\n", hold.strip()) for hold in holds],
        "needs": found["needs"],
        "token": found["token"],
    }


def _said(error: BaseException) -> str:
    """Return the kind and the text of an error, or of the only one in a group."""
    inner = leaves(error)
    shown = inner[0] if len(inner) == 1 else error
    return f"{type(shown).__name__}: {shown}"


def _story(place: World, error: BaseException | None = None) -> dict[str, Any]:
    """Return the story of the last run, as it was before anything was torn down."""
    events = place.trace.story()
    end = max([place.returned_at, *(event.at for event in events)])
    if isinstance(error, Deadlock):
        # The world ends the waits of a deadlock, and the trace has these ends as well.
        # They come after all others.
        main = events[0].by
        spawned = {event.by for event in events if event.what == "spawn"}
        left = len(spawned) - len(error.waiters)
        kept: list[Any] = []
        for event in events:
            if event.what == "exit":
                left -= 1
                if left < 0 or event.by == main:
                    continue
            kept.append(event)
        last = events[0]._replace(at=end, what="exit", detail="error")
        events = [*kept, last]
    return {"seconds": end, "events": [event._asdict() for event in events]}


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
    place = _watched(study.worlds[0])
    try:
        error = _failure(place, program(study.name, options.bug), replay=options.token)
    except ValueError as wrong:
        parser.error(str(wrong))
    if error is None:
        sys.exit("This schedule does not fail.")
    print("".join(traceback.format_exception_only(error)), end="")
    sys.exit(1)


if __name__ == "__main__":
    main()
