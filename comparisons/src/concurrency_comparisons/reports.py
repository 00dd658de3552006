"""The reports of isolated runs: read, and refused if they are damaged or out of date.

``concurrency_study.report`` defines the format and writes the reports.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast

from concurrency_study.report import (
    EXAMPLE,
    FORMAT,
    OUTCOMES,
    SCHEMA,
    VERSION,
    fingerprint,
)
from concurrency_study.trace import Event


class Refused(Exception):
    """A report that cannot be trusted. The message says why, and how to replace it."""


@dataclass(frozen=True)
class Test:
    """The result of one test of the suite."""

    __test__ = False  # pytest must not collect the class

    topic: str
    test: str
    world: str
    variant: str
    """The name of the study's answer; empty for the recommended one."""
    needs: list[str]
    outcome: str
    """``passed``, ``cannot``, ``differs`` or ``failed``."""
    reason: str
    """The reason why the answer cannot, or the way in which it differs."""
    seconds: float | None
    """Virtual seconds until the answer returned, if it did."""


@dataclass(frozen=True)
class Story:
    """The events of one run of an answer, until it ended."""

    topic: str
    test: str
    world: str
    variant: str
    seconds: float
    """Virtual seconds until the answer returned or raised."""
    cancelled: float | None
    """The second at which the run was cancelled from outside; None if it was not."""
    order: str
    """The order in which actors run that are ready at one instant, as a sentence."""
    events: list[Event]


@dataclass(frozen=True)
class Behaviour:
    """The measured answer to one question, for one way in one world."""

    number: int
    function: str
    way: str
    world: str
    answer: str
    """The published answer."""
    kind: str
    measured: str
    """The words of the run. They differ from the answer only if that is left open."""
    seconds: float | None
    """Virtual seconds until the function returned; None if it ran in real time."""
    events: list[Event]

    @property
    def story(self) -> Story | None:
        """The story of the run, for a picture; None if there is nothing to draw."""
        if not self.events or self.seconds is None:
            return None
        events = [
            event._replace(
                actor="caller" if event.actor == self.function else event.actor,
                by="caller" if event.by == self.function else event.by,
            )
            for event in self.events
        ]
        test = f"test_{self.function}"
        return Story("", test, self.world, self.way, self.seconds, None, "", events)


@dataclass(frozen=True)
class Race:
    """A failure that a search has found in a broken program of a study."""

    bug: str
    world: str
    report: str
    """The error and the schedule, as pytest prints them."""
    token: str
    fixed: str
    """The result of the search for a failure of the fix."""
    usual: Story
    """The run of the broken program in the usual order."""
    failed: Story
    """The run of the schedule that failed."""

    @property
    def error(self) -> str:
        """The first sentence of the error."""
        return self.report.partition("\n")[0].partition(". ")[0]

    @property
    def found(self) -> str:
        """The result of the search, in short."""
        lines = self.report.split("\n")
        return next(line[:-1] for line in lines if line.startswith("schedule "))

    @property
    def holds(self) -> str:
        """The number of holds, as in 2 holds."""
        return self.found.rpartition("with ")[2]

    @property
    def stories(self) -> list[tuple[str, Story]]:
        """Both runs, with labels."""
        return [
            ("In the usual order", self.usual),
            ("In the schedule that failed", self.failed),
        ]


@dataclass(frozen=True)
class Report:
    """A complete run of a study's suite on the current text."""

    study: str
    worlds: list[str]
    python: str
    libraries: dict[str, str]
    """The libraries that the study builds on: name and version."""
    tests: list[Test]
    stories: list[Story]
    """The stories of the examples, and of small tests that some answers cannot pass."""
    behaviours: list[Behaviour] = field(default_factory=list[Behaviour])
    races: list[Race] = field(default_factory=list[Race])
    day: str = ""
    """The day on which the file was written, as in 2026-11-28."""

    @property
    def examples(self) -> list[Story]:
        """The stories of the topics' examples."""
        return [story for story in self.stories if story.test == EXAMPLE]


