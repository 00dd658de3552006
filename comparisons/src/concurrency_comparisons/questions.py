"""The behaviour questions, with the answers of all studies that can be read here."""

from __future__ import annotations

import ast
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

from concurrency_study.behaviours import MOST_ASKED, SUBJECTS, Question, questions
from concurrency_study.behaviours.published import Row, kind_of, read

from .answers import Tree
from .reports import Refused, Report, Story, newest, version_in
from .timeline.lanes import lanes

MANY = 9
"""The most timelines of a page that are all drawn: each has some kilobytes."""


@dataclass(frozen=True)
class Told:
    """The answer of one way in one world."""

    row: Row
    world: str
    answer: str
    versions: Mapping[str, str]
    """The Python and the libraries that it was measured with."""
    measured: bool
    """True if a report that can be trusted holds the measurement."""
    stories: Mapping[str, Story] = field(default_factory=dict[str, Story], repr=False)
    """The stories of the study's functions in this world, by function."""

    @property
    def label(self) -> str:
        """The study and the way."""
        return f"{self.study}: {self.row.way}" if self.row.way else self.study

    @property
    def anchor(self) -> str:
        """The name of its code on the page of the question."""
        return f"{self.study}-{self.row.function}"

    @property
    def line(self) -> int:
        """The line at which its function begins."""
        return line_of(self.row.file, self.row.function)

    @property
    def story(self) -> Story | None:
        """The story of the run that measured it, if there is something to draw."""
        return self.stories.get(self.row.function)

    @property
    def study(self) -> str:
        """The study that the answer is of."""
        return self.row.study

    @property
    def code(self) -> str:
        """The function that measures it."""
        return function_in(self.row.file, self.row.function)

    @property
    def snippet(self) -> str:
        """The code to write instead, or ""."""
        return function_in(self.row.file, self.row.snippet) if self.row.snippet else ""

    @property
    def elsewhere(self) -> list[str]:
        """The answers with other versions, each with its condition."""
        told: list[str] = []
        for each in self.row.answers:
            if each.get("world", self.world) == self.world:
                on = {k: v for k, v in each.items() if k not in {"answer", "world"}}
                if each["answer"] != self.answer:
                    where = ", ".join(f"{name} {wanted}" for name, wanted in on.items())
                    told.append(f"{each['answer']} ({where or 'other versions'})")
                if not on:  # it always holds, so the rest is never reached
                    break
        return told

    def as_json(self) -> dict[str, Any]:
        """Return what a program may want to know of it."""
        row = self.row
        return {
            "world": self.world,
            "way": row.way,
            "answer": self.answer,
            "kind": kind_of(self.answer),
            "why": row.why,
            "instead": row.instead,
            "sources": list(row.sources),
            "disputed": list(row.disputed),
            "versions": dict(self.versions),
            "elsewhere": self.elsewhere,
            "measured": self.measured,
            "study": row.study,
            "function": row.function,
            "code": self.code,
            "snippet": self.snippet,
        }


@dataclass(frozen=True)
class Side:
    """One of two pieces of code that are compared."""

    told: Told
    function: str

    @property
    def instead(self) -> bool:
        """True if it is what to write instead."""
        return self.function != self.told.row.function

    @property
    def code(self) -> str:
        """Its text."""
        return function_in(self.told.row.file, self.function)

    @property
    def story(self) -> Story | None:
        """The story of its run, if there is something to draw."""
        return self.told.stories.get(self.function)


PREFERRED = ("asyncio", "trio", "threads", "gevent", "anyio", "generators")
"""The studies in the order in which a reader most probably looks for them."""


def preference(study: str) -> int:
    """Return the place of a study in `PREFERRED`; studies from elsewhere are last."""
    return PREFERRED.index(study) if study in PREFERRED else len(PREFERRED)


