"""Comparisons to read on a code host: a page in Markdown and pictures for each topic.

A page made again is the same, byte for byte. It carries a digest of the text that it
was made from, so that `stale` can find old pages without reports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from concurrency_study import inputs

from . import figures
from .answers import Line, Tree
from .comparison import dedented
from .questions import of_topic
from .rendering import linked, listed, templates
from .reports import spoken
from .subject import Subject, versions

FOLDER = "comparisons/pages"
VERSION = 3
"""The version of a page's form. Raise it by hand when the form changes: that makes all
pages stale. A golden page in the tests says when that is so."""


def page(subject: Subject) -> str:
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
        of_topic=of_topic,
        cell=_in_cell,
    )
    seal = _sealed(body, _drawn(subject))
    made = made_from(tree, subject.topic.name, [*tree.entries])
    return f"{made}\n<!-- holds {seal} -->\n{body}"


def write(subject: Subject) -> None:
    """Write the page and the pictures of a topic."""
    folder = subject.tree.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = subject.topic.name
    for path in _pictures(subject.tree, name):
        path.unlink()
    for file, text in _drawn(subject).items():
        (folder / file).write_text(text, "utf-8", newline="\n")
    (folder / f"{name}.md").write_text(page(subject), "utf-8", newline="\n")


def tidy(tree: Tree) -> None:
    """Remove the pages and pictures of topics that no longer exist."""
    for path in _surplus(tree):
        path.unlink()


def stale(tree: Tree) -> list[str]:
    """Return the names of pages that are missing, changed, surplus, or out of date.

    A page is out of date if it was made from other text than the current one. No
    reports are needed to find out. A study that was added since then does not count:
    its page needs its report, and its own run is what proves it.
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
        studies = made.rpartition(" of ")[2].split()[:-1]
        if (made, holds) != (made_from(tree, topic, studies), f"<!-- holds {seal} -->"):
            found.append(page.name)
    return found


def made_from(tree: Tree, topic: str, studies: Sequence[str]) -> str:
    """Return the first line of a page: the digest of what it depends on."""
    costs = figures.of_topic(tree.root, topic, [*studies])
    asked = [(each.number, each.text) for each in of_topic(topic)]
    more = f"{VERSION} {' '.join(tree.topics)} {costs} {asked}"
    entries = [tree.entries[name] for name in studies if name in tree.entries]
    digest = inputs.of_page(tree.root, entries, tree.sections, topic, more)
    return f"<!-- made from {digest} of {' '.join(studies)} -->"


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


def _code(lines: Sequence[Line]) -> str:
    start = dedented(lines)
    return "\n".join(line.text[start:].rstrip() for line in lines)


def _in_cell(text: str) -> str:
    """Return a text escaped for a table in Markdown."""
    return text.replace("|", r"\|")
