"""Timelines as pictures, in SVG."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from ..reports import Story
from .lanes import Lane, clean, gathered, in_order, lanes, stepped
from .scale import Scale
from .words import IN_ORDER, ending, in_seconds, label_of, marked, told

_WIDTH = 800
_NARROW = 360
"""The width of a picture that fits a phone."""
_PAD = 12
_CHARACTER = 7.4
"""Width of a character: a bit more than 0.6 em of 12 px, so that no text is clipped."""
_LANE = 20
_ROW = 15
_LONGEST_NAME = 24
_MOST = 10
"""Texts of a lane. If there are more, only the first three and the last are shown."""
_LEAST = 30
"""Characters that a shortened text must have room for."""

_COLOURS = {
    "paper": ("#ffffff", "#14181d"),
    "ink": ("#1b2430", "#e6eaf0"),
    "muted": ("#566272", "#a3aebb"),
    "grid": ("#dfe4ea", "#2c343d"),
    "job": ("#1f6fbf", "#62aef5"),
    "call": ("#7a3fb5", "#c495f5"),
    "error": ("#c2222b", "#ff7b7b"),
    "cancelled": ("#a85a00", "#f0a13c"),
}
_RULES = (
    ("paper", "fill", "paper"),
    ("ink", "fill", "ink"),
    ("muted", "fill", "muted"),
    ("grid", "stroke", "grid"),
    ("cut", "fill", "grid"),
    ("returned", "stroke", "muted"),
    ("leader", "stroke", "muted"),
    ("job", "fill", "job"),
    ("cleanup", "fill", "cancelled"),
    ("call", "fill", "call"),
    ("left", "fill", "error"),
    ("note", "stroke", "ink"),
    ("hold", "fill", "cancelled"),
    ("error", "stroke", "error"),
    ("cancelled", "stroke", "cancelled"),
)
_MARKS = {
    "start": "begins",
    "idle": "idle",
    "alive": "sleeps or waits",
    "awake": "works or blocks",
    "call": "calls, hands over",
    "note": "notes something",
    "hold": "is held, and another runs ahead, or the clock does",
    "end": "ends",
    "error": "fails",
    "cancelled": "is cancelled",
    "cleanup": "cleans up",
    "left": "still runs when the answer has ended",
    "returned": "the answer ends",
    "outside": "cancelled from outside",
    "cut": "time cut out",
}
"""The legend, in order."""
_BARS = {
    "idle": ("muted", 1),
    "alive": ("job", 2),
    "awake": ("job", 10),
    "cleanup": ("cleanup", 4),
}
"""The class and the height of each bar."""


def svg(stories: Sequence[tuple[str, Story]], *, title: str) -> str:
    """Return a picture with a section for each (label, story), on one time axis.

    The picture works as a file, and inline, any number of times in a page. For that it
    has no ids, and its style applies to nothing outside of ``.study-timeline``.
    """
    return _Picture(stories, title).drawn()


def narrow(
    stories: Sequence[tuple[str, Story]],
    *,
    title: str,
    beside: Sequence[tuple[str, Story]] = (),
) -> str:
    """Return a picture that can be read on a phone, to be put into a page.

    The names of lanes are above them. The page has the style (`style`), the legend
    (`legend`), and the label with the end (`ending`).

    Args:
        beside: The stories of all pictures in a row, which share a time axis.
    """
    return _Picture(stories, title, narrow=True, beside=beside or stories).drawn()


def sketch(story: Story) -> str:
    """Return the lanes of a story as lines, 220 pixels wide, for a list of topics."""
    steps = in_order([("", story)])
    shown = stepped(story) if steps else story
    found = [lane for lane in lanes(shown) if lane.kind][:7]
    scale = Scale([shown], 4, 216, 20)
    parts: list[str] = []
    for number, lane in enumerate(found):
        y = 5 + number * 7
        end = scale.x(shown.seconds if lane.end is None else lane.end)
        line = f"M{pixels(scale.x(lane.begin))} {y}H{pixels(end)}"
        parts.append(f'<path class="{lane.how or "end"}" d="{line}"/>')
    height = 10 + 7 * max(len(found) - 1, 0)
    return (
        f'<svg class="sketch" aria-hidden="true" viewBox="0 0 220 {height}" '
        f'width="220" height="{height}">{"".join(parts)}</svg>'
    )


def legend(stories: Sequence[tuple[str, Story]]) -> list[tuple[str, str]]:
    """Return a small picture of each mark of these stories, with its meaning."""
    picture = _Picture(stories, "", narrow=True)
    picture.drawn()
    return [
        (
            '<svg class="study-timeline mark" aria-hidden="true" '
            f'viewBox="0 0 18 18" width="18" height="18">{_sample(kind, 1, 9)}</svg>',
            meaning,
        )
        for kind, meaning in _MARKS.items()
        if kind in picture.marks
    ]


class _Picture:
    def __init__(
        self,
        stories: Sequence[tuple[str, Story]],
        title: str,
        *,
        narrow: bool = False,
        beside: Sequence[tuple[str, Story]] = (),
    ) -> None:
        self.title = clean(title)
        self.stories = stories
        self.narrow = narrow
        self.wide = _NARROW if narrow else _WIDTH
        self.steps = in_order(beside or stories)
        shown = [(label, stepped(s) if self.steps else s) for label, s in stories]
        found = gathered if narrow else lanes
        self.sections = [(label, story, found(story)) for label, story in shown]
        names = [_name(lane) for *_, found in self.sections for lane in found]
        widest = 0 if narrow else max(map(_cells, names), default=0)
        self.left = _PAD + (12 if narrow else widest * _CHARACTER + 18)
        self.right = self.wide - _PAD - 10
        axis = [stepped(s) if self.steps else s for _, s in beside or stories]
        cut = 40 if narrow else 70
        self.scale = Scale(axis, self.left, self.right, cut)
        self.x = self.scale.x
        self.marks: set[str] = set()
        self.parts: list[str] = []
        self.y = 0.0

    def drawn(self) -> str:
        self.axis(18)
        self.y = 24
        for section in self.sections:
            self.section(*section)
        if not self.steps and not self.narrow:
            self.axis(self.y + 20)
            self.y += 16
        if not self.narrow:
            self.y += 14
            self.legend()
        height = round(self.y + _PAD)
        story = " ".join(self.told())
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="study-timeline" '
                f'role="img" viewBox="0 0 {self.wide} {height}" width="{self.wide}" '
                f'height="{height}">',
                f"<title>{escape(self.title)}</title>",
                f"<desc>{escape(story)}</desc>",
                *([] if self.narrow else [f"<style>{style()}</style>"]),
                f'<rect class="paper" width="{self.wide}" height="{height}"/>',
                *self.parts,
                "</svg>",
                "",
            ]
        )

    def told(self) -> Iterator[str]:
        if self.steps:
            yield f"{IN_ORDER.capitalize()}."
        before: dict[str, str] = {}
        for label, story in self.stories:
            text = told(story, steps=self.steps)
            same = before.setdefault(text, label)
            yield f"{clean(label)}: " + (
                text if same == label else f"the same as {clean(same)}."
            )

    def axis(self, y: float) -> None:
        if self.steps:
            x = (self.left + self.right) / 2
            half = _cells(IN_ORDER) * _CHARACTER / 2
            self.text(
                IN_ORDER, min(x, self.wide - half - 4), y, "muted", anchor="middle"
            )
            return
        free = 0.0
        for at in self.scale.ticks(4 if self.narrow else 7):
            half = _cells(in_seconds(at)) * _CHARACTER / 2
            x = max(min(self.x(at), self.wide - half), half)
            if x - half >= free:
                self.text(in_seconds(at), x, y, "muted", anchor="middle")
                free = x + half + _CHARACTER

    def behind(self, top: float, story: Story) -> str:
        """Return the background of a section: the grid, the cut, and the end."""

        def line(kind: str, *instants: float) -> str:
            places = (pixels(self.x(at)) for at in instants)
            path = "".join(f"M{x} {pixels(top)}V{pixels(self.y)}" for x in places)
            return f'<path class="{kind}" d="{path}"/>'

        parts: list[str] = []
        if self.scale.cut:
            self.marks.add("cut")
            low, high = map(self.x, self.scale.gap)
            parts.append(
                f'<rect class="cut" x="{pixels(low + 8)}" y="{pixels(top)}" '
                f'width="{pixels(high - low - 16)}" height="{pixels(self.y - top)}"/>'
            )
        if not self.steps:
            ticks = self.scale.ticks(4 if self.narrow else 7)
            parts.append(line("grid", *ticks))
        self.marks.add("returned")
        parts.append(line("returned", story.seconds))
        if story.cancelled is not None:
            self.marks.add("outside")
            parts.append(line("cancelled outside", story.cancelled))
        return "".join(parts)

    def section(self, label: str, story: Story, found: list[Lane]) -> None:
        if not self.narrow:
            self.y += 8
            label = _fit(clean(label), 60)
            x = _PAD + _cells(label) * _CHARACTER + 12
            self.text(label, _PAD, self.y + 14, "name")
            self.text(ending(story, steps=self.steps), x, self.y + 14, "muted")
            self.y += 22
        top = self.y
        held = len(self.parts)
        for lane in found:
            self.lane(lane, story)
        if found:
            self.parts.insert(held, self.behind(top, story))

    def lane(self, lane: Lane, story: Story) -> None:
        self.name(lane, self.y + _LANE / 2)
        if self.narrow:
            self.y += _ROW
        middle = self.y + _LANE / 2
        end = story.seconds if lane.end is None else lane.end
        if lane.kind:
            self.bar("idle" if lane.hired else "alive", lane.begin, end, middle)
        for run in lane.runs:
            if lane.hired or not lane.kind:
                self.bar("alive", run.start, run.until, middle)
            for begin, until in run.awake:
                self.bar("awake", begin, until, middle)
            if run.interrupted is not None and run.until > run.interrupted:
                self.bar("cleanup", run.interrupted, run.until, middle)
        for kind, at, said in marked(lane, story.seconds):
            self.mark(kind, self.x(at), middle, said)
        labels = [
            *(_Label(self.x(at), name) for at, name in lane.labelled),
            *(_Label(self.x(event.at), label_of(event)) for event in lane.said),
            *(
                _Label(self.x(run.end.at), run.end.detail)
                for run in lane.runs
                if run.end is not None and run.end.what == "error"
            ),
        ]
        if len(labels) > _MOST:
            labels = [*labels[:3], *labels[-1:]]
        beside = "still runs" if lane.kind and lane.end is None else ""
        if beside and self.x(end) < self.right - 80:
            self.text(beside, self.x(end) + 12, middle + 4)
        free = math.inf if beside else self.x(end)
        self.y += _LANE + self.labels(labels, middle, free=free)

    def labels(self, labels: list[_Label], middle: float, *, free: float) -> float:
        """Draw texts below a lane or after its end, and return their height."""
        rows: list[list[tuple[float, float]]] = []
        edge = self.right + 10
        texts: list[tuple[str, str, float, float]] = []
        for label in sorted(labels, key=lambda label: -label.x):
            text = clean(label.text)
            width = _cells(text) * _CHARACTER
            if label.x >= free and label.x + 10 + width <= edge and not texts:
                texts.append((text, "", label.x + 10, middle + 4))
                continue
            room = int((edge - label.x + 3) / _CHARACTER)
            if room < _LEAST or _cells(text) - room < 10:
                # The text does not fit after the mark, so it ends before it.
                room = int((edge - self.left) / _CHARACTER)
            shown = _fit(text, room)
            width = _cells(shown) * _CHARACTER
            begin = max(self.left, min(label.x - 3, edge - width))
            row = _free_row(rows, begin - 4, begin + width + 4)
            low = middle + _LANE / 2 + row * _ROW
            line = f"M{pixels(label.x)} {pixels(middle + 5)}V{pixels(low)}"
            self.parts.append(f'<path class="leader" d="{line}"/>')
            texts.append((shown, text, begin, low + 10))
        for shown, text, x, y in texts:
            self.text(shown, x, y, whole=text)
        return len(rows) * _ROW + (3 if rows else 0)

    def name(self, lane: Lane, middle: float) -> None:
        label = _fit(clean(lane.label), _LONGEST_NAME)
        self.text(label, _PAD, middle + 4, whole=lane.label)
        if lane.sort:
            x = _PAD + (_cells(label) + 1) * _CHARACTER
            self.text(lane.sort, x, middle + 4, "muted", whole=lane.kind)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        kind: str = "",
        *,
        anchor: str = "",
        whole: str = "",
    ) -> None:
        kind = kind and f' class="{kind}"'
        anchor = anchor and f' text-anchor="{anchor}"'
        hint = _title(whole) if clean(whole) not in ("", text) else ""
        self.parts.append(
            f'<text{kind} x="{pixels(x)}" y="{pixels(y)}"{anchor}>'
            f"{escape(text)}{hint}</text>"
        )

    def bar(self, kind: str, begin: float, end: float, middle: float) -> None:
        self.marks.add(kind)
        low, high = self.x(begin), self.x(end)
        if kind == "awake" and high - low < 3:  # make it wide enough to be seen
            low, high = low - 1.5, low + 1.5
        self.parts.append(_bar(kind, low, high, middle))

    def mark(self, kind: str, x: float, middle: float, said: str = "") -> None:
        kind = kind if kind in _MARKS else "note"
        self.marks.add(kind)
        hint = "" if self.narrow else _title(said)  # the description has it
        self.parts.append(_glyph(kind, x, middle, hint))

    def legend(self) -> None:
        x: float = _PAD
        for kind, meaning in _MARKS.items():
            if kind not in self.marks:
                continue
            width = 24 + len(meaning) * _CHARACTER
            if x + width > _WIDTH - _PAD:
                x = _PAD
                self.y += _ROW + 3
            middle = self.y + _ROW / 2
            self.parts.append(_sample(kind, x, middle))
            self.text(meaning, x + 20, middle + 4, "muted")
            x += width + 14
        self.y += _ROW


@dataclass(frozen=True)
class _Label:
    x: float
    """The position of the mark that the text belongs to."""
    text: str


def _name(lane: Lane) -> str:
    return f"{_fit(clean(lane.label), _LONGEST_NAME)} {lane.sort}"


def _bar(kind: str, low: float, high: float, middle: float) -> str:
    of, tall = _BARS[kind]
    return (
        f'<rect class="{of}" x="{pixels(low)}" y="{pixels(middle - tall / 2)}" '
        f'width="{pixels(max(high - low, 0))}" height="{pixels(tall)}"/>'
    )


def _sample(kind: str, x: float, middle: float) -> str:
    """Return a mark of 14 pixels for a legend."""
    if kind in _BARS:
        return _bar(kind, x, x + 14, middle)
    if kind == "cut":
        return (
            f'<rect class="cut" x="{pixels(x)}" y="{pixels(middle - 7)}" '
            'width="14" height="14"/>'
        )
    if kind in ("returned", "outside"):
        line = f"M{pixels(x + 7)} {pixels(middle - 7)}v14"
        of = "returned" if kind == "returned" else "cancelled outside"
        return f'<path class="{of}" d="{line}"/>'
    return _glyph(kind, x + {"start": 10, "left": 3}.get(kind, 7), middle)


def _glyph(kind: str, x: float, y: float, title: str = "") -> str:
    at = f"{pixels(x)} {pixels(y)}"
    round_ = f'cx="{pixels(x)}" cy="{pixels(y)}"'
    match kind:
        case "start":
            return f'<path class="job" d="M{at}l-7-6v12z">{title}</path>'
        case "end":
            return f'<path class="ink" d="M{at}m-1.5-7h3v14h-3z">{title}</path>'
        case "error":
            cross = f"M{at}m-5-5l10 10m0-10l-10 10"
            return f'<path class="error" d="{cross}">{title}</path>'
        case "left":
            return f'<path class="left" d="M{at}m-1-6l10 6l-10 6z">{title}</path>'
        case "cancelled":
            return (
                f'<g class="cancelled"><circle class="paper" {round_} r="5.5"/>'
                f'<path d="M{at}m-4 4l8-8"/>{title}</g>'
            )
        case "hold":
            bars = f"M{at}m-4-6.5h3v13h-3zm5 0h3v13h-3z"
            return f'<path class="hold" d="{bars}">{title}</path>'
        case "call":
            return f'<circle class="call" {round_} r="4.5">{title}</circle>'
        case _:
            return f'<circle class="note paper" {round_} r="4">{title}</circle>'


def _title(hint: str) -> str:
    return f"<title>{escape(clean(hint))}</title>" if hint else ""


def style() -> str:
    """Return the style of pictures.

    It repeats colours for viewers that know no variables.
    """

    def colours(index: int) -> str:
        return "".join(f"--{name}:{both[index]};" for name, both in _COLOURS.items())

    root = ".study-timeline"
    rules = [
        f"{root}{{{colours(0)}display:block;max-width:100%;height:auto}}",
        f"@media(prefers-color-scheme:dark){{{root}{{{colours(1)}}}}}",
        f"{root} text{{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;white-space:pre;"
        f"fill:{_COLOURS['ink'][0]};fill:var(--ink);"
        f"stroke:{_COLOURS['paper'][0]};stroke:var(--paper);stroke-width:3px;"
        "paint-order:stroke}",
        f"{root} .name{{font-weight:bold}}",
        f"{root} .returned{{stroke-dasharray:2 3}}",
        f"{root} .error,{root} .cancelled{{stroke-width:2.5;fill:none}}",
        f"{root} .outside{{stroke-width:1.5;stroke-dasharray:5 3}}",
        f"{root} .leader{{stroke-width:.75}}",
        *(
            f"{root} .{name}{{{what}:{_COLOURS[colour][0]};{what}:var(--{colour})}}"
            for name, what, colour in _RULES
        ),
    ]
    return "".join(rules)


def _free_row(rows: list[list[tuple[float, float]]], low: float, high: float) -> int:
    """Return the first row that is free between two positions, and occupy it."""
    for number, taken in enumerate(rows):
        if all(high < begin or end < low for begin, end in taken):
            taken.append((low, high))
            return number
    rows.append([(low, high)])
    return len(rows) - 1


def _cells(text: str) -> int:
    """Return the width of a text in characters. Some characters count as two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _fit(text: str, cells: int) -> str:
    """Return the text, shortened if it is wider than ``cells``."""
    if _cells(text) <= cells:
        return text
    while text and _cells(text) >= cells:
        text = text[:-1]
    return text + "…"


def pixels(number: float) -> str:
    """Return a length or a position, to a tenth of a pixel."""
    return f"{number:.1f}".removesuffix(".0")