@dataclass(frozen=True)
class Asked:
    """A question with all its answers, in the order of the studies."""

    question: Question
    answers: tuple[Told, ...]

    @property
    def page(self) -> str:
        """The name of its page."""
        return f"question-{self.question.key}.html"

    @cached_property
    def lead(self) -> Told | None:
        """The answer to the question as most people type it."""
        asked = [told for told in self.answers if told.row.asked]
        return min(asked, key=lambda told: preference(told.study), default=None)

    @property
    def title(self) -> str:
        """The question as most people type it."""
        return self.lead.row.asked if self.lead else self.question.text

    @property
    def words(self) -> str:
        """The words that people type who ask it, in each library, for a search."""
        typed = [self.question.text, self.question.also]
        for told in self.answers:
            typed += [told.study, told.row.way, told.row.asked]
        words = re.findall(r"[\w.]+", " ".join(typed).lower())
        return " ".join(dict.fromkeys(word for word in words if word not in COMMON))

    @property
    def sides(self) -> list[Side]:
        """Two pieces of code to compare: the lead and what to write instead.

        If nothing has to be written instead, the other is a way that answers otherwise.
        """
        if not self.answers:
            return []
        told = self.lead or self.ways[0]
        if told.row.snippet:
            return [Side(told, told.row.function), Side(told, told.row.snippet)]
        differ = [each for each in self.ways if each.answer != told.answer]
        differ.sort(key=lambda each: each.study != told.study)
        return [Side(each, each.row.function) for each in [told, *differ[:1]]]

    @property
    def told(self) -> list[tuple[str, Story]]:
        """The stories of the two sides."""
        return [("", side.story) for side in self.sides if side.story is not None]

    @cached_property
    def by_world(self) -> dict[str, list[Told]]:
        """The answers in each world."""
        found: dict[str, list[Told]] = {}
        for told in self.answers:
            found.setdefault(told.world, []).append(told)
        return found

    @property
    def merged(self) -> list[tuple[Told, list[str]]]:
        """Each answer of a way, with the worlds in which it is the same."""
        found: dict[tuple[str, str, str], tuple[Told, list[str]]] = {}
        for told in self.answers:
            key = (told.study, told.row.function, told.answer)
            found.setdefault(key, (told, []))[1].append(told.world)
        return sorted(found.values(), key=lambda pair: preference(pair[0].study))

    @property
    def ways(self) -> list[Told]:
        """The first answer of each function, those of preferred studies first."""
        found: dict[tuple[str, str], Told] = {}
        for told in self.answers:
            found.setdefault((told.study, told.row.function), told)
        return sorted(found.values(), key=lambda told: preference(told.study))

    def way_of(self, told: Told) -> Told | None:
        """Return the way that shows what to write instead, if this page has it."""
        here = (t for t in self.ways if t.study == told.study)
        return next((t for t in here if t.row.function == told.row.snippet), None)

    @cached_property
    def alike(self) -> dict[str, Told]:
        """The first way with the same timeline, by the anchor of each that has one."""
        found: dict[str, Told] = {}
        firsts: list[tuple[Told, object]] = []
        for told in self.ways:
            if told.story is not None:
                look = (lanes(told.story), told.story.seconds)
                same = next((first for first, other in firsts if other == look), told)
                if same is told:
                    firsts.append((told, look))
                found[told.anchor] = same
        return found

    @cached_property
    def drawn(self) -> set[str]:
        """The anchors of the ways whose timelines are drawn.

        A page with more than `MANY` draws the first of each study.
        """
        own = [told for told in self.ways if self.alike.get(told.anchor) is told]
        firsts = {told.study: told for told in reversed(own)}
        chosen = own if len(own) <= MANY else firsts.values()
        return {told.anchor for told in chosen}

    @cached_property
    def tints(self) -> dict[str, str]:
        """A tint for each of the four answers that are given most often."""
        count = Counter(told.answer for told in self.answers).most_common()
        return {answer: tint for (answer, _), tint in zip(count, "abcd", strict=False)}

    def of_study(self, study: str) -> list[tuple[Told, list[str]]]:
        """Return the answers of a study, each with the worlds that give it.

        The list is empty if all worlds of the study give it.
        """
        mine = [(told, worlds) for told, worlds in self.merged if told.study == study]
        every = {world for _, worlds in mine for world in worlds}
        return [(told, [] if set(worlds) == every else worlds) for told, worlds in mine]

    @property
    def sources(self) -> list[str]:
        """The addresses that confirm an answer."""
        return [*dict.fromkeys(s for t in self.answers for s in t.row.sources)]

    @property
    def disputed(self) -> list[str]:
        """The addresses that say otherwise."""
        return [*dict.fromkeys(s for t in self.answers for s in t.row.disputed)]

    def words_in(self, world: str) -> frozenset[str]:
        """Return the answers that a world gives, by all its ways."""
        return frozenset(told.answer for told in self.by_world.get(world, []))

    def of(self, worlds: Sequence[str]) -> Asked:
        """Return the same question with the answers of these worlds only."""
        return Asked(self.question, tuple(t for t in self.answers if t.world in worlds))

    def differs(self, worlds: Sequence[str] = ()) -> bool:
        """Return whether these worlds, or all that answer, give other answers."""
        return len({self.words_in(w) for w in worlds or self.by_world}) > 1

    def as_json(self) -> dict[str, Any]:
        """Return the question and its answers for a program."""
        question = self.question
        return {
            "number": question.number,
            "key": question.key,
            "group": question.group,
            "question": question.text,
            "topics": list(question.topics),
            "answers": [told.as_json() for told in self.answers],
        }


