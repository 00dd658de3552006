"""Reports: the results of a run, written line by line, for other programs to read.

A report is a file of JSON lines: a header (the study, its versions and a digest of its
text), a record for each test, the story of some runs (of each topic's example, and of
tests that not every study passes), a record for each behaviour that was measured (with
the story of its run), a record for each race that was found (with the stories of two
runs), and a footer. It is written during the run. A report without a footer is from a
run that did not end. A report that does not match the digest in its footer was changed
afterwards.
``report.schema.json`` beside this module describes the lines.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections import Counter
from importlib.metadata import requires, version
from pathlib import Path
from re import findall, split
from typing import Any

from . import inputs
from .behaviours.measure import Measurement
from .behaviours.published import Row, kind_of
from .registry import registered
from .study import Answer, Study
from .topics import SECTIONS
from .world import World

FORMAT = "concurrency-study-report"
VERSION = 6
OUTCOMES = ("passed", "cannot", "differs", "failed")
EXAMPLE = "test_the_example"
"""The test that runs the example of its topic."""
LONGEST = 100
"""The largest number of events in a story. A longer story is left out."""
SCHEMA = Path(__file__).with_name("report.schema.json")


def fingerprint(root: Path, study: str) -> str:
    """Return the digest of the text that a report of this study depends on.

    Raises:
        LookupError: there is no such study in the checkout, and none is installed.
    """
    entries = registered(root)
    if study not in entries:
        raise LookupError(f"no study {study!r}; there are {', '.join(entries)}")
    return inputs.of_report(root, entries[study], SECTIONS)


class Report:
    """A report that is being written."""

    def __init__(self, path: Path, root: Path, study: Study) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Beside it, and renamed in the end: an interrupted run keeps the last report.
        self._unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        self._file = self._unfinished.open("w", encoding="utf-8", newline="\n")
        self._outcomes: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._write(
            record="header",
            format=FORMAT,
            version=VERSION,
            study=study.name,
            worlds=list(study.worlds),
            fingerprint=fingerprint(root, study.name),
            python=platform.python_version(),
            implementation=platform.python_implementation(),
            libraries=libraries_of(study),
        )

    def add(self, record: dict[str, Any]) -> None:
        """Write a record of `test_record` or `story_records`."""
        if record["record"] == "test":
            self._outcomes[record["outcome"]] += 1
        self._write(**record)

    def close(self, *, complete: bool) -> None:
        """Write the footer. A report without one is refused.

        ``complete`` says that no test of the suite was left out, and none failed.
        """
        outcomes = {key: self._outcomes[key] for key in OUTCOMES}
        tests = self._outcomes.total()
        digest = f"sha256:{self._digest.hexdigest()}"
        self._write(
            record="footer", complete=complete, tests=tests, **outcomes, digest=digest
        )
        self._file.close()
        self._unfinished.replace(self._path)

    def discard(self) -> None:
        """Remove what was written, because the run did not end."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)

    def _write(self, **record: Any) -> None:
        line = json.dumps(record, ensure_ascii=False) + "\n"
        self._digest.update(line.encode())
        self._file.write(line)
        self._file.flush()


def test_record(
    name: str,
    world: World,
    answer: Answer,
    needs: list[str],
    outcome: str,
    reason: str,
) -> dict[str, Any]:
    """Return the record of a test, with the reason if it is declared to fail."""
    return {
        "record": "test",
        "topic": answer.topic,
        "test": name,
        "world": world.name,
        "variant": answer.variant,
        "needs": needs,
        "outcome": outcome,
        "reason": reason,
        "seconds": world.returned_at if world.returned_at >= 0 else None,
    }


def story_records(name: str, world: World, answer: Answer) -> list[dict[str, Any]]:
    """Return the story of the last run of a test; none if that is too long."""
    events = world.trace.story()
    if len(events) > LONGEST or world.returned_at < 0:
        return []
    story = {
        "record": "story",
        "topic": answer.topic,
        "test": name,
        "world": world.name,
        "variant": answer.variant,
        "seconds": world.returned_at,
        "cancelled": world.cancelled_at,
        "order": world.order,
        "events": [event._asdict() for event in events],
    }
    return [story]


def behaviour_record(row: Row, world: str, run: Measurement) -> dict[str, Any]:
    """Return the record of a measured answer, with the story of its run.

    A story in which no time passes, with a single actor or with too many events, is
    left out.
    """
    shown = bool(run.seconds) and len(run.events) <= LONGEST
    shown &= len({event.by for event in run.events}) > 1
    return {
        "record": "behaviour",
        "number": row.question.number,
        "function": row.function,
        "way": row.way,
        "world": world,
        "answer": row.answer(world),
        "kind": kind_of(row.answer(world)),
        "measured": run.said,
        "seconds": run.seconds,
        "events": [event._asdict() for event in run.events] if shown else [],
    }


def libraries_of(study: Study) -> dict[str, str]:
    """Return the versions of the libraries that the study builds on.

    Not counted are the repository's own packages, and what an extra of the study needs.
    An extra that is named after a library (``anyio[trio]``) adds that library.
    """
    names = {
        name
        for line in requires(f"{study.name}-study") or []
        if not line.startswith("concurrency-study") and "extra ==" not in line
        for name in findall(r"[\w.-]+", split(r"[<>=~!; ]", line, maxsplit=1)[0])
    }
    return {name: version(name) for name in sorted(names)}
