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


def told(figure: Figure | None) -> str:
    """Return the time of an operation, with its speed relative to asyncio."""
    if figure is None:
        return "not measured"
    ratio = number(figure["ratio_to_asyncio"])
    doubt = "" if decided(figure) else "?"
    return f"{duration(figure['per_operation_s'])} ({ratio}{doubt})"
