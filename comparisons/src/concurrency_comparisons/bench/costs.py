"""The costs, as pages show them.

They are read from ``comparisons/costs.json`` and ``costs.about.json``, which the bench
writes. `Costs` is shown on the site. This module also writes the page in Markdown,
``comparisons/pages/costs.md``, and its picture. The same figures make the same page,
byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import UndefinedError
from markdown_it import MarkdownIt
from markupsafe import Markup

from ..figures import (
    ALIKE,
    CLOSE,
    PAGE,
    UNDECIDED,
    Figure,
    Figures,
    between,
    compared,
    cost,
    in_a_second,
    microseconds,
)
from ..figures import FILE as FIGURES
from ..figures import REFERENCE as EXACT
from ..rendering import templates
from ..reports import Refused
from . import pools
from .contestants import REFERENCE, Benchmark, benchmarks, contestants, libraries
from .dots import svg
from .report import beside_of

ORDER = (
    *("asyncio", "uvloop", "asyncio-eager", "trio", "anyio-on-asyncio"),
    *("anyio-on-trio", "gevent", "threads"),
)
"""The contestants as readers look for them. All others follow."""


class NoFigures(Refused):
    """A lack of figures to make a page of. The message says how to measure them."""


@contextmanager
def _trusted(root: Path) -> Generator[None]:
    """Raise NoFigures if the block finds the figures missing or damaged."""
    path = root / FIGURES
    try:
        yield
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


Code = tuple[Path, int]
"""A file and a line of it."""


@dataclass(frozen=True)
class Row:
    """A contestant in a benchmark, in one of its idioms."""

    name: str
    idiom: str
    cost: str
    words: str
    """The comparison with asyncio, empty for the reference itself."""
    between: str
    """The interval of that comparison, in words."""
    at: tuple[float, float, float]
    """The ends of the interval and the cost itself on the axis: from 0 to 100."""
    code: Code
    """The file and the line of the function that was measured."""
    counts: bool
    """False if another idiom of the contestant is cheaper."""


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis of costs."""

    low: int
    """The power of ten at its beginning."""
    high: int
    memory: bool = False

    def at(self, value: float) -> float:
        """Return the place of a cost, from 0 for the beginning to 100 for the end."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(100 * min(max(part, 0), 1), 1)

    @property
    def labels(self) -> list[tuple[float, str]]:
        """The places of the powers of ten, each with its label."""
        powers = range(self.low, self.high + 1)
        return [(self.at(10.0**power), self._label(power)) for power in powers]

    def _label(self, power: int) -> str:
        if self.memory:
            return f"{10**power:,} B" if power < 3 else f"{10 ** (power - 3):,} KB"
        unit, size = ("ms", -3) if power >= -3 else ("µs", -6)
        return f"{10.0 ** (power - size):g} {unit}"


@dataclass(frozen=True)
class Costs:
    """The figures of the bench, and how they were made."""

    root: Path
    figures: Figures
    about: Mapping[str, Any]
    undecided: ClassVar = UNDECIDED
    alike: ClassVar = ALIKE
    close: ClassVar = CLOSE

    @property
    def path(self) -> Path:
        """The file of figures."""
        return self.root / FIGURES

    @classmethod
    def read(cls, root: Path) -> Costs:
        """Return the costs of a checkout.

        Raises:
            NoFigures: the files of figures are missing or damaged.
        """
        path = root / FIGURES
        with _trusted(root):
            figures: Figures = json.loads(path.read_text("utf-8"))
            about: dict[str, Any] = json.loads(beside_of(path).read_text("utf-8"))
            if unknown := figures.keys() - about["benchmarks"].keys():
                raise ValueError(f"no notes on {', '.join(sorted(unknown))}")
        return cls(root, figures, about)

    @classmethod
    def measured(cls, root: Path) -> Costs | None:
        """Return the costs of a checkout, or None if nothing was measured.

        Raises:
            NoFigures: there are figures, but they are damaged.
        """
        return cls.read(root) if (root / FIGURES).exists() else None

    @cached_property
    def contestants(self) -> list[str]:
        """All contestants, in the order of columns."""
        known: dict[str, Any] = self.about["contestants"]
        return [name for name in dict.fromkeys((*ORDER, *known)) if name in known]

    @cached_property
    def answering(self) -> list[str]:
        """The contestants whose answers to topics were measured."""
        topics = [n for n in self.figures if self.about["benchmarks"][n]["topic"]]
        found = {label for name in topics for label in self.figures[name]}
        return [name for name in self.contestants if name in found]

    @cached_property
    def ranked(self) -> list[str]:
        """All contestants, the one with the best geometric mean first."""
        means = self.about["geometric_means"]
        known = [*self.about["contestants"]]
        return sorted(known, key=lambda n: -means[n]["ratio"] if n in means else 0)

    @cached_property
    def blocks(self) -> dict[str, Benchmark]:
        """The benchmarks of single operations, by name."""
        known = benchmarks()
        found = [n for n in self.figures if not self.about["benchmarks"][n]["topic"]]
        return {name: known[name] for name in found if name in known}

    @cached_property
    def topics(self) -> dict[str, list[int]]:
        """The numbers of inputs that each topic was measured with."""
        found: dict[str, list[int]] = {}
        for name in self.figures:
            if topic := self.about["benchmarks"][name]["topic"]:
                size = self.about["benchmarks"][name]["size"]
                found.setdefault(topic, []).append(size)
        return found

    @cached_property
    def libraries(self) -> dict[str, str]:
        """The versions of the libraries that matter, by the name of the contestant."""
        shown = libraries(self.root)
        return {
            name: ", ".join(
                f"{library} {version}"
                for library, version in sorted(known["libraries"].items())
                if library in shown
            )
            for name, known in self.about["contestants"].items()
        }

    def title(self, name: str) -> str:
        """Return one operation of a benchmark as a reader would name it."""
        return self._sized(name, self.blocks[name].title)

    def does(self, name: str) -> str:
        """Return a sentence on the work in a benchmark."""
        return self._sized(name, self.blocks[name].does)

    def _sized(self, name: str, text: str) -> str:
        return text.format(size=f"{self.about['benchmarks'][name]['size']:,}")

    def figure(self, name: str, label: str) -> Figure | None:
        """Return a figure, or None if that was not measured.

        All ratios are to asyncio, so its own is exactly 1 where it is the reference.
        """
        found = self.figures.get(name, {}).get(label)
        return {**found, **EXACT} if found and label == REFERENCE else found

    def cost(self, name: str, label: str, count: int = 1) -> str:
        """Return the cost of some operations, if it was measured."""
        figure = self.figure(name, label)
        return cost(figure, count) if figure else "not measured"

    def compared(self, name: str, label: str, other: str = REFERENCE) -> str:
        """Return how a contestant compares with another, in words."""
        one, reference = self.figure(name, label), self.figure(name, other)
        if label == other:
            return "the reference"
        return compared(one, reference) if one and reference else "not measured"

    def per_second(self, name: str, label: str) -> str:
        """Return the number of operations in a second, with two digits."""
        figure = self.figure(name, label)
        return in_a_second(figure) if figure else "not measured"

    def html(self, text: str) -> Markup:
        """Return a text in Markdown as HTML."""
        return Markup(MarkdownIt().render(text))

    def axis(self, memory: bool) -> Axis:
        """Return the axis of all times, or of memory."""
        values = [
            math.log10(_value(figure))
            for name in self.blocks
            for figure in self.figures[name].values()
            if ("bytes" in figure) == memory
        ]
        return Axis(math.floor(min(values)), math.ceil(max(values)), memory)

    def rows(self, name: str) -> list[Row]:
        """Return a row for each contestant and idiom, the cheapest first."""
        found: list[Row] = []
        benchmark, details = self.blocks[name], self.about["benchmarks"][name]
        axis = self.axis(benchmark.kind == "memory")
        figures = sorted(self.figures[name].items(), key=lambda pair: _value(pair[1]))
        for label, figure in figures:
            contestant, _, which = label.partition(":")
            if self.repeated(name, label):
                continue
            idiom = details["contestants"][label]["idiom"]
            reference = label == REFERENCE
            low, high = _ends(figure)
            found.append(
                Row(
                    name=contestant,
                    idiom=idiom,
                    cost=cost(figure),
                    words="" if reference else compared(figure),
                    between="" if reference else between(figure),
                    at=(axis.at(low), axis.at(high), axis.at(_value(figure))),
                    code=self.code(contestant, benchmark, idiom),
                    counts=not which,
                )
            )
        return found

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each contestant."""
        return {name: one.path for name, one in contestants(self.root).items()}

    def code(self, contestant: str, benchmark: Benchmark, idiom: str) -> Code:
        """Return the file and the line of the function of a benchmark."""
        path = self.files[contestant]
        name = f"{benchmark.called}_{idiom}" if idiom else benchmark.called
        while True:
            text = path.read_text("utf-8")
            if found := re.search(rf"^(async )?def {name}\(", text, re.MULTILINE):
                return path, text.count("\n", 0, found.start()) + 1
            base = re.search(r"^from \.(\w+) import \*", text, re.MULTILINE)
            if base is None:
                return path, 1
            path = path.with_name(f"{base[1]}.py")

    def notes(self, name: str) -> Iterator[str]:
        """Yield sentences on contestants that do less work, or none."""
        details = self.about["benchmarks"][name]
        smaller: dict[int, list[str]] = {}
        for label, one in details["contestants"].items():
            if ":" not in label and one["size"] != details["size"]:
                smaller.setdefault(one["size"], []).append(label)
        for size, who in smaller.items():
            yield f"Only {size:,} at once: {', '.join(who)}."
        for who, why in {**details["absent"], **details["failed"]}.items():
            yield f"Not measured: {who} ({why.splitlines()[0]})."

    def idiom(self, name: str, label: str) -> str:
        """Return the idiom that a bare name means, in brackets."""
        one = self.about["benchmarks"][name]["contestants"][label]
        return f" ({one['idiom']})" if one["idiom"] and ":" not in label else ""

    def repeated(self, name: str, label: str) -> bool:
        """Return True if the row of the bare name shows this idiom already."""
        contestant, _, which = label.partition(":")
        known = self.about["benchmarks"][name]["contestants"]
        return bool(which) and known.get(contestant, {}).get("idiom") == which


