"""The inputs of reports and pages: the files that decide what is in them.

A report depends on the questions, the answers of its study, the suite, and the worlds
that its study runs in. A page depends on the same files for one topic, of all studies.
Both keep a digest of their inputs, and are stale when it differs.

Answers and questions count in full, since pages show their text. Of the suite and the
worlds, comments, docstrings and blank lines do not count: they change no outcome.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from .registry import Entry, answers_in

SHARED = "shared/src/concurrency_study"
SUITE = "tests/conformance"


def of_report(root: Path, entry: Entry, sections: dict[str, tuple[str, ...]]) -> str:
    """Return the digest of what a report of this study depends on."""
    topics = [topic for section in sections.values() for topic in section]
    answers = [path for _, path in answers_in(entry.package, sections)]
    return digest(
        root,
        shown=[*questions(root, topics), *closure([*answers, *fronts([entry])])],
        run=[*sorted((root / SUITE).glob("*.py")), *worlds(root, [entry])],
    )


def of_page(
    root: Path,
    entries: Iterable[Entry],
    sections: dict[str, tuple[str, ...]],
    topic: str,
    more: str = "",
) -> str:
    """Return the digest of what the page of a topic depends on.

    Args:
        more: Further text that the page is made from, such as figures.
    """
    answering: list[Entry] = []
    answers: list[Path] = []
    for entry in entries:
        found = [p for each, p in answers_in(entry.package, sections) if each == topic]
        answers += found
        answering += [entry] * bool(found)
    return digest(
        root,
        shown=[*questions(root, [topic]), *closure([*answers, *fronts(answering)])],
        run=[
            *(root / SUITE / name for name in ("conftest.py", f"test_{topic}.py")),
            *worlds(root, answering),
        ],
        more=more,
    )


def questions(root: Path, topics: Iterable[str]) -> list[Path]:
    """Return the modules of these topics, and what all of them share."""
    folder = root / SHARED / "topics"
    return [folder / "__init__.py", *(folder / f"{topic}.py" for topic in topics)]


def fronts(entries: Iterable[Entry]) -> list[Path]:
    """Return the front doors of studies, which declare what they cannot do."""
    return [entry.package / "__init__.py" for entry in entries]


def worlds(root: Path, entries: Iterable[Entry]) -> list[Path]:
    """Return the modules of the worlds of these studies, and what these import."""
    names = {world for entry in entries for world in entry.every_world}
    found: list[Path] = []
    for point in entry_points(group="concurrency_study.worlds"):
        if point.name in names:
            path = Path(*point.module.split(".")).with_suffix(".py")
            places = [root / "shared/src", *(e.package.parent for e in entries)]
            found += [place / path for place in places if (place / path).is_file()][:1]
    return [*closure(found), root / SHARED / "plugin.py"]


def closure(paths: Iterable[Path]) -> list[Path]:
    """Return these files and those of the same package that they import."""
    found: dict[Path, None] = {}
    wanted = list(paths)
    while wanted:
        path = wanted.pop()
        if path not in found and path.is_file():
            found[path] = None
            wanted += imported(path)
    return sorted(found)


def imported(path: Path) -> Iterator[Path]:
    """Yield the files that a module may import by relative imports."""
    for level, module in relative_imports(path.read_text("utf-8")):
        base = path.parents[level - 1].joinpath(*module.split("."))
        yield base.with_suffix(".py")
        yield base / "__init__.py"


@cache
def relative_imports(text: str) -> list[tuple[int, str]]:
    """Return the modules that a text may import, each with the number of its dots."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    return [
        (node.level, f"{node.module or ''}.{name}".strip("."))
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for name in ("", *(alias.name for alias in node.names))
    ]


def digest(
    root: Path, shown: Iterable[Path], run: Iterable[Path], more: str = ""
) -> str:
    """Return a digest of texts: whole if they are shown, else their code alone."""
    whole = hashlib.sha256(more.encode())
    for paths, reading in ((shown, str), (run, code_of)):
        for path in sorted(set(paths)):
            if path.is_file():
                inside = path.is_relative_to(root)
                name = path.relative_to(root) if inside else path.name
                text = reading(path.read_text("utf-8"))
                whole.update(f"{Path(name).as_posix()}\0{text}\0".encode())
    return f"sha256:{whole.hexdigest()}"


@cache
def code_of(text: str) -> str:
    """Return the text of a module without comments, docstrings and blank lines."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    prose = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text.splitlines(), 1)
    kept = [line.partition("  # ")[0].rstrip() for n, line in lines if n not in prose]
    return "\n".join(line for line in kept if line.lstrip(" ")[:1] not in ("", "#"))
