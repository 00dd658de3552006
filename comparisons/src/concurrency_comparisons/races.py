"""The classic races: the code of each bug and of its fix, and what a search found.

`concurrency_study.races` has the bugs, and makes the records of the reports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from concurrency_study.races import BUGS, Bug, absent, present

from .answers import Line, Tree, Unreadable
from .comparison import aligned
from .lines import source_lines
from .reports import Race, Report

CODE = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Side:
    """The broken program, or its fix."""

    lines: Sequence[Line]
    changed: frozenset[int]
    """The numbers of the lines that the other one lacks."""

    @property
    def code(self) -> str:
        """The text."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Shown:
    """A bug in one study."""

    bug: str
    study: str
    path: Path | None
    """The file with the programs; None if there are none."""
    absent: str
    """The reason why the study has no program; "" if it has one."""
    found: Race | None
    """The result of the search; None if there is no report of it."""
    python: str = ""
    """The Python of the report."""
    text: str = field(default="", repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file.

        Raises:
            Unreadable: the file is not Python.
        """
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            raise Unreadable(f"{self.path}: {error}") from error

    @property
    def particular(self) -> str:
        """The docstring without its title."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[2].strip()

    @property
    def title(self) -> str:
        """The first line of the docstring without the name of the study."""
        line = (ast.get_docstring(self.tree) or "").partition("\n")[0]
        return line.partition(": ")[2]

    @cached_property
    def sides(self) -> tuple[Side, Side]:
        """The broken program and its fix.

        Raises:
            Unreadable: the file lacks one of them.
        """
        broken, fixed = self._lines("broken"), self._lines("fixed")
        changes = [*aligned(broken, fixed)]
        left = {c.left.number for c in changes if c.left and c.mark in "|<"}
        right = {c.right.number for c in changes if c.right and c.mark in "|>"}
        return Side(broken, frozenset(left)), Side(fixed, frozenset(right))

    @property
    def around(self) -> Side:
        """The code that both programs call."""
        apart = {"broken", "fixed"}
        parts = [self._source(n) for n in self._functions if n.name not in apart]
        lines = [
            line
            for part in parts
            for line in [*part, Line(part[-1].number + 1, "", False, "")]
        ]
        return Side(lines[:-1], frozenset())

    @property
    def replay(self) -> str:
        """The command that runs the schedule that failed; "" if none is known."""
        if self.found is None:
            return ""
        version = "-".join(self.python.split(".")[:2])
        return (
            f".nox/{self.study}-{version}/bin/python -m concurrency_study.races "
            f"{self.bug} {self.found.token}"
        )

    @property
    def outcome(self) -> str:
        """The result in short."""
        if self.absent:
            return "not shown"
        return self.found.found if self.found else "no report of a search"

    def as_json(self) -> dict[str, Any]:
        """Return it for a program."""
        here: dict[str, Any] = {"study": self.study, "absent": self.absent}
        if not self.absent:
            broken, fixed = self.sides
            here |= {"broken": broken.code, "fixed": fixed.code}
        if self.found is not None:
            here["found"] = {
                "world": self.found.world,
                "report": self.found.report,
                "replay": self.replay,
                "fixed": self.found.fixed,
                "usual": [event._asdict() for event in self.found.usual.events],
                "failed": [event._asdict() for event in self.found.failed.events],
            }
        return here

    @property
    def _functions(self) -> Iterator[CODE]:
        return (node for node in self.tree.body if isinstance(node, CODE))

    def _lines(self, name: str) -> list[Line]:
        node = next((node for node in self._functions if node.name == name), None)
        if node is None:
            raise Unreadable(f"{self.path}: there is no function {name!r}")
        return self._source(node)

    def _source(self, node: CODE) -> list[Line]:
        start = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        lines = source_lines(self.text)[start - 1 : node.end_lineno]
        return [
            Line(n, text, False, _normal(text)) for n, text in enumerate(lines, start)
        ]


def _normal(line: str) -> str:
    """Return a line as it is compared: without indent and the function's name."""
    return re.sub(r"\b(broken|fixed)\(", "(", line.strip())


def all_races(
    tree: Tree, found: Mapping[str, Report], studies: Sequence[str]
) -> dict[str, tuple[Bug, list[Shown]]]:
    """Return each bug with how it shows in the studies, by name."""
    return {
        name: (bug, [*_in_studies(tree, found, studies, name)])
        for name, bug in BUGS.items()
    }


def _in_studies(
    tree: Tree, found: Mapping[str, Report], studies: Sequence[str], bug: str
) -> Iterator[Shown]:
    for study in studies:
        package = tree.entries[study].package
        report = found.get(study)
        why = absent(package).get(bug)
        if why is not None:
            yield Shown(bug, study, None, why, None)
        elif bug in present(package):
            path = package / f"races/{bug}.py"
            races = report.races if report else []
            yield Shown(
                *(bug, study, path, ""),
                next((race for race in races if race.bug == bug), None),
                python=report.python if report else "",
                text=path.read_text("utf-8"),
            )
