"""Comparisons to read on a code host: a folder with a page and pictures for each topic.

A page made again is the same, byte for byte. It carries a digest of the text that it
was made from, so that `stale` can find old pages without reports. Pages and pictures
begin in a way of their own (`is_made`). No other file is removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from concurrency_study import inputs
from concurrency_study.behaviours import Question
from concurrency_study.behaviours.published import Row, read
from concurrency_study.registry import QUESTIONS

from . import figures
from .answers import Tree
from .bench import cpu
from .questions import of_topic
from .rendering import linked, listed, templates
from .reports import Report, spoken
from .subject import Cell, Difference, Subject, versions

FOLDER = "comparisons/pages"
PAGE = "README.md"
"""The name of a page. A code host shows it with the folder."""
VERSION = 4
"""The version of a page's form. Raise it by hand when the form changes: that makes all
pages stale. A golden page in the tests says when that is so."""
BEGINNINGS = {
    ".md": "<!-- made from ",
    ".svg": '<svg xmlns="http://www.w3.org/2000/svg" class="study-timeline"',
}


def page(subject: Subject) -> str:
    """Return the page of a topic."""
    tree, topic = subject.tree, subject.topic
    topics = [*tree.topics]
    here = topics.index(topic.name)
    purpose, _, rest = topic.question.partition("\n\n")
    body = templates.get_template("topic.md").render(
        subject=subject,
        topic=topic,
        purpose=purpose,
        call=rest.partition("\n\n")[0],
        before=topics[here - 1] if here else "",
        after=topics[here + 1] if here + 1 < len(topics) else "",
        versions=_versions(subject.found),
        link=linked(tree, "../../.."),
        costs=_costs(subject),
        questions=_questions(subject),
        picture=_picture,
        reasons=_reasons,
        missed=_missed(subject),
        place=_place,
        spoken=spoken,
        listed=listed,
        cell=_in_cell,
    )
    seal = _sealed(body, _drawn(subject))
    made = made_from(tree, topic.name, [*tree.entries])
    return f"{made}\n<!-- holds {seal} -->\n{body}"


def index(tree: Tree) -> str:
    """Return the page that lists the pages."""
    made = "<!-- made from the titles of the topics -->"
    return f"{made}\n{templates.get_template('topics.md').render(tree=tree)}"


def write(subject: Subject) -> None:
    """Write the page and the pictures of a topic."""
    folder = subject.tree.root / FOLDER / subject.topic.name
    folder.mkdir(parents=True, exist_ok=True)
    for path in _pictures(folder):
        path.unlink()
    for file, text in _drawn(subject).items():
        (folder / file).write_text(text, "utf-8", newline="\n")
    (folder / PAGE).write_text(page(subject), "utf-8", newline="\n")


def tidy(tree: Tree) -> None:
    """Write the page that lists the pages, and remove those of former topics."""
    (tree.root / FOLDER / PAGE).write_text(index(tree), "utf-8", newline="\n")
    for path in _surplus(tree):
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def is_made(path: Path) -> bool:
    """Return whether this module has made a file."""
    start = BEGINNINGS.get(path.suffix, "")
    if not start or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(start)) == start


def stale(tree: Tree) -> list[str]:
    """Return the names of pages that are missing, changed, surplus, or out of date.

    A page is out of date if it was made from other text than the current one. No
    reports are needed to find out. A study that was added since then does not count:
    its page needs its report, and its own run is what proves it.
    """
    root = tree.root / FOLDER
    found = [path.relative_to(root).as_posix() for path in _surplus(tree)]
    start = root / PAGE
    if not start.exists() or start.read_text("utf-8") != index(tree):
        found.append(PAGE)
    for topic in tree.topics:
        page = root / topic / PAGE
        if not page.exists():
            found.append(f"{topic}/{PAGE}")
            continue
        made, holds, body = [*page.read_text("utf-8").split("\n", 2), "", ""][:3]
        pictures = {p.name: p.read_text("utf-8") for p in _pictures(page.parent)}
        seal = _sealed(body, pictures)
        studies = made.rpartition(" of ")[2].split()[:-1]
        if (made, holds) != (made_from(tree, topic, studies), f"<!-- holds {seal} -->"):
            found.append(f"{topic}/{PAGE}")
    return found


def made_from(tree: Tree, topic: str, studies: Sequence[str]) -> str:
    """Return the first line of a page: the digest of what it depends on."""
    costs = figures.of_topic(tree.root, topic, [*studies])
    keys = {each.key: (each.number, each.text) for each in of_topic(topic)}
    told = [
        (row.study, row.function, row.answers)
        for row in _published(tree)
        if row.question.key in keys and row.study in studies
    ]
    more = f"{VERSION} {' '.join(tree.topics)} {costs} {[*keys.values()]} {told}"
    if topic == cpu.TOPIC:
        more += f" {cpu.read(tree.root)}"
    entries = [tree.entries[name] for name in studies if name in tree.entries]
    digest = inputs.of_page(tree.root, entries, tree.sections, topic, more)
    return f"{BEGINNINGS['.md']}{digest} of {' '.join(studies)} -->"


@cache
def _published(tree: Tree) -> list[Row]:
    entries = tree.entries.items()
    return [row for study, entry in entries for row in read(study, entry.package)]


def _surplus(tree: Tree) -> list[Path]:
    """Return the files of former topics, and those of former forms."""
    root = tree.root / FOLDER
    homes = {root / topic for topic in tree.topics}
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.parent not in homes and path != root / PAGE and is_made(path)
    ]


def _drawn(subject: Subject) -> dict[str, str]:
    """Return the pictures of a topic by the names of their files."""
    others = {_picture(each): each.picture for each in subject.differences}
    example = {} if subject.topic.real else {"example.svg": subject.picture}
    return example | others | subject.front


def _picture(difference: Difference) -> str:
    """Return the name of a difference's picture."""
    return f"{difference.test.removeprefix('test_')}.svg"


