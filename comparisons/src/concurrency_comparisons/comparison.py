"""The comparison of answers: rows of parts, and the lines that they share."""

from __future__ import annotations

from collections.abc import Sequence

from .answers import GUARD, HELPERS, IMPORTS, SIGNATURE, Answer


def rows(answers: Sequence[Answer]) -> list[list[str]]:
    """Return the names of all parts in order. Parts with common code share a row.

    That makes answers comparable if one does steps 2 and 3 at once and another does
    them one after the other.
    """
    names = {name for answer in answers for name in answer.parts}
    numbers = sorted(int(n.removeprefix("step ")) for n in names if n[:5] == "step ")
    steps = [f"step {number}" for number in numbers]
    found: list[list[str]] = []
    until = ""  # the last step of the current row, if it has several
    for name in (IMPORTS, SIGNATURE, *steps, HELPERS, GUARD):
        if name not in names:
            continue
        if until:
            found[-1].append(name)
        else:
            found.append([name])
        ends = [a.parts[name].shares for a in answers if name in a.parts]
        until = max(("" if until == name else until, *ends), key=_step_number)
    return found


def _step_number(name: str) -> int:
    return int(name.removeprefix("step ") or 0)


def shared_lines(answers: Sequence[Answer]) -> dict[str, set[int]]:
    """Return the numbers of the lines that another answer has as well, by answer."""
    normals = {
        answer.name: {
            line.number: line.normal
            for part in answer.parts.values()
            for line in part.lines
            if line.normal
        }
        for answer in answers
    }
    having: dict[str, set[str]] = {}
    for name, lines in normals.items():
        for normal in lines.values():
            having.setdefault(normal, set()).add(name)
    return {
        name: {number for number, normal in lines.items() if len(having[normal]) > 1}
        for name, lines in normals.items()
    }
