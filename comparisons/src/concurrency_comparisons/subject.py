"""The subject of a page: a topic with its answers, results, stories and costs.

It is gathered from the answers as text and from the reports of the isolated runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from . import figures
from .answers import IMPORTS, AnswerFile, Line, Topic, Tree
from .bench import cpu
from .comparison import dedented, rows
from .questions import preference
from .reports import Report, Story, spoken
from .timeline.lanes import in_order, lanes
from .timeline.svg import narrow, sketch, svg
from .timeline.words import ending

FRONT_TOPIC, FRONT_TEST = "results_at_end", "test_the_first_error_stops_the_rest"
FRONT = {"asyncio:gather": "asyncio.gather", "asyncio": "asyncio.TaskGroup"}
"""The test and the answers of the picture on the README's front."""


@dataclass(frozen=True)
class Cell:
    """The code of an answer in a step, or a sentence if there is none."""

    answer: AnswerFile
    lines: list[Line]
    absent: str


@dataclass(frozen=True)
class Row:
    """A step of all answers, or several steps that share their code."""

    titles: list[str]
    cells: list[Cell]

    @property
    def slug(self) -> str:
        """The name in an address."""
        words = re.findall("[a-z0-9]+", self.titles[0].lower())
        return "-".join(words)


@dataclass
class Outcome:
    """The results of the suite for an answer.

    A test counts once for all worlds, and as passed only if it passes in each.
    """

    passed: set[str] = field(default_factory=set[str])
    cannot: dict[str, str] = field(default_factory=dict[str, str])
    """The reasons for tests not passed, by the name of the test. A reason begins with
    ``cannot:`` or with ``not by default:``."""

    def word(self, test: str) -> str:
        """Return "cannot" or "not by default" for a test that is not passed."""
        return self.cannot[test].partition(":")[0]

    @property
    def misses(self) -> list[str]:
        """The counts of tests not passed, as in: 1 cannot, 2 not by default."""
        counts = Counter(map(self.word, self.cannot))
        return [f"{count} {word}" for word, count in sorted(counts.items())]

    @property
    def words(self) -> str:
        """The counts of all tests, as in: 41 passed, 1 cannot."""
        return ", ".join([f"{len(self.passed)} passed", *self.misses])


@dataclass(frozen=True)
class Difference:
    """A test that some answers cannot pass, and the stories of all answers."""

    subject: Subject
    test: str
    cannot: list[str]
    """The names of the answers that cannot pass it."""
    stories: list[tuple[str, Story]]

    @property
    def name(self) -> str:
        """The name of its picture."""
        return f"{self.subject.topic.name}-{self.test.removeprefix('test_')}"

    @property
    def title(self) -> str:
        """The title of its picture."""
        return f"Timeline of a test of {self.subject.topic.name}: {spoken(self.test)}"

    @property
    def picture(self) -> str:
        """The timeline, as SVG."""
        return svg(self.stories, title=self.title)

    @property
    def figures(self) -> list[Figure]:
        """The timelines one by one, for a page that shows some of them."""
        return self.subject.figures(self.stories, self.title)


@dataclass(frozen=True)
class Figure:
    """A narrow timeline, drawn once for all answers that share it."""

    label: str
    ends: str
    """The end of the answer, as in: raises after 2 s."""
    answers: list[str]
    """The names of the answers."""
    svg: str

    @property
    def name(self) -> str:
        """A name that is the same for the same answers."""
        return class_of(self.answers)


def class_of(answers: Iterable[str]) -> str:
    """Return the name of the class of what is shown if one of these answers is."""
    return "shows-" + "-".join(map(slug, answers))


def slug(answer: str) -> str:
    """Return the name of an answer as a name in an address or a style."""
    return answer.replace(":", "-")