def _value(figure: Figure) -> float:
    return figure["bytes"] if "bytes" in figure else figure["per_operation_s"]


def _ends(figure: Figure) -> tuple[float, float]:
    """Return the ends of the interval, as costs."""
    value = _value(figure) * figure["ratio_to_asyncio"]
    return value / figure["high"], value / figure["low"]


def files(root: Path) -> dict[Path, str]:
    """Return the page in Markdown and its picture by path.

    Raises:
        NoFigures: the files of figures are missing or damaged.
    """
    costs = Costs.read(root)
    with _trusted(root):
        page = markdown(costs, pools.read(root))
        picture = svg(costs.figures, costs.about, costs.ranked)
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


def _mean(ratio: float) -> str:
    return compared(dict.fromkeys(EXACT, ratio))


def markdown(costs: Costs, of_pools: Mapping[str, Any] | None) -> str:
    """Return the page in Markdown, with the figures of pools if there are any."""
    templates.filters["thousands"] = lambda size: f"{size:,}"
    return templates.get_template("costs.md").render(
        costs=costs,
        pools=of_pools,
        about=costs.about,
        figures=costs.figures,
        others=[name for name in costs.ranked if name != REFERENCE],
        mean=_mean,
        between=between,
        cost=cost,
        compared=compared,
        microseconds=microseconds,
    )