def read(path: Path, root: Path) -> Report:
    """Return the report in a file, checked against the text below ``root``.

    Raises:
        Refused: the report is damaged, partial, or of another text.
    """
    file = _File(path, root)
    head, foot = file.header(), file.records[-1]
    if foot.get("record") != "footer":
        file.refuse("has no footer, so the run that wrote it has not ended")
    file.check(foot, "footer")
    tests: list[Test] = []
    stories: list[Story] = []
    behaviours: list[Behaviour] = []
    races: list[Race] = []
    for record in file.records[1:-1]:
        match record.get("record"):
            case "test":
                tests.append(Test(**file.check(record, "test")))
            case "story":
                stories.append(Story(**file.check_events(record, "story")))
            case "behaviour":
                behaviours.append(Behaviour(**file.check_events(record, "behaviour")))
            case "race":
                races.append(file.race(record))
            case other:
                file.refuse(f"has a record {other!r} between its header and its footer")
    counts = Counter(test.outcome for test in tests)
    counted = {"tests": len(tests), **{key: counts[key] for key in OUTCOMES}}
    if counted != {key: foot.get(key) for key in counted}:
        file.refuse("holds other tests than its footer counts")
    if foot["digest"] != file.digest:
        file.refuse("was changed after the run that wrote it")
    if not foot["complete"]:
        file.refuse("is of a run in which tests failed or were left out")
    if head["fingerprint"] != fingerprint(root, head["study"]):
        file.refuse("is out of date, because the text that it tested has changed")
    return Report(
        study=head["study"],
        worlds=head["worlds"],
        python=head["python"],
        libraries=head["libraries"],
        tests=tests,
        stories=stories,
        behaviours=sorted(behaviours, key=lambda b: (b.number, b.function, b.world)),
        races=races,
        day=date.fromtimestamp(path.stat().st_mtime).isoformat(),
    )


def spoken(test: str) -> str:
    """Return the name of a test as a sentence."""
    return test.removeprefix("test_").replace("_", " ")


def paths(root: Path, study: str) -> dict[str, Path]:
    """Return the reports of a study by Python, as in "3.13", the newest first."""
    found = {
        path.stem.removeprefix(f"{study}-"): path
        for path in (root / "reports").glob(f"{study}-*.jsonl")
    }
    return {key: found[key] for key in sorted(found, key=version_in, reverse=True)}


def version_in(name: str) -> list[int]:
    """Return the version in a name such as trio-3.13.jsonl, or in 3.13 alone."""
    return [int(number) for number in re.findall(r"\d+", name)]


def newest(root: Path, study: str) -> Report:
    """Return the report of a study on the newest Python that has a good one.

    Raises:
        Refused: there is none. The message is about the newest.
    """
    refused: list[Refused] = []
    for path in paths(root, study).values():
        try:
            return read(path, root)
        except Refused as error:
            refused.append(error)
    if refused:
        raise refused[0]
    raise Refused(f"no report of {study}; run `nox -s {study}` to make one")


def out_of_date(root: Path, studies: Sequence[str], python: str) -> list[str]:
    """Return the studies without a good report of this Python and the pinned versions.

    Args:
        python: The version, as in "3.13".
    """
    path = root / "constraints.txt"
    text = path.read_text("utf-8") if path.exists() else ""
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    found: list[str] = []
    for study in studies:
        try:
            report = read(root / f"reports/{study}-{python}.jsonl", root)
        except Refused:
            found.append(study)
        else:
            if any(pins.get(name, v) != v for name, v in report.libraries.items()):
                found.append(study)
    return found


def of_one_python(
    root: Path, studies: Sequence[str], only: str | None = None
) -> dict[str, Report]:
    """Return the reports of all studies from one Python: the newest that has them all.

    With ``only``, as in "3.13", return the reports of that Python.

    Raises:
        Refused: no Python has them all. The message says what to run.
    """
    count = Counter(
        python
        for study in studies
        for python in paths(root, study)
        if only in (None, python)
    )
    order = sorted(count, key=lambda p: (count[p], version_in(p)), reverse=True)
    refused: list[Refused] = []
    for python in order:
        try:
            return {
                study: read(root / f"reports/{study}-{python}.jsonl", root)
                for study in studies
            }
        except Refused as error:
            refused.append(error)
    if refused:
        raise refused[0]
    of = f" of Python {only}" if only else ""
    raise Refused(
        f"found no reports{of} in the folder reports; run `nox -s compare` to make them"
    )


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