def all_asked(
    tree: Tree, found: Mapping[str, Report] | None = None
) -> dict[str, Asked]:
    """Return all questions by key, with what is published and measured.

    Args:
        found: The reports to use; by default the newest of each study. A study without
            a report answers by what it publishes for the pinned versions.
    """
    told: dict[str, list[Told]] = {key: [] for key in questions()}
    for study in tree.studies:
        entry = tree.entries[study]
        report = found.get(study) if found is not None else _newest(tree.root, study)
        if report is not None:
            versions = {"python": report.python, **report.libraries}
        else:
            versions = {"python": platform.python_version(), **_pins(tree.root)}
        ran = {(b.function, b.world) for b in (report.behaviours if report else ())}
        stories: dict[str, dict[str, Story]] = {}
        for each in report.behaviours if report else ():
            if each.story is not None:
                stories.setdefault(each.world, {})[each.function] = each.story
        for row in read(study, entry.package):
            of = report.libraries if report else _own(row, versions)
            for world, least in entry.every_world.items():
                if found and report and world not in report.worlds:
                    continue  # these reports know nothing of it
                python = versions["python"]
                if least and version_in(python)[:2] < version_in(least):
                    python = least
                answer = row.answer(world, versions | {"python": python})
                if answer:
                    measured = (row.function, world) in ran
                    shown = {"python": python, **of}
                    told[row.question.key].append(
                        Told(
                            row, world, answer, shown, measured, stories.get(world, {})
                        )
                    )
    return {
        key: Asked(questions()[key], tuple(answers)) for key, answers in told.items()
    }


def leading(asked: Mapping[str, Asked]) -> list[Asked]:
    """Return the first question of each subject that people ask about most."""
    numbered = {each.question.number: each for each in asked.values()}
    return [numbered[first] for first, *_ in SUBJECTS if first in numbered]


WORST = (
    *(21, 33, 66, 10, 14, 15, 28, 23, 37, 5, 4),
    *(26, 2, 34, 20, 11, 55, 56, 67, 69, 75),
)
"""The numbers of the questions whose other answer breaks most programs that move."""
SILENT = frozenset({"hangs", "crashes", "lost", "nowhere", "only logged"})
"""Answers that a program may not notice."""


