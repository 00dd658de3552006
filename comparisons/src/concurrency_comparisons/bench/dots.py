"""The picture of costs: a dot for each contestant in each benchmark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ..figures import MEMORY, TIME, UNDECIDED, Figures, between, compared, decided
from ..timeline.svg import pixels
from .contestants import REFERENCE

_WIDTH = 800
_PANEL = _WIDTH / 2
_ROW = 16
_NAMES = 136
_VALUES = 92
_STYLE = (
    ".costs{--paper:#fff;--ink:#1b2430;--muted:#566272;--grid:#dfe4ea;--job:#1f6fbf;"
    "display:block;max-width:100%;height:auto}"
    "@media(prefers-color-scheme:dark){.costs{--paper:#14181d;--ink:#e6eaf0;"
    "--muted:#a3aebb;--grid:#2c343d;--job:#62aef5}}"
    ".costs text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "fill:#1b2430;fill:var(--ink)}"
    ".costs .paper{fill:#fff;fill:var(--paper)}"
    ".costs .name{font-weight:bold}"
    ".costs .muted{fill:#566272;fill:var(--muted)}"
    ".costs .grid{stroke:#dfe4ea;stroke:var(--grid);fill:none}"
    ".costs .one{stroke:#566272;stroke:var(--muted);fill:none}"
    ".costs .dot{fill:#1f6fbf;fill:var(--job);stroke:#1f6fbf;stroke:var(--job);"
    "stroke-width:1.5}"
    ".costs .open{fill:#fff;fill:var(--paper)}"
)


def svg(figures: Figures, about: Mapping[str, Any], ranked: Sequence[str]) -> str:
    """Return a picture with a panel for each building block.

    A panel has a dot for each contestant. The axis is logarithmic and the same in all
    panels. A line through a dot is the interval. A dot is hollow if its interval spans
    1.
    """
    blocks = [name for name in figures if not about["benchmarks"][name]["topic"]]
    rows = [name for name in ranked if name != REFERENCE]
    shown = [
        figures[name][row] for name in blocks for row in rows if row in figures[name]
    ]
    low = min([0.1, *(figure["low"] for figure in shown)])
    high = max([10.0, *(figure["high"] for figure in shown)])
    axis = _Axis(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    tall = 22 + _ROW * len(rows) + 26
    parts: list[str] = []
    for index, name in enumerate(blocks):
        x, y = index % 2 * _PANEL, index // 2 * tall + 8
        parts += _panel(name, figures[name], rows, axis, x, y)
    height = math.ceil(len(blocks) / 2) * tall + 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="costs" role="img" '
            f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
            "<title>Faster or slower than asyncio</title>",
            f"<desc>{escape(' '.join(_told(figures, blocks, rows)))}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


class _Axis:
    """A logarithmic axis: powers of ten, from the left of a panel to its right."""

    def __init__(self, low: int, high: int) -> None:
        self.powers = range(low, high + 1)

    def x(self, ratio: float) -> float:
        low, high = self.powers[0], self.powers[-1]
        part = (math.log10(ratio) - low) / (high - low)
        return _NAMES + part * (_PANEL - _NAMES - _VALUES - 16)


def _panel(
    name: str,
    found: Mapping[str, Mapping[str, Any]],
    rows: Sequence[str],
    axis: _Axis,
    x: float,
    y: float,
) -> Iterator[str]:
    yield f'<g transform="translate({pixels(x)} {pixels(y)})">'
    yield f'<text class="name" x="12" y="12">{escape(name)}</text>'
    bottom = 22 + _ROW * len(rows)
    worse, better = MEMORY if any("bytes" in one for one in found.values()) else TIME
    for word, at, anchor in (
        (f"{worse} ←", axis.x(1) - 30, "end"),
        ("asyncio", axis.x(1), "middle"),
        (f"→ {better}", axis.x(1) + 30, "start"),
    ):
        yield (
            f'<text class="muted" x="{pixels(at)}" y="12" text-anchor="{anchor}">'
            f"{word}</text>"
        )
    for power in axis.powers:
        at = pixels(axis.x(10.0**power))
        kind = "grid" if power else "one"
        yield f'<path class="{kind}" d="M{at} 20V{bottom}"/>'
        yield (
            f'<text class="muted" x="{at}" y="{bottom + 13}" text-anchor="middle">'
            f"{10 ** abs(power)}</text>"
        )
    for index, row in enumerate(rows):
        middle = 22 + _ROW * index + _ROW / 2
        yield f'<text x="12" y="{pixels(middle + 4)}">{escape(row)}</text>'
        figure = found.get(row)
        if figure is None:
            continue
        low, high = figure["low"], figure["high"]
        at = pixels(axis.x(figure["ratio_to_asyncio"]))
        line = f"M{pixels(axis.x(low))} {pixels(middle)}H{pixels(axis.x(high))}"
        kind = "dot" if decided(figure) else "dot open"
        yield f'<path class="dot" d="{line}"/>'
        yield (
            f'<circle class="{kind}" cx="{at}" cy="{pixels(middle)}" r="3.5">'
            f"<title>{escape(_words(row, figure))}</title></circle>"
        )
        yield (
            f'<text class="muted" x="{pixels(_PANEL - 12)}" y="{pixels(middle + 4)}" '
            f'text-anchor="end">{_short(compared(figure))}</text>'
        )
    yield "</g>"


def _told(
    figures: Figures, blocks: Sequence[str], rows: Sequence[str]
) -> Iterator[str]:
    for name in blocks:
        words = [
            _words(row, figures[name][row]) for row in rows if row in figures[name]
        ]
        yield f"{name}: {'; '.join(words)}."


def _words(row: str, figure: Mapping[str, Any]) -> str:
    return f"{row} {compared(figure)} ({between(figure)})"


def _short(words: str) -> str:
    return "" if words == UNDECIDED else words