@cache
def _shapes() -> dict[str, dict[str, tuple[type, ...]]]:
    """Return the types of the fields of each kind of record, from the schema."""

    def types(field: dict[str, Any]) -> tuple[type, ...]:
        if "type" not in field:
            value: object = field["const"] if "const" in field else field["enum"][0]
            return (type(value),)
        names: str | list[str] = field["type"]
        names = [names] if isinstance(names, str) else names
        return tuple(each for name in names for each in _TYPES[name])

    schema = json.loads(SCHEMA.read_text("utf-8"))
    event = schema["$defs"]["event"]["properties"]
    found = {"event": {name: types(field) for name, field in event.items()}}
    for shape in schema["oneOf"]:
        fields = shape["properties"]
        kind = fields.pop("record")["const"]
        found[kind] = {name: types(field) for name, field in fields.items()}
    return found


class _File:
    """The records of a file, and the checks that may refuse it."""

    def __init__(self, path: Path, root: Path) -> None:
        within = path.is_relative_to(root)
        self.name = (path.relative_to(root) if within else path).as_posix()
        self.study = path.stem.rpartition("-")[0] or path.stem
        self.records: list[dict[str, Any]] = []
        try:
            # Not splitlines: a detail may hold other separators, such as U+2028.
            text = path.read_bytes().decode()
        except OSError as error:
            self.refuse(f"cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.refuse("is not UTF-8 text")
        lines = text.removesuffix("\n").split("\n")
        told = text[: text.rstrip("\n").rfind("\n") + 1]  # everything but the footer
        self.digest = f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"
        for number, line in enumerate(lines, 1):
            try:
                record: Any = json.loads(line, parse_constant=_no_number)
            except (ValueError, RecursionError):
                self.refuse(f"is not JSON in line {number} (was it cut short?)")
            if not isinstance(record, dict):
                self.refuse(
                    f"has in line {number} a {type(record).__name__}, not a record"
                )
            self.records.append(cast(dict[str, Any], record))

    def refuse(self, why: str) -> NoReturn:
        raise Refused(
            f"{self.name} {why}; run `nox -s {self.study}` to make a new one"
        ) from None

    def header(self) -> dict[str, Any]:
        """Return the header, if it is of a format and version that can be read here."""
        record = self.records[0]
        if record.get("record") != "header" or record.get("format") != FORMAT:
            self.refuse("is not a report: it does not begin with a header")
        if record.get("version") != VERSION:
            self.refuse(
                f"has version {record.get('version')!r} of the format, not {VERSION}"
            )
        fields = self.check(record, "header")
        self.study = fields["study"]
        return fields

    def check(self, record: Any, kind: str) -> dict[str, Any]:
        """Return the fields of a record, after a check of their names and types."""
        shape = _shapes()[kind]
        found = cast(dict[str, Any], record) if isinstance(record, dict) else {}
        fields = {key: value for key, value in found.items() if key != "record"}
        if fields.keys() != shape.keys():
            self.refuse(f"has a {kind} with other fields than {', '.join(shape)}")
        for key, value in fields.items():
            is_number = bool not in shape[key] and isinstance(value, int | float)
            if not isinstance(value, shape[key]) or (
                is_number and not 0 <= value < math.inf
            ):
                self.refuse(f"has a {kind} whose {key} is {value!r}")
        return fields

    def check_events(self, record: Any, kind: str) -> dict[str, Any]:
        """Return the fields of a record that holds events."""
        fields = self.check(record, kind)
        return fields | {"events": self.events(fields["events"])}

    def events(self, records: Sequence[Any]) -> list[Event]:
        """Return these events."""
        return [_event(self.check(record, "event")) for record in records]

    def race(self, record: Any) -> Race:
        """Return a race, with the stories of its two runs."""
        fields = self.check(record, "race")
        for key in ("usual", "failed"):
            events = self.events(fields[key])
            end = max((event.at for event in events), default=0)
            test = f"test_{fields['bug']}"
            fields[key] = Story("", test, fields["world"], "", end, None, "", events)
        return Race(**fields)


def _event(fields: dict[str, Any]) -> Event:
    # An address differs in every run, which would change the pages for no reason.
    for key in ("actor", "detail"):
        fields[key] = re.sub(r"\b0x[0-9a-fA-F]{4,}\b", "0x…", fields[key])
    return Event(**fields)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
