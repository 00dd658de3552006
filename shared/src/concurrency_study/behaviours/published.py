"""The published answers of a study, read from the files beside its functions.

``<group>.toml`` has a table for each function, named after it::

    [one_of_three_fails_gather]
    way = "gather"                      # left out if there is one way only
    answer = "no"
    why = "gather passes the first error on and leaves the others alone."
    sources = ["https://docs.python.org/3/library/asyncio-task.html#asyncio.gather"]
    instead = "Use a TaskGroup."        # where the answer bites
    snippet = "one_of_three_fails_task_group"   # a function that shows it

``answers`` replaces ``answer`` where it depends on the world, the Python
or the library. The first one that matches holds::

    answers = [
        { answer = "no", world = "asyncio-eager" },
        { answer = "yes", python = ">=3.12" },
        { answer = "no" },
    ]

A library is named as its distribution is: ``trio = "<0.30"``. The other keys:

- ``outcomes``: If the answer is "unspecified", what was seen. A source must say that it
  is left open, or the function returns the set of two outcomes or more.
- ``real``: True if the function runs in real time. Else time is virtual. A plain
  function of a study whose functions are not plain runs in real time in any case.
- ``apart``: True if it needs a process of its own, because it may hang, crash, or get
  Ctrl-C. It runs in real time.
- ``disputed``: Addresses that say otherwise.
- ``asked``: The question as people type it about this way, with the library's own
  names: "Does asyncio.gather cancel the other tasks when one fails?" The answer to it
  must read well as ``answer`` followed by ``why``.
"""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from . import GROUPS, KINDS, Question, questions

KEYS = {
    *("way", "answer", "answers", "why", "sources", "instead", "snippet"),
    *("outcomes", "real", "apart", "disputed", "asked"),
}


class BadAnswer(ValueError):
    """A published answer is not as it should be; the message names file and table."""


@dataclass(frozen=True)
class Row:
    """The published answers to one question, for one way of one study."""

    study: str
    group: str
    function: str
    question: Question
    answers: tuple[Mapping[str, str], ...]
    """Each an ``answer`` with its conditions."""
    why: str
    way: str = ""
    sources: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    instead: str = ""
    snippet: str = ""
    outcomes: tuple[str, ...] = ()
    real: bool = False
    apart: bool = False
    asked: str = ""
    folder: Path = field(default=Path(), compare=False)

    def answer(self, world: str, versions: Mapping[str, str] | None = None) -> str:
        """Return the answer for a world, with these versions or the installed ones.

        Returns "" if none is published for it.
        """
        for each in self.answers:
            conditions = {k: v for k, v in each.items() if k != "answer"}
            if conditions.pop("world", world) == world and all(
                _fits(name, wanted, versions) for name, wanted in conditions.items()
            ):
                return each["answer"]
        return ""

    @property
    def file(self) -> Path:
        """The file that its function is in."""
        return self.folder / f"{self.group}.py"


def kind_of(answer: str) -> str:
    """Return the kind of an answer: one of `KINDS`, or "answer"."""
    return answer if answer in KINDS else "answer"


def read(study: str, package: Path) -> list[Row]:
    """Return the rows of a study, in the order of the questions.

    Raises:
        BadAnswer: a table is wrong, and how.
    """
    folder = package / "behaviours"
    found: list[Row] = []
    for group in GROUPS:
        path = folder / f"{group}.toml"
        if path.exists():
            tables = tomllib.loads(path.read_text("utf-8"))
            for name, table in tables.items():
                found.append(_row(study, path, name, table))
    return sorted(found, key=lambda row: row.question.number)


def question_of(function: str) -> Question | None:
    """Return the question that a function of this name answers."""
    known = questions()
    for key in sorted(known, key=len, reverse=True):
        if function == key or function.startswith(f"{key}_"):
            return known[key]
    return None


def _row(study: str, path: Path, name: str, table: Any) -> Row:
    def wrong(what: str) -> BadAnswer:
        return BadAnswer(f"{path.name} of {study}, [{name}]: {what}")

    if not isinstance(table, dict):
        raise wrong("it must be a table")
    entry = cast("dict[str, Any]", table)
    question = question_of(name)
    if question is None:
        raise wrong("no question has such a key")
    if question.group != path.stem:
        raise wrong(f"the question is in the group {question.group}")
    if unknown := sorted(set(entry) - KEYS):
        raise wrong(f"unknown key {unknown[0]!r}; the keys are {sorted(KEYS)}")
    if ("answer" in entry) == ("answers" in entry):
        raise wrong("it needs either answer or answers")
    answers: list[Mapping[str, str]] = entry.get("answers") or [
        {"answer": entry["answer"]}
    ]
    for each in answers:
        if not question.allows(each.get("answer", "")):
            raise wrong(f"{each} is not one of {question.words + KINDS}")
        for condition, specifier in each.items():
            if condition not in {"answer", "world"}:
                try:
                    SpecifierSet(specifier)
                except InvalidSpecifier:
                    raise wrong(f"{specifier!r} is not like >=3.12,<3.14") from None
    if not entry.get("why", "").endswith((".", "?", "!")):
        raise wrong("why must be a sentence")
    if not entry.get("asked", "?").endswith("?"):
        raise wrong("asked must be a question")
    if any(e["answer"] == "unspecified" for e in answers) and not (
        entry.get("sources") or len(entry.get("outcomes", ())) > 1
    ):
        raise wrong("unspecified needs two outcomes, or a source")
    return Row(
        study,
        path.stem,
        name,
        question,
        tuple(answers),
        entry["why"],
        way=entry.get("way", ""),
        sources=tuple(entry.get("sources", ())),
        disputed=tuple(entry.get("disputed", ())),
        instead=entry.get("instead", ""),
        snippet=entry.get("snippet", ""),
        outcomes=tuple(entry.get("outcomes", ())),
        real=entry.get("real", False) or entry.get("apart", False),
        apart=entry.get("apart", False),
        asked=entry.get("asked", ""),
        folder=path.parent,
    )


def _fits(name: str, wanted: str, versions: Mapping[str, str] | None) -> bool:
    if versions is not None:
        having = versions.get(name, "")
    elif name == "python":
        having = platform.python_version()
    else:
        try:
            having = version(name)
        except PackageNotFoundError:
            having = ""
    return bool(having) and SpecifierSet(wanted).contains(having, prereleases=True)
