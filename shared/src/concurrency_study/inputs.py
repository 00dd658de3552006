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
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from .available import installed_worlds
from .collector import parsed
from .registry import Entry, answers_in

SHARED = "shared/src/concurrency_study"
SUITE = "tests/conformance"
PLUGINS = ("available", "inside", "plugin", "suite")
"""The modules that decide which tests run, and how."""


def of_report(root: Path, entry: Entry, sections: dict[str, tuple[str, ...]]) -> str:
    """Return the digest of what a report of this study depends on."""
    topics = [topic for section in sections.values() for topic in section]
    answers = [path for _, path in answers_in(entry.package, sections)]
    return digest(
        root,
        shown=[
            *questions(root, topics),
            *closure([*answers, *fronts([entry])]),
            *behaviours(root, entry),
            *races(root, entry),
        ],
        run=[
            *sorted((root / SUITE).glob("*.py")),
            *sorted((root / "tests/behaviours").glob("*.py")),
            *sorted((root / "tests/races").glob("*.py")),
            *worlds(root, [entry]),
        ],
    )


def behaviours(root: Path, entry: Entry) -> list[Path]:
    """Return the files of the behaviour questions, and of a study's answers to them."""
    folders = (root / SHARED / "behaviours", entry.package / "behaviours")
    found = (path for folder in folders for path in sorted(folder.glob("*.*")))
    return [path for path in found if path.suffix in {".py", ".toml"}]


def races(root: Path, entry: Entry) -> list[Path]:
    """Return the files of a study's races, and of what searches for them."""
    folder = entry.package / "races"
    found = [*sorted(folder.glob("*.py")), *folder.glob("*.toml")]
    return [root / SHARED / "races.py", *found] if found else []


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


def worlds(root: Path, entries: Sequence[Entry]) -> list[Path]:
    """Return the modules of the worlds of these studies, and what these import.

    A world of another distribution imports `concurrency_study.world` by its full name,
    so that is always one of them.
    """
    names = {world for entry in entries for world in entry.every_world}
    found = [root / SHARED / "world/__init__.py"]
    places = [root / "shared/src", *(entry.package.parent for entry in entries)]
    for name, point in installed_worlds().items():
        if name in names:
            paths = [p for place in places for p in modules(place, point.module)]
            found += [path for path in paths if path.is_file()][:1]
    plugins = (root / SHARED / f"{name}.py" for name in PLUGINS)
    return [*closure(found), *plugins]


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
        yield from modules(path.parents[level - 1], module)


def modules(folder: Path, name: str) -> tuple[Path, Path]:
    """Return the two files that a module of this dotted name may be in a folder."""
    base = folder.joinpath(*name.split("."))
    return base.with_suffix(".py"), base / "__init__.py"


@cache
def relative_imports(text: str) -> list[tuple[int, str]]:
    """Return the modules that a text may import, each with the number of its dots."""
    try:
        tree = parsed(text)
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


_LAYOUT = frozenset(
    {
        *(tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        tokenize.ENDMARKER,
    }
)


@cache
def code_of(text: str) -> str:
    """Return the text of a module without comments, docstrings and blank lines."""
    try:
        tree = parsed(text)
    except SyntaxError:
        return text
    prose = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    # A `#` or a blank line inside a string is code, so tokens decide, not the text.
    lines = dict(enumerate(io.StringIO(text), 1))
    kept: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            number, column = token.start
            lines[number] = lines[number][:column].rstrip() + "\n"
        elif token.type not in _LAYOUT:
            kept |= {*range(token.start[0], token.end[0] + 1)}
    return "".join(line for n, line in lines.items() if n in kept - prose)