def _pictures(folder: Path) -> list[Path]:
    """Return the files in a topic's folder with pictures of it."""
    return [path for path in sorted(folder.glob("*.svg")) if is_made(path)]


def _sealed(body: str, pictures: Mapping[str, str]) -> str:
    whole = hashlib.sha256(body.encode())
    for name, text in sorted(pictures.items()):
        whole.update(f"\0{name}\0{text}".encode())
    return f"sha256:{whole.hexdigest()}"


# The words of a page


def _reasons(difference: Difference) -> dict[str, list[str]]:
    """Return the reasons of a difference, each with the answers that it is for."""
    subject = difference.subject
    found: dict[str, list[str]] = {}
    for answer in subject.answers + subject.others:
        if answer.name in difference.cannot:
            reason = subject.outcome(answer).cannot[difference.test]
            found.setdefault(reason, []).append(answer.name)
    return found


def _missed(subject: Subject) -> dict[str, list[str]]:
    """Return the tests that an answer does not pass, each with these answers."""
    found: dict[str, list[str]] = {test: [] for test in subject.tests}
    for _, answers, tests in subject.reasons:
        for test in tests:
            found[test] += [answer.name for answer in answers]
    return {test: names for test, names in found.items() if names}


def _place(cell: Cell, mark: str = "") -> str:
    """Return the lines of a step: as 25-36, or as L25-L36 if the mark is L."""
    ends = dict.fromkeys((cell.lines[0].number, cell.lines[-1].number))
    return "-".join(f"{mark}{number}" for number in ends)


def _costs(subject: Subject) -> list[str]:
    """Return what an input costs with each study, of as many inputs as were tried."""
    return [
        f"{name} {figures.told(row[-1])}"
        for name, row in subject.costs.rows.items()
        if row[-1] is not None
    ]


def _versions(found: Mapping[str, Report]) -> str:
    named = (part for text in versions(found).values() for part in text.split(", "))
    return listed([*dict.fromkeys(named)])


def _questions(subject: Subject) -> tuple[list[str], list[tuple[Question, list[str]]]]:
    """Return worlds, and the questions with an answer for each, as in: no / yes.

    Worlds of a study that answer all questions alike are one, named after the study.
    """
    asked = of_topic(subject.topic.name)
    found: dict[str, list[str]] = {}
    for study, report in subject.found.items():
        if QUESTIONS in subject.tree.entries[study].leaves_out:
            continue
        rows = [row for row in _published(subject.tree) if row.study == study]
        versions = {"python": report.python, **report.libraries}
        told = {
            world: [_answers(rows, question, world, versions) for question in asked]
            for world in report.worlds
        }
        alike = len({*map(tuple, told.values())}) == 1
        found |= {study: told[report.worlds[0]]} if alike else told
    cells = zip(*found.values(), strict=True)
    return [*found], [(q, [*each]) for q, each in zip(asked, cells, strict=False)]


def _answers(
    rows: Sequence[Row], question: Question, world: str, versions: Mapping[str, str]
) -> str:
    mine = (row.answer(world, versions) for row in rows if row.question == question)
    return " / ".join(dict.fromkeys(filter(None, mine)))


def _in_cell(text: str) -> str:
    """Return a text escaped for a table in Markdown, in one line."""
    return " ".join(text.split()).replace("|", r"\|")
