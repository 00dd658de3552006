"""What the bench has measured, as pages show it."""

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

Figure = Mapping[str, Any]
Figures = Mapping[str, Mapping[str, Figure]]
"""By the name of the benchmark, and the contestant's."""


@dataclass(frozen=True)
class Growth:
    """What the answers to a topic cost, as inputs become more."""

    sizes: Sequence[int]
    rows: Mapping[str, Sequence[Figure | None]]
    """A figure for each size, by the name of the contestant."""


def of_topic(root: Path, topic: str, studies: Sequence[str]) -> Growth:
    """What was measured of a topic: of the studies, in each of their worlds.

    There is nothing of a topic that takes no inputs, nor where nothing was measured.

    Raises:
        reports.Refused: the file is not what the bench writes.
    """
    path = root / FILE
    try:
        figures: Figures = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as error:
        raise Refused(
            f"{FILE} is not what the bench writes; `nox -s bench -- --json {FILE}` "
            "makes it anew"
        ) from error
    names = [name for name in figures if re.fullmatch(rf"{topic} at \d+", name)]
    rows: dict[str, list[Figure | None]] = {}
    for study in studies:
        for contestant in dict.fromkeys(c for name in names for c in figures[name]):
            if re.fullmatch(rf"{study}(-on-\w+)?", contestant):
                rows[contestant] = [figures[name].get(contestant) for name in names]
    return Growth([int(name.rpartition(" ")[2]) for name in names], rows)


def decided(figure: Figure) -> bool:
    """Whether the bench knows who is faster, or the figure is asyncio's own."""
    low, high = figure["low"], figure["high"]
    return not low <= 1 <= high or low == high == 1


def number(value: float) -> str:
    """Three digits, without an exponent."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """As in 1.25 µs; three digits."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def told(figure: Figure | None) -> str:
    """What an operation costs, and how many times as fast as asyncio it is."""
    if figure is None:
        return "not measured"
    ratio = number(figure["ratio_to_asyncio"])
    doubt = "" if decided(figure) else "?"
    return f"{duration(figure['per_operation_s'])} ({ratio}{doubt})"