@dataclass(frozen=True)
class Subject:
    """A topic with its answers, results, stories and costs."""

    tree: Tree
    topic: Topic
    found: Mapping[str, Report]

    @cached_property
    def answers(self) -> list[AnswerFile]:
        """The recommended answer of each study."""
        return [each[0] for each in self._all if each]

    @cached_property
    def others(self) -> list[AnswerFile]:
        """The other answers of each study."""
        return [answer for each in self._all for answer in each[1:]]

    @cached_property
    def every(self) -> list[AnswerFile]:
        """All answers, in the order in which a reader most probably looks for them."""
        every = sorted(self.answers, key=lambda answer: preference(answer.study))
        return every + sorted(self.others, key=lambda one: preference(one.study))

    @property
    def _all(self) -> Iterator[list[AnswerFile]]:
        return (self.tree.answers(study, self.topic.name) for study in self.found)

    @cached_property
    def rows(self) -> list[Row]:
        """The parts of all answers: the steps, and the code around them."""
        return self._rows(self.answers)

    @cached_property
    def every_row(self) -> list[Row]:
        """The parts of all answers, also of the variants."""
        return self._rows(self.every)

    def _rows(self, answers: list[AnswerFile]) -> list[Row]:
        return [
            Row(
                [self.topic.heading(name) for name in names],
                [_cell(answer, names) for answer in answers],
            )
            for names in rows(answers)
        ]

    def width(self, answer: AnswerFile) -> int:
        """Return the length of the longest line of an answer's steps, at least 44."""
        lines = [
            len(line.text) - dedented(part.code)
            for part in answer.parts.values()
            if part.name != IMPORTS
            for line in part.code
        ]
        return max([44, *lines])

    @cached_property
    def told(self) -> list[tuple[str, Story]]:
        """All stories that the pictures show."""
        return [*self.examples, *(s for d in self.differences for s in d.stories)]

    @cached_property
    def shown(self) -> dict[str, list[str]]:
        """The columns with which each picture and reason is shown, by its class.

        What is about a variant is also shown with its study's recommended answer.
        """
        differing = [figure for each in self.differences for figure in each.figures]
        found = {f.name: f.answers for f in [*self.example_figures, *differing]}
        for _, answers, _ in self.reasons:
            names = [answer.name for answer in answers]
            found[class_of(names)] = names
        if self.missing:
            found[class_of(self.missing)] = self.missing
        return {
            name: list(dict.fromkeys(n for a in mine for n in (a, a.partition(":")[0])))
            for name, mine in found.items()
        }

    @cached_property
    def suite(self) -> Path:
        """The file with the tests of all answers."""
        return self.tree.suite(self.topic.name)

    @cached_property
    def places(self) -> dict[str, int]:
        """The line at which each test of the suite begins."""
        lines = self.suite.read_text("utf-8").split("\n")
        found = ((re.match(r"def (test_\w+)", line), n) for n, line in enumerate(lines))
        return {match[1]: number + 1 for match, number in found if match}

    def place(self, test: str) -> int:
        """Return the line at which a test, parametrized or not, begins."""
        return self.places.get(test.partition("[")[0], 1)

    @cached_property
    def tests(self) -> list[str]:
        """The tests that any answer has run, in the order of the file."""
        names = {
            test.test
            for report in self.found.values()
            for test in report.tests
            if test.topic == self.topic.name
        }
        return sorted(names, key=lambda name: (self.place(name), name))

    def outcome(self, answer: AnswerFile) -> Outcome:
        """Return the results of the suite for an answer."""
        return self._outcomes[answer.name]

    @cached_property
    def _outcomes(self) -> dict[str, Outcome]:
        return {a.name: self._outcome(a) for a in self.answers + self.others}

    def _outcome(self, answer: AnswerFile) -> Outcome:
        outcome = Outcome()
        for test in self.found[answer.study].tests:
            if (test.topic, test.variant) == (self.topic.name, answer.variant):
                if test.outcome == "passed":
                    outcome.passed.add(test.test)
                else:
                    why = test.reason or test.outcome
                    outcome.cannot[test.test] = why.replace("cannot ", "cannot: ", 1)
        outcome.passed -= outcome.cannot.keys()
        return outcome

    @cached_property
    def reasons(self) -> list[tuple[str, list[AnswerFile], list[str]]]:
        """The reasons for tests not passed, each with its answers and its tests."""
        tests: dict[tuple[str, str], list[str]] = {}
        answers = {answer.name: answer for answer in self.answers + self.others}
        for name, answer in answers.items():
            cannot = self.outcome(answer).cannot
            for test in self.tests:
                if test in cannot:
                    tests.setdefault((cannot[test], name), []).append(test)
        found: dict[tuple[str, ...], list[AnswerFile]] = {}
        for (reason, name), mine in tests.items():
            found.setdefault((reason, *mine), []).append(answers[name])
        return [(reason, who, mine) for (reason, *mine), who in found.items()]

    @property
    def missing(self) -> list[str]:
        """The names of the answers that do not pass every test."""
        return [a.name for a in self.answers + self.others if self.outcome(a).cannot]

    @cached_property
    def examples(self) -> list[tuple[str, Story]]:
        """The story of each recommended answer's example, labelled for a picture.

        Worlds in which a study did the same share one story.
        """
        return [
            shown
            for study in self.found
            for shown in _labelled(one for one in self._examples if one[0] == study)
        ]

    @property
    def _examples(self) -> Iterator[tuple[str, Story]]:
        for study, report in self.found.items():
            for story in sorted(report.examples, key=lambda one: one.world):
                if (story.topic, story.variant) == (self.topic.name, ""):
                    yield study, story

    @property
    def picture(self) -> str:
        """The timelines of the example as SVG, one for all studies that share it."""
        title = f"Timeline of the example of {self.topic.name}"
        return svg(_labelled(self._examples), title=title)

    def figures(self, stories: Sequence[tuple[str, Story]], title: str) -> list[Figure]:
        """Return a narrow timeline for each label, all on one time axis."""
        steps = in_order(stories)
        owners = {w: study for study, r in self.found.items() for w in r.worlds}

        def owner(shown: str) -> str:
            world, colon, variant = shown.partition(":")
            return owners.get(world, world) + colon + variant

        return [
            Figure(
                label,
                ending(story, steps=steps),
                list(dict.fromkeys(map(owner, label.split(", ")))),
                inlined([(label, story)], title=title, beside=stories),
            )
            for label, story in stories
        ]

    @property
    def example_figures(self) -> list[Figure]:
        """The timelines of the example one by one."""
        title = f"Timeline of the example of {self.topic.name}"
        return self.figures(self.examples, title)

    @property
    def sketch(self) -> str:
        """A very small timeline of the example of one study, or "" if none was run."""
        first = min(self._examples, key=lambda one: preference(one[0]), default=None)
        return sketch(first[1]) if first else ""

    @cached_property
    def differences(self) -> list[Difference]:
        """The tests that some answers cannot pass, with the stories of all answers.

        If the same answers cannot pass several tests, the first one is shown.
        """
        found: list[Difference] = []
        seen: set[tuple[str, ...]] = set()
        answers = self.answers + self.others
        outcomes = {answer.name: self.outcome(answer) for answer in answers}
        for test in self.tests:
            cannot = [a.name for a in answers if test in outcomes[a.name].cannot]
            stories = [(a.name, s) for a in answers for s in self._stories(a, test)]
            if not cannot or tuple(cannot) in seen:
                continue
            able = [a.name for a in self.answers if a.name not in cannot]
            told = {name for name, _ in stories}
            if not {*cannot[:1], *able[:1]} <= told:
                continue  # a story was too long to record, or no answer can pass
            seen.add(tuple(cannot))
            chosen = _labelled(
                (name, story) for name, story in stories if name in {*cannot, *able}
            )
            found.append(Difference(self, test, cannot, chosen))
        return found

    @property
    def front(self) -> dict[str, str]:
        """The picture on the README's front, if this topic has it, by file name."""
        if self.topic.name != FRONT_TOPIC:
            return {}
        names = {answer.name: answer for answer in self.answers + self.others}
        stories = [
            (label, story)
            for name, label in FRONT.items()
            if name in names
            for story in self._stories(names[name], FRONT_TEST)
            if story.world == names[name].study
        ]
        title = (
            "After an error, gather leaves its siblings running. TaskGroup does not."
        )
        return {"front.svg": svg(stories, title=title)}

    def _stories(self, answer: AnswerFile, test: str) -> list[Story]:
        return sorted(
            (
                story
                for story in self.found[answer.study].stories
                if (story.topic, story.test, story.variant)
                == (self.topic.name, test.partition("[")[0], answer.variant)
            ),
            key=lambda story: story.world,
        )

    @cached_property
    def costs(self) -> figures.Growth:
        """The costs of the answers."""
        tree = self.tree
        return figures.of_topic(tree.root, self.topic.name, [*tree.studies])

    @property
    def workers(self) -> cpu.Measured | None:
        """The work that computes, measured with 1, 2 and 4 workers, if that is it."""
        return cpu.read(self.tree.root) if self.topic.name == cpu.TOPIC else None

    @property
    def orders(self) -> dict[str, list[str]]:
        """The rules for the order of events, each with the studies that follow it.

        It is empty if the example takes time.
        """
        found: dict[str, list[str]] = {}
        if in_order(self.examples):
            for study, report in self.found.items():
                for story in report.examples:
                    if (story.topic, story.variant) == (self.topic.name, ""):
                        several = len(report.worlds) > 1
                        who = found.setdefault(story.order, [])
                        who.append(story.world if several else study)
        return found

    @property
    def question(self) -> Path:
        """The file with the contract."""
        return self.tree.questions / f"{self.topic.name}.py"