def changed(asked: Mapping[str, Asked], one: str, other: str) -> list[Asked]:
    """Return the questions that two studies answer otherwise, the worst first.

    The questions of `WORST` come first, then those whose answer in the second study a
    program may not notice, then those that need other code, then the rest.
    """

    def worst(each: Asked) -> tuple[int, bool, bool, int]:
        before = {t.answer for t, _ in each.of_study(one)}
        mine = [t for t, _ in each.of_study(other) if t.answer not in before]
        number = each.question.number
        rank = WORST.index(number) if number in WORST else len(WORST)
        return (
            rank,
            not any(t.answer in SILENT for t in mine),
            not any(t.row.instead for t in mine),
            number,
        )

    found = [
        each
        for each in asked.values()
        if {t.answer for t, _ in each.of_study(one)}
        != {t.answer for t, _ in each.of_study(other)}
    ]
    return sorted(found, key=worst)


def of_topic(topic: str) -> list[Question]:
    """Return the questions that the answers to a topic depend on."""
    return [each for each in questions().values() if topic in each.topics]


def matching(asked: Iterable[Asked], text: str) -> list[Asked]:
    """Return the questions that fit some words, the best first.

    A number or a key finds its question alone.
    """
    every = [*asked]
    for each in every:
        if text.strip() in {str(each.question.number), each.question.key}:
            return [each]
    words = [_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower())]
    words = [word for word in words if word not in COMMON] or words
    scored = [(_score(each, words), each) for each in every]
    found = [pair for pair in scored if pair[0] > 0]
    found.sort(key=lambda pair: (-pair[0], pair[1].question.number))
    return [each for _, each in found]


COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are be by can do does for from how i if in is it my of on one or the "
        "to was what when which who why with",
    )
)
"""Words that tell nothing of what is searched."""


def _stem(word: str) -> str:
    for end in ("ation", "ling", "led", "ing", "ed", "es", "s"):
        if word.endswith(end) and len(word) - len(end) >= 4:
            return word.removesuffix(end)
    return word


def _score(asked: Asked, words: Sequence[str]) -> float:
    question = asked.question
    typed = " ".join({t.row.asked for t in asked.answers})
    title = f"{question.key} {question.text} {question.also} {typed}".lower()
    ways = " ".join({t.row.way for t in asked.answers}).lower()
    rest = " ".join({t.row.why + " " + t.row.instead for t in asked.answers}).lower()
    code = " ".join({t.code for t in asked.answers}).lower()
    total, hit = 0.0, 0
    for word in words:
        places = ((title, 3.0), (ways, 3.0), (rest, 1.0), (code, 0.5))
        gained = max((weight for place, weight in places if word in place), default=0)
        total, hit = total + gained, hit + bool(gained)
    place = MOST_ASKED.index(question.number) if question.number in MOST_ASKED else 20
    often = 1.5 - place / 40  # between questions that fit as well
    return often * total * hit / len(words) if words else 0.0


def function_in(path: Path, name: str) -> str:
    """Return the text of a function at the top of a file."""
    return _functions(path).get(name, (0, ""))[1]


def line_of(path: Path, name: str) -> int:
    """Return the line at which a function at the top of a file begins."""
    return _functions(path).get(name, (1, ""))[0]


@cache
def _functions(path: Path) -> dict[str, tuple[int, str]]:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name: (
            node.lineno,
            dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])),
        )
        for node in ast.parse(text).body
        if isinstance(node, kinds)
    }


def _newest(root: Path, study: str) -> Report | None:
    try:
        return newest(root, study)
    except Refused:
        return None


@cache
def _pins(root: Path) -> dict[str, str]:
    path = root / "constraints.txt"
    text = path.read_text("utf-8") if path.exists() else ""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def _own(row: Row, versions: Mapping[str, str]) -> dict[str, str]:
    return {row.study: versions[row.study]} if row.study in versions else {}
