"""Comparisons to read on a code host: a page in Markdown and pictures for each topic.

A page is made from the answers as text and from the reports of the isolated runs
(`Subject`). Made again, it is the same, byte for byte. It carries a digest of the text
that it was made from, so that `stale` can find old pages without reports.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from concurrency_study import inputs
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from . import figures, reports
from .answers import (
    GUARD,
    HELPERS,
    IMPORTS,
    SIGNATURE,
    Answer,
    Line,
    Topic,
    Tree,
)
from .comparison import rows
from .reports import Report, Story
from .timeline.lanes import in_order, lanes
from .timeline.svg import svg

FOLDER = "comparisons/pages"
TITLES = {
    IMPORTS: "Imports",
    SIGNATURE: "The call",
    HELPERS: "Helpers",
    GUARD: "The program",
}
FRONT_TOPIC, FRONT_TEST = "results_at_end", "test_the_first_error_stops_the_rest"
FRONT = {"asyncio:gather": "asyncio.gather", "asyncio": "asyncio.TaskGroup"}
"""The test and the answers of the picture on the README's front."""
VERSION = 1
"""The version of a page's form. Raise it by hand when the form changes: that makes all
pages stale. A golden page in the tests says when that is so."""

templates = Environment(
    loader=PackageLoader(__package__ or ""),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Cell:
    """The code of an answer in a step, or a sentence if there is none."""

    answer: Answer
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


@dataclass(frozen=True)
class Subject:
    """A topic with its answers, results, stories and costs."""

    tree: Tree
    topic: Topic
    found: Mapping[str, Report]

    @cached_property
    def answers(self) -> list[Answer]:
        """The recommended answer of each study."""
        return [each[0] for each in self._all if each]

    @cached_property
    def others(self) -> list[Answer]:
        """The other answers of each study."""
        return [answer for each in self._all for answer in each[1:]]

    @property
    def _all(self) -> Iterator[list[Answer]]:
        return (self.tree.answers(study, self.topic.name) for study in self.found)

    @cached_property
    def rows(self) -> list[Row]:
        """The parts of all answers: the steps, and the code around them."""
        return [
            Row(
                [self.title(name) for name in names],
                [_cell(answer, names) for answer in self.answers],
            )
            for names in rows(self.answers)
        ]

    def title(self, name: str) -> str:
        """Return the title of a part."""
        number = name.removeprefix("step ")
        if not number.isdecimal():
            return TITLES[name]
        return f"{number}. {self.topic.steps[int(number) - 1]}"

    @cached_property
    def suite(self) -> Path:
        """The file with the tests of all answers."""
        return self.tree.root / f"tests/conformance/test_{self.topic.name}.py"

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

    def outcome(self, answer: Answer) -> Outcome:
        """Return the results of the suite for an answer."""
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
    def reasons(self) -> list[tuple[str, list[Answer], list[str]]]:
        """The reasons for tests not passed, each with its answers and its tests."""
        tests: dict[tuple[str, str], list[str]] = {}
        answers = {answer.name: answer for answer in self.answers + self.others}
        for name, answer in answers.items():
            cannot = self.outcome(answer).cannot
            for test in self.tests:
                if test in cannot:
                    tests.setdefault((cannot[test], name), []).append(test)
        found: dict[tuple[str, ...], list[Answer]] = {}
        for (reason, name), mine in tests.items():
            found.setdefault((reason, *mine), []).append(answers[name])
        return [(reason, who, mine) for (reason, *mine), who in found.items()]

    @cached_property
    def examples(self) -> list[tuple[str, Story]]:
        """The story of each recommended answer's example, labelled for a picture.

        Worlds in which a study did the same share one story.
        """
        return [
            shown
            for study, report in self.found.items()
            for shown in _labelled(
                (study, story)
                for story in sorted(report.examples, key=lambda one: one.world)
                if (story.topic, story.variant) == (self.topic.name, "")
            )
        ]

    @property
    def picture(self) -> str:
        """The timeline of the example, as SVG."""
        return svg(self.examples, title=f"Timeline of the example of {self.topic.name}")

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
        return {f"{FRONT_TOPIC}-front.svg": svg(stories, title=title)}

    def _stories(self, answer: Answer, test: str) -> list[Story]:
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
    def costs_page(self) -> Path:
        """The page of all costs."""
        return self.tree.root / FOLDER / "costs.md"

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
        return self.tree.root / _question(self.topic.name)


def believed(tree: Tree, only: str | None = None) -> dict[str, Report]:
    """Return the reports of all studies from one Python: the newest that has them all.

    With ``only``, as in "3.13", return the reports of that Python.

    Raises:
        reports.Refused: no Python has them all. The message says what to run.
    """
    count: dict[str, int] = {}
    for study in tree.studies:
        for path in (tree.root / "reports").glob(f"{study}-*.jsonl"):
            python = path.stem.removeprefix(f"{study}-")
            if only in (None, python):
                count[python] = count.get(python, 0) + 1
    refused: list[reports.Refused] = []
    for python in sorted(count, key=lambda p: (count[p], _version(p)), reverse=True):
        try:
            return {
                study: reports.read(
                    tree.root / f"reports/{study}-{python}.jsonl", tree.root
                )
                for study in tree.studies
            }
        except reports.Refused as error:
            refused.append(error)
    if refused:
        raise refused[0]
    of = f" of Python {only}" if only else ""
    raise reports.Refused(
        f"found no reports{of} in the folder reports; run `nox -s compare` to make them"
    )


def _labelled(stories: Iterable[tuple[str, Story]]) -> list[tuple[str, Story]]:
    """Return each distinct story once, under the names of all studies that share it.

    A study that behaves differently in its worlds appears under their names.
    """
    told = list(stories)
    looks = {name: [lanes(s) for other, s in told if other == name] for name, _ in told}
    found: list[tuple[list[str], Story]] = []
    for name, story in told:
        look = lanes(story)
        same = all(look == other for other in looks[name])
        label = name if same else story.world
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


def markdown(subject: Subject) -> str:
    """Return the page of a topic."""
    tree = subject.tree
    topics = [*tree.topics]
    here = topics.index(subject.topic.name)
    body = templates.get_template("topic.md").render(
        subject=subject,
        topic=subject.topic,
        before=topics[here - 1] if here else "",
        after=topics[here + 1] if here + 1 < len(topics) else "",
        versions=versions(subject.found),
        link=linked(tree),
        cost=figures.told,
        spoken=spoken,
        listed=listed,
        code=_code,
        cell=_in_cell,
    )
    seal = _sealed(body, _drawn(subject))
    made = digest(tree, subject.topic.name)
    return f"<!-- made from {made} -->\n<!-- holds {seal} -->\n{body}"


def linked(tree: Tree) -> Callable[[Path], str]:
    """Return a function that makes a file's link, relative to a page's folder."""
    return lambda path: f"../../{path.relative_to(tree.root).as_posix()}"


def write(subject: Subject) -> None:
    """Write the page and the pictures of a topic."""
    folder = subject.tree.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = subject.topic.name
    for path in _pictures(subject.tree, name):
        path.unlink()
    for file, text in _drawn(subject).items():
        (folder / file).write_text(text, "utf-8", newline="\n")
    (folder / f"{name}.md").write_text(markdown(subject), "utf-8", newline="\n")


def tidy(tree: Tree) -> None:
    """Remove the pages and pictures of topics that no longer exist."""
    for path in _surplus(tree):
        path.unlink()


def stale(tree: Tree) -> list[str]:
    """Return the names of pages that are missing, changed, surplus, or out of date.

    A page is out of date if it was made from other text than the current one. No
    reports are needed to find out.
    """
    found = [path.name for path in _surplus(tree)]
    for topic in tree.topics:
        page = tree.root / FOLDER / f"{topic}.md"
        if not page.exists():
            found.append(page.name)
            continue
        made, holds, body = [*page.read_text("utf-8").split("\n", 2), "", ""][:3]
        pictures = {p.name: p.read_text("utf-8") for p in _pictures(tree, topic)}
        seal = _sealed(body, pictures)
        if (made, holds) != (
            f"<!-- made from {digest(tree, topic)} -->",
            f"<!-- holds {seal} -->",
        ):
            found.append(page.name)
    return found


def digest(tree: Tree, topic: str) -> str:
    """Return the digest of what the page of a topic depends on."""
    costs = figures.of_topic(tree.root, topic, [*tree.studies])
    more = f"{VERSION} {' '.join(tree.topics)} {costs}"
    return inputs.of_page(tree.root, tree.entries.values(), tree.sections, topic, more)


def spoken(test: str) -> str:
    """Return the name of a test as a sentence."""
    return test.removeprefix("test_").replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, as in: asyncio, trio and gevent."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _question(topic: str) -> str:
    return f"shared/src/concurrency_study/topics/{topic}.py"


def _surplus(tree: Tree) -> list[Path]:
    return [
        path
        for path in sorted((tree.root / FOLDER).glob("*"))
        if path.suffix in (".md", ".svg")
        and path.stem.partition("-")[0] not in (*tree.topics, "costs")
    ]


def _drawn(subject: Subject) -> dict[str, str]:
    """Return the pictures of a topic by the names of their files."""
    others = {f"{each.name}.svg": each.picture for each in subject.differences}
    return {f"{subject.topic.name}.svg": subject.picture} | others | subject.front


def _pictures(tree: Tree, topic: str) -> list[Path]:
    """Return the existing files with pictures of a topic."""
    folder = tree.root / FOLDER
    return sorted([*folder.glob(f"{topic}.svg"), *folder.glob(f"{topic}-*.svg")])


def _sealed(body: str, pictures: Mapping[str, str]) -> str:
    whole = hashlib.sha256(body.encode())
    for name, text in sorted(pictures.items()):
        whole.update(f"\0{name}\0{text}".encode())
    return f"sha256:{whole.hexdigest()}"


def _version(python: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", python)]


def _cell(answer: Answer, names: Sequence[str]) -> Cell:
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


def dedented(lines: Sequence[Line]) -> int:
    """Return the indentation that all lines share."""
    return min(
        (len(line.text) - len(line.text.lstrip()) for line in lines if line.text),
        default=0,
    )


def _code(lines: Sequence[Line]) -> str:
    start = dedented(lines)
    return "\n".join(line.text[start:].rstrip() for line in lines)


def _in_cell(text: str) -> str:
    """Return a text escaped for a table in Markdown."""
    return text.replace("|", r"\|")