def _labelled(stories: Iterable[tuple[str, Story]]) -> list[tuple[str, Story]]:
    """Return each distinct story once, under the names of all studies that share it.

    An answer that behaves differently in the worlds of its study appears under the
    names of these worlds.
    """
    told = list(stories)
    looks = {name: [lanes(s) for other, s in told if other == name] for name, _ in told}
    found: list[tuple[list[str], Story]] = []
    for name, story in told:
        look = lanes(story)
        same = all(look == other for other in looks[name])
        _, colon, variant = name.partition(":")
        label = name if same else story.world + colon + variant
        for labels, other in found:
            if (lanes(other), other.seconds) == (look, story.seconds):
                if label not in labels:
                    labels.append(label)
                break
        else:
            found.append(([label], story))
    return [(", ".join(labels), story) for labels, story in found]


def versions(found: Mapping[str, Report]) -> dict[str, str]:
    """Return the versions that each study ran on, without the patch of Python."""
    return {
        study: ", ".join(
            [
                f"Python {'.'.join(report.python.split('.')[:2])}",
                *(f"{name} {version}" for name, version in report.libraries.items()),
            ]
        )
        for study, report in found.items()
    }


def inlined(stories: Sequence[tuple[str, Story]], **options: Any) -> str:
    """Return a narrow timeline as a page has it, with fewer bytes than as a file."""
    picture = narrow(stories, **options)
    picture = picture.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    return re.sub(r"></(?:path|circle)>", "/>", picture)


def _cell(answer: AnswerFile, names: Sequence[str]) -> Cell:
    parts = [answer.parts[name] for name in names if name in answer.parts]
    if not parts:
        return Cell(answer, [], "Not needed.")
    # The title of the row names a single step. Several steps keep their comments.
    lines = [
        line
        for part in parts
        for line in (part.lines if part.title and len(names) > 1 else part.code)
    ]
    while lines and not lines[-1].text.strip():
        lines.pop()
    return Cell(answer, lines, "" if lines else "Happens at the end of the block.")
