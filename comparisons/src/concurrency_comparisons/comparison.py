"""The comparison of answers: rows of parts, lines side by side, and shared lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from .answers import GUARD, HELPERS, IMPORTS, SIGNATURE, AnswerFile, Line


def rows(answers: Sequence[AnswerFile]) -> list[list[str]]:
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


def shared_lines(answers: Sequence[AnswerFile]) -> dict[str, set[int]]:
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


@dataclass(frozen=True)
class Change:
    """Two lines side by side. One of them may be missing."""

    left: Line | None
    mark: str
    """``=`` the same; ``≈`` the same but for the library's name; ``|`` changed; ``<``
    only on the left; ``>`` only on the right."""
    right: Line | None

    @property
    def blank(self) -> bool:
        """True if both sides are empty."""
        return not any(line and line.text.strip() for line in (self.left, self.right))


def aligned(left: Sequence[Line], right: Sequence[Line]) -> Iterator[Change]:
    """Yield two stretches of code side by side, line by line."""
    matcher = difflib.SequenceMatcher(
        None, [a.normal for a in left], [b.normal for b in right], autojunk=False
    )
    for tag, i, j, k, m in matcher.get_opcodes():
        for one, other in zip_longest(left[i:j], right[k:m]):
            if one is None:
                mark = ">"
            elif other is None:
                mark = "<"
            elif tag != "equal":
                mark = "|"
            else:
                mark = "=" if one.text.strip() == other.text.strip() else "≈"
            yield Change(one, mark, other)


def code_of(answer: AnswerFile, names: Sequence[str]) -> list[Line]:
    """Return the code of these parts of an answer, one after the other."""
    parts = [answer.parts[name] for name in names if name in answer.parts]
    return [line for part in parts for line in part.code]


def dedented(lines: Sequence[Line]) -> int:
    """Return the indentation that all lines share."""
    return min(
        (len(line.text) - len(line.text.lstrip()) for line in lines if line.text),
        default=0,
    )
