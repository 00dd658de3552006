"""The bench's figures, as pages show them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .reports import Refused

FILE = "comparisons/costs.json"
PAGE = "comparisons/pages/costs.md"
"""The page of all costs."""

Figure = Mapping[str, Any]
Figures = Mapping[str, Mapping[str, Figure]]
"""Figures by the name of the benchmark and the name of the contestant."""


@dataclass(frozen=True)
class Growth:
    """The costs of the answers to a topic, as the number of inputs grows."""

    sizes: Sequence[int]
    rows: Mapping[str, Sequence[Figure | None]]
    """A figure for each size, by the name of the contestant."""


def of_topic(root: Path, topic: str, studies: Sequence[str]) -> Growth:
    """Return the figures of a topic, for each study in each of its worlds.

    The result is empty if the topic takes no inputs, or if nothing was measured.

    Raises:
        reports.Refused: the file is not what the bench writes.
    """
    path = root / FILE
    try:
        figures: Figures = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as error:
        raise Refused(
            f"{FILE} is not what the bench writes: {error}; run "
            f"`nox -s bench -- --json {FILE}` to make it again"
        ) from error
    names = [name for name in figures if re.fullmatch(rf"{topic} at \d+", name)]
    rows: dict[str, list[Figure | None]] = {}
    for study in studies:
        for contestant in dict.fromkeys(c for name in names for c in figures[name]):
            if re.fullmatch(rf"{study}(-on-\w+)?", contestant):
                rows[contestant] = [figures[name].get(contestant) for name in names]
    return Growth([int(name.rpartition(" ")[2]) for name in names], rows)


def decided(figure: Figure) -> bool:
    """Return True if the interval excludes 1, or if the figure is asyncio's own."""
    low, high = figure["low"], figure["high"]
    return not low <= 1 <= high or low == high == 1


def number(value: float) -> str:
    """Return a number with three digits, without an exponent."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Return a duration with its unit and three digits, as in 1.25 µs."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def microseconds(seconds: float) -> str:
    """Return a time with two digits, in microseconds, as in 5.5 µs, up to 1 ms."""
    if seconds < 0.9995e-3:
        return f"{_two_digits(seconds * 1e6)} µs"
    if seconds < 0.9995:
        return f"{_two_digits(seconds * 1e3)} ms"
    return f"{_two_digits(seconds)} s"


def cost(figure: Figure, count: int = 1) -> str:
    """Return the time or the memory of some operations, as in 5.5 µs or 969 bytes."""
    if "bytes" in figure:
        return f"{figure['bytes'] * count:,} bytes"
    return microseconds(figure["per_operation_s"] * count)


def in_a_second(figure: Figure) -> str:
    """Return the number of operations that fit into a second, with two digits."""
    rounded = float(f"{1 / figure['per_operation_s']:.2g}")
    return f"{rounded:,.0f}"


def _two_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:#.2g}".rstrip(".")


# Comparisons in words

REFERENCE: Figure = {"ratio_to_asyncio": 1.0, "low": 1.0, "high": 1.0}
"""The figure of asyncio, to which all ratios are."""
UNDECIDED = "no measurable difference"
ALIKE = "about the same"
CLOSE = 1.05
"""The factor up to which two costs are alike. The memory of a process is laid out
otherwise each time it is started, and that alone can make such a difference."""
TIME = ("slower", "faster")
MEMORY = ("more", "less")


def compared(figure: Figure, other: Figure = REFERENCE) -> str:
    """Return how one cost compares with another, as in 3.2 × slower.

    The words are those of `UNDECIDED` if the intervals overlap, since the difference
    may be chance then, and those of `ALIKE` if the factor is at most `CLOSE`. Of two
    ratios to asyncio, the quotient is the ratio of the two.
    """
    if figure["low"] <= other["high"] and other["low"] <= figure["high"]:
        return UNDECIDED
    mine, its = figure["ratio_to_asyncio"], other["ratio_to_asyncio"]
    factor = max(mine, its) / min(mine, its)
    if factor <= CLOSE:
        return ALIKE
    return f"{_factor(factor)} × {_words(figure)[mine > its]}"


def between(figure: Figure) -> str:
    """Return the interval of a comparison with asyncio, as in 3.1 to 3.4 × slower."""
    low, high = figure["low"], figure["high"]
    worse, better = _words(figure)
    if low < 1 < high:
        return f"{number(1 / low)} × {worse} to {number(high)} × {better}"
    ends = (low, high) if low >= 1 else (1 / high, 1 / low)
    numbers = " to ".join(dict.fromkeys(map(number, ends)))
    return f"{numbers} × {better if low >= 1 else worse}"


def _words(figure: Figure) -> tuple[str, str]:
    return MEMORY if "bytes" in figure else TIME


def _factor(factor: float) -> str:
    return f"{factor:.1f}" if factor < 9.95 else f"{factor:,.0f}"


def told(figure: Figure | None) -> str:
    """Return the cost of an operation, and how it compares with asyncio's."""
    if figure is None:
        return "not measured"
    if all(figure[key] == value for key, value in REFERENCE.items()):
        return cost(figure)
    return f"{cost(figure)}, {compared(figure)}"
