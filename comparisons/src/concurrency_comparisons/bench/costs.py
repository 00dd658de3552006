"""The page of costs: ``comparisons/pages/costs.md`` and ``costs.svg``.

It is made from ``comparisons/costs.json`` and ``costs.about.json``, which the bench
writes. The same figures make the same page, byte for byte.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from ..figures import FILE as FIGURES
from ..figures import PAGE, Figures, decided, duration, number
from ..rendering import templates
from ..timeline.svg import pixels
from .contestants import REFERENCE, libraries
from .report import beside_of


class NoFigures(Exception):
    """A lack of figures to make a page of. The message says how to measure them."""


def files(root: Path) -> dict[Path, str]:
    """Return the page and the picture by path.

    Raises:
        NoFigures: the files of figures are missing or damaged.
    """
    path = root / FIGURES
    shown = libraries(root)
    try:
        figures: Figures = json.loads(path.read_text("utf-8"))
        about: dict[str, Any] = json.loads(beside_of(path).read_text("utf-8"))
        page, picture = markdown(figures, about, shown), svg(figures, about)
    except FileNotFoundError as error:
        raise NoFigures(
            f"{Path(error.filename).relative_to(root)} is not there; run "
            f"`nox -s bench -- --json {FIGURES}` to make it"
        ) from error
    except (ValueError, KeyError, TypeError, UndefinedError) as error:
        raise NoFigures(
            f"{FIGURES} and {beside_of(path).name} are not what the bench writes, or "
            f"not of one run: {error!r}; run `nox -s bench -- --json {FIGURES}` to "
            "make both again"
        ) from error
    place = root / PAGE
    return {place: page, place.with_suffix(".svg"): picture}


def write(root: Path) -> list[Path]:
    """Write the page and the picture, and return their paths."""
    made = files(root)
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    return [*made]


def stale(root: Path) -> list[str]:
    """Return the names of the files that are missing or not of the current figures."""
    return [
        path.name
        for path, text in files(root).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def ranked(about: Mapping[str, Any]) -> list[str]:
    """Return all contestants, the one with the best geometric mean first."""
    means = about["geometric_means"]
    known = [*about["contestants"]]
    return sorted(known, key=lambda name: -means[name]["ratio"] if name in means else 0)


def markdown(figures: Figures, about: Mapping[str, Any], shown: Container[str]) -> str:
    """Return the page, with the versions of the libraries that are ``shown``."""
    contestants = ranked(about)
    details = about["benchmarks"]
    topics: dict[str, list[int]] = {}
    for name in figures:
        if topic := details[name]["topic"]:
            topics.setdefault(topic, []).append(details[name]["size"])

    def notes(name: str) -> Iterator[str]:
        smaller: dict[int, list[str]] = {}
        for label, one in details[name]["contestants"].items():
            if ":" not in label and one["size"] != details[name]["size"]:
                smaller.setdefault(one["size"], []).append(label)
        for size, who in smaller.items():
            yield f"Only {size:,} at once: {', '.join(who)}."
        for who, why in {**details[name]["absent"], **details[name]["failed"]}.items():
            yield f"Not measured: {who} ({why.splitlines()[0]})."

    def idiom(name: str, label: str) -> str:
        one = details[name]["contestants"][label]
        return f" ({one['idiom']})" if one["idiom"] and ":" not in label else ""

    def repeated(name: str, label: str) -> bool:
        """Return True if the row of the bare name shows this idiom already."""
        contestant, _, which = label.partition(":")
        bare = details[name]["contestants"].get(contestant)
        return bool(which) and bare is not None and bare["idiom"] == which

    versions = {
        name: ", ".join(
            f"{library} {version}"
            for library, version in sorted(
                about["contestants"][name]["libraries"].items()
            )
            if library in shown
        )
        for name in contestants
    }
    templates.filters["thousands"] = lambda size: f"{size:,}"
    return templates.get_template("costs.md").render(
        figures={name: _Missing(figures[name]) for name in figures},
        about=about,
        contestants=contestants,
        others=[name for name in contestants if name != REFERENCE],
        blocks=[name for name in figures if not details[name]["topic"]],
        topics=topics,
        libraries=versions,
        duration=duration,
        duration_in_minutes=f"{max(1, round(about['took_s'] / 60))} min",
        decided=decided,
        number=number,
        notes=notes,
        idiom=idiom,
        repeated=repeated,
    )


class _Missing(dict[str, Mapping[str, Any]]):
    """Figures by contestant; None for a contestant that takes no part."""

    def __missing__(self, _: str) -> None:
        return None


# The picture

_WIDTH = 800
_PANEL = _WIDTH / 2
_ROW = 16
_NAMES = 136
_VALUES = 44
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


def svg(figures: Figures, about: Mapping[str, Any]) -> str:
    """Return a picture with a panel for each building block.

    A panel has a dot for each contestant. The axis is logarithmic and the same in all
    panels. A line through a dot is the interval. A dot is hollow if its interval spans
    1.
    """
    blocks = [name for name in figures if not about["benchmarks"][name]["topic"]]
    rows = [name for name in ranked(about) if name != REFERENCE]
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
            "<title>Times as fast as asyncio</title>",
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
    one = pixels(axis.x(1))
    yield f'<text class="muted" x="{one}" y="12" text-anchor="middle">asyncio</text>'
    for power in axis.powers:
        at = pixels(axis.x(10.0**power))
        kind = "grid" if power else "one"
        yield f'<path class="{kind}" d="M{at} 20V{bottom}"/>'
        yield (
            f'<text class="muted" x="{at}" y="{bottom + 13}" text-anchor="middle">'
            f"{10.0**power:g}</text>"
        )
    for index, row in enumerate(rows):
        middle = 22 + _ROW * index + _ROW / 2
        yield f'<text x="12" y="{pixels(middle + 4)}">{escape(row)}</text>'
        figure = found.get(row)
        if figure is None:
            continue
        ratio, low, high = (figure[key] for key in ("ratio_to_asyncio", "low", "high"))
        at = pixels(axis.x(ratio))
        line = f"M{pixels(axis.x(low))} {pixels(middle)}H{pixels(axis.x(high))}"
        kind = "dot" if decided(figure) else "dot open"
        yield f'<path class="dot" d="{line}"/>'
        yield (
            f'<circle class="{kind}" cx="{at}" cy="{pixels(middle)}" r="3.5">'
            f"<title>{escape(_words(row, figure))}</title></circle>"
        )
        yield (
            f'<text class="muted" x="{pixels(_PANEL - 12)}" y="{pixels(middle + 4)}" '
            f'text-anchor="end">{number(ratio)}</text>'
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
    ratio, low, high = (number(figure[k]) for k in ("ratio_to_asyncio", "low", "high"))
    return f"{row} {ratio} ({low} to {high})"
