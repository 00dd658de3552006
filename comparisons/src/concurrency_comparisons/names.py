"""The index of names: for each purpose its name in each library, and what shows it.

`concurrency_study.counterparts` has the rows. Joined to them are the questions and the
topics whose tested code uses a name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from concurrency_study.behaviours import MOST_ASKED
from concurrency_study.behaviours.published import Row as Published
from concurrency_study.behaviours.published import read as published
from concurrency_study.counterparts import (
    EXAMPLES,
    BadCounterpart,
    Counterpart,
    Name,
    Purpose,
    Tested,
    purposes,
    read,
    tested,
)
from markupsafe import Markup, escape

from .answers import Tree, Unreadable

MOST = 5
"""The number of questions, and of topics, that a row lists at most."""

LONG = 12
"""The most letters that the narrowest column of a table has room for."""


@dataclass(frozen=True)
class Used:
    """A name of a study, with what uses it."""

    name: Name
    anchor: str
    """Its id on the page; "" if an earlier cell has the same name."""
    questions: Mapping[str, int]
    """The keys of questions whose code uses it, each with how much it is about it."""
    topics: tuple[str, ...]
    package: Path

    @property
    def file(self) -> Path | None:
        """The file that documents it, if that is a file of the study."""
        local = not self.name.docs.startswith("https:")
        return self.package / self.name.docs if local else None

    @property
    def example(self) -> Path | None:
        """The file that shows it, if no question and no answer does."""
        shown = self.questions or self.topics
        return None if shown else self.package / EXAMPLES

    @property
    def about(self) -> list[str]:
        """The questions that speak of it."""
        return [key for key, score in self.questions.items() if score > 0]


@dataclass(frozen=True)
class Cell:
    """The names that a study has for a purpose, with what uses them."""

    counterpart: Counterpart
    used: tuple[Used, ...]


@dataclass(frozen=True)
class Row:
    """A purpose, with what each study has for it."""

    purpose: Purpose
    cells: Mapping[str, Cell]

    @cached_property
    def questions(self) -> list[str]:
        """The keys of the questions that are most about its names, the best first."""
        score: dict[str, float] = defaultdict(float)
        for used in self.every:
            for key, about in used.questions.items():
                # A name that is used everywhere says little about a question.
                score[key] += (1 + 3 * about) / len(used.questions)
        return sorted(score, key=lambda key: -score[key])[:MOST]

    @cached_property
    def topics(self) -> list[str]:
        """The topics that use its names, those of most studies first."""
        return [
            t
            for t, _ in Counter(t for u in self.every for t in u.topics).most_common(
                MOST
            )
        ]

    @property
    def every(self) -> list[Used]:
        """The names of all studies."""
        return [used for cell in self.cells.values() for used in cell.used]

    def as_json(self) -> dict[str, Any]:
        """Return the row for a program."""
        return {
            "key": self.purpose.key,
            "purpose": self.purpose.title,
            "group": self.purpose.group,
            "questions": self.questions,
            "topics": self.topics,
            "studies": {
                study: {
                    "names": {used.name.name: used.name.docs for used in cell.used},
                    "note": cell.counterpart.note,
                    "absent": cell.counterpart.absent,
                }
                for study, cell in self.cells.items()
            },
        }


def index(tree: Tree, studies: Sequence[str] = ()) -> list[Row]:
    """Return the rows in order, with the counterparts of these studies, or of all.

    Raises:
        Unreadable: a table is wrong, and how.
    """
    rows: dict[str, dict[str, Cell]] = {key: {} for key in purposes()}
    taken: set[str] = set()
    places = {name: _Places(tree, name) for name in studies or tree.studies}
    try:
        found = {s: read(s, tree.entries[s].package) for s in places}
    except BadCounterpart as error:
        raise Unreadable(str(error)) from error
    for key, cells in rows.items():
        for study, counterparts in found.items():
            if key in counterparts:
                used: list[Used] = []
                for name in counterparts[key].names:
                    anchor = name.name.replace(" ", "")
                    used.append(
                        places[study].used(name, "" if anchor in taken else anchor)
                    )
                    taken.add(anchor)
                cells[study] = Cell(counterparts[key], tuple(used))
    return [Row(purpose, rows[key]) for key, purpose in purposes().items()]


def page(tree: Tree, studies: Sequence[str]) -> dict[str, Any]:
    """Return what the template of the index needs beside what all templates have."""
    rows = index(tree, studies)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.purpose.group, []).append(row)
    letters = {study: alphabetical(rows, study) for study in studies}
    return {
        "rows": rows,
        "by_group": groups,
        "letters": {study: found for study, found in letters.items() if found},
        "breakable": breakable,
    }


def alphabetical(rows: Iterable[Row], study: str) -> dict[str, list[str]]:
    """Return the names of a study from a to z, each with the ids of its rows."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for used in row.cells[study].used if study in row.cells else ():
            place = used.anchor or row.purpose.key
            found.setdefault(used.name.name, []).append(place)
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def matching(rows: Iterable[Row], text: str) -> list[Row]:
    """Return the rows that have a name, or else those in which a text occurs.

    The last part of a name is enough: "gather" finds ``asyncio.gather``.
    """
    every, text = [*rows], text.strip().lower()
    named = [
        row
        for row in every
        if any(f".{used.name.path}".lower().endswith(f".{text}") for used in row.every)
        or row.purpose.key == text
    ]
    return named or [
        row
        for row in every
        if text in row.purpose.title.lower()
        or any(text in used.name.name.lower() for used in row.every)
    ]


def breakable(name: str) -> Markup:
    """Return a name that may break after dots, and between the words of a long part."""
    parts = [
        re.sub("(?<=_)|(?<=[a-z])(?=[A-Z])", "<wbr>", part)
        if len(part) > LONG
        else part
        for part in re.split(r"\.(?=\w)", str(escape(name)))
    ]
    return Markup(".<wbr>".join(parts))


class _Places:
    """The tested code of a study."""

    def __init__(self, tree: Tree, study: str) -> None:
        self.package = package = tree.entries[study].package
        self.tested: list[Tested] = [*tested(package)]
        self.answers: dict[str, Published] = {}
        """The published answer that each function measures or shows."""
        for row in published(study, package):
            self.answers.setdefault(row.function, row)
            if row.snippet:
                self.answers.setdefault(row.snippet, row)

    def used(self, name: Name, anchor: str) -> Used:
        """Return a name with the questions and topics that use it."""
        here = [place for place in self.tested if place.code.uses(name)]
        rows = [self.answers[p.function] for p in here if p.function in self.answers]
        score: dict[str, int] = {}
        for row in rows:
            key = row.question.key
            score[key] = max(score.get(key, 0), _about(row, name))
        order = sorted(score, key=lambda key: (-score[key], _rarity(rows, key)))
        topics = dict.fromkeys(place.topic for place in here if place.topic)
        questions = {key: score[key] for key in order}
        return Used(name, anchor, questions, tuple(topics), self.package)


def _about(row: Published, name: Name) -> int:
    """Return how much an answer speaks of a name: 0 if it does not at all."""
    words = re.findall(r"\w+", name.path)
    wanted = rf"\b{re.escape(words[-1])}\b"
    texts = ((3, f"{row.way} {row.asked}"), (1, f"{row.why} {row.instead}"))
    return sum(weight for weight, text in texts if re.search(wanted, text))


def _rarity(rows: Sequence[Published], key: str) -> tuple[int, int]:
    (number, *_) = (row.question.number for row in rows if row.question.key == key)
    often = MOST_ASKED.index(number) if number in MOST_ASKED else len(MOST_ASKED)
    return often, number
