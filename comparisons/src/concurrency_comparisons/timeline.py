"""Pictures of what happened when: one lane an actor, one time axis for all studies.

They are drawn from the examples of the reports, so in virtual time, and are the same
to the byte for the same examples.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from .reports import Event, Example

# What happened, made into lanes


@dataclass
class Run:
    """One run of a job, from its start to its end."""

    start: float
    asleep: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """From when to when it slept."""
    awake: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """From when to when it did something else."""
    notes: list[Event] = field(default_factory=list[Event])
    end: Event | None = None
    """How it ended: ``end``, ``error`` or ``cancelled``; None if it has not."""
    until: float = 0
    """The last instant known of it."""
    due: float | None = None
    """While it sleeps: when it means to wake."""

    def happens(self, event: Event) -> None:
        """Take note of one more event of this run."""
        if event.what in ("sleep", "wake", *_ENDS):
            self.pass_time(event.at)
            self.due = event.at + _asleep_for(event) if event.what == "sleep" else None
        if event.what in _ENDS:
            self.end = event
        elif event.what not in ("start", "sleep", "wake"):
            self.notes.append(event)

    def pass_time(self, at: float) -> None:
        """What it did until now, it did until then."""
        spans = self.awake if self.due is None else self.asleep
        spans.append((self.until, at))
        self.until = at


@dataclass
class Lane:
    """All that one actor did: the runs of a job, or the calls of a plain callable."""

    name: str
    runs: list[Run] = field(default_factory=list[Run])
    calls: list[Event] = field(default_factory=list[Event])


def lanes(example: Example) -> list[Lane]:
    """The jobs in the order of their first start, then the plain callables.

    Jobs that start in the same instant stand in the order of their names: their own
    order is open, and differs from study to study. Runs of one name that overlap get a
    lane each; which event is whose is told by how long each means to sleep, so it is a
    guess where several of one name are cut short.
    """
    runs: dict[str, list[Run]] = {}
    callables: dict[str, Lane] = {}
    for event in example.events:
        if event.what == "call":
            lane = callables.setdefault(event.actor, Lane(event.actor))
            lane.calls.append(event)
            continue
        mine = runs.setdefault(event.actor, [])
        run = _whose(event, mine)
        if run in mine:
            mine.remove(run)
        mine.append(run)  # who moved last stands last
        run.happens(event)
    jobs: list[Lane] = []
    for actor, mine in runs.items():
        several: list[list[Run]] = []
        for run in sorted(mine, key=lambda run: (run.start, run.until, run.due or 0)):
            if run.end is None:
                run.pass_time(max(_last(example), run.until))
            free = (lane for lane in several if lane[-1].until <= run.start)
            lane = next(free, None)
            if lane is None:
                several.append([run])
            else:
                lane.append(run)
        for number, lane in enumerate(several, 1):
            name = actor if len(several) == 1 else f"{actor} no. {number}"
            jobs.append(Lane(name, runs=lane))
    jobs.sort(key=lambda lane: (lane.runs[0].start, lane.name))
    return [*jobs, *callables.values()]


_ENDS = ("end", "error", "cancelled")


def _asleep_for(event: Event) -> float:
    """The seconds of a sleep, which its detail names ("for ever", if none)."""
    try:
        return float(event.detail.removesuffix(" s"))
    except ValueError:
        return math.inf


def _whose(event: Event, runs: list[Run]) -> Run:
    """The run to which an event happens; of ``runs`` who moved last stands last."""
    alive = [run for run in runs if run.end is None]
    if event.what == "start" or not alive:
        return Run(event.at, until=event.at)
    asleep = [(run.due, run) for run in alive if run.due is not None]
    awake = [run for run in alive if run.due is None]
    if event.what == "wake" and asleep:
        return min(asleep, key=lambda pair: pair[0])[1]
    if event.what == "cancelled":
        # One that is cancelled while awake has just been doing something.
        awake = [run for run in awake if run.until == event.at or not asleep]
    if awake:
        return awake[-1]
    return max(asleep, key=lambda pair: pair[0])[1]


def _last(example: Example) -> float:
    return max([example.seconds, *(event.at for event in example.events)])


# The story in words


def story(example: Example) -> str:
    """What happened when, for those who cannot see the picture; one sentence."""
    told: list[str] = []
    for at, events in groupby(example.events, key=lambda event: event.at):
        actors = groupby(events, key=lambda event: event.actor)
        told.append(
            f"at {_seconds(at)} "
            + ", ".join(
                f"{actor} {' and '.join(_words(event) for event in own)}"
                for actor, own in actors
            )
        )
    told.append(f"the answer returns at {_seconds(example.seconds)}")
    return _clean("; ".join(told) + ".")


def _words(event: Event) -> str:
    match event.what:
        case "start" | "wake" | "end":
            return f"{event.what}s"
        case "sleep":
            return f"sleeps {event.detail}"
        case "error":
            return f"fails with {event.detail}"
        case "cancelled":
            return "is cancelled"
        case "call":
            return f"is given {event.detail}" if event.detail else "is called"
        case _:
            return f"notes {event.detail}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.10g} s"


def _clean(text: str) -> str:
    """What may stand in XML: controls and the like may not."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


# The picture

_WIDTH = 800
_PAD = 12
_CHARACTER = 7.4
"""Width of a character: a little more than 0.6 em of 12 px, so that nothing is cut."""
_LANE = 20
_ROW = 17
_LONGEST_NAME = 26

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
    ("returned", "stroke", "muted"),
    ("job", "fill", "job"),
    ("call", "fill", "call"),
    ("note", "stroke", "ink"),
    ("error", "stroke", "error"),
    ("cancelled", "stroke", "cancelled"),
)
_MARKS = {
    "start": "starts",
    "sleep": "sleeps",
    "awake": "is awake",
    "end": "ends",
    "error": "fails",
    "cancelled": "is cancelled",
    "call": "is called",
    "note": "notes something",
    "returned": "the answer returns",
}
"""The legend, in its order."""


def svg(examples: list[tuple[str, Example]], *, title: str) -> str:
    """One picture with a section for each (label, example), on one time axis.

    It stands for itself as a file, and any number may stand inline in one page: it has
    no ids, and its style reaches nothing outside of ``.study-timeline``.
    """
    return _Picture(examples, title).drawn()


class _Picture:
    def __init__(self, examples: list[tuple[str, Example]], title: str) -> None:
        self.title = _clean(title)
        self.examples = examples
        self.sections = [(label, one, lanes(one)) for label, one in examples]
        names = [lane.name for _, _, found in self.sections for lane in found]
        widest = max([_cells(_fit(_clean(n), _LONGEST_NAME)) for n in names], default=0)
        self.left = _PAD + widest * _CHARACTER + 18
        self.right = _WIDTH - _PAD - 10
        self.span = max([_last(one) for _, one in examples], default=0)
        self.marks: set[str] = set()
        self.parts: list[str] = []
        self.y = 0.0

    def x(self, at: float) -> float:
        """Where an instant lies."""
        part = at / self.span if self.span else 0
        return self.left + part * (self.right - self.left)

    def drawn(self) -> str:
        self.axis(18)
        self.y = 24
        for label, example, found in self.sections:
            self.section(label, example, found)
        self.axis(self.y + 20)
        self.y += 30
        self.legend()
        height = round(self.y + _PAD)
        words = " ".join(self.told())
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="study-timeline" '
                f'role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
                f'height="{height}">',
                f"<title>{escape(self.title)}</title>",
                f"<desc>{escape(words)}</desc>",
                f"<style>{_style()}</style>",
                f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
                *self.parts,
                "</svg>",
                "",
            ]
        )

    def told(self) -> Iterator[str]:
        before: dict[str, str] = {}
        for label, example in self.examples:
            words = story(example)
            same = before.setdefault(words, label)
            yield f"{_clean(label)}: " + (
                words if same == label else f"the same as {_clean(same)}."
            )

    def axis(self, y: float) -> None:
        free = 0.0
        for at in _ticks(self.span):
            half = _cells(_seconds(at)) * _CHARACTER / 2
            x = min(self.x(at), _WIDTH - half)
            if x - half >= free:
                self.text(_seconds(at), x, y, kind="muted", anchor="middle")
                free = x + half + _CHARACTER

    def behind(self, top: float, returned: float) -> str:
        """What lies behind the lanes of a section: the grid, and its end."""
        grid = "".join(
            f"M{_n(self.x(at))} {_n(top)}V{_n(self.y)}" for at in _ticks(self.span)
        )
        end = f"M{_n(self.x(returned))} {_n(top)}V{_n(self.y)}"
        return f'<path class="grid" d="{grid}"/><path class="returned" d="{end}"/>'

    def section(self, label: str, example: Example, found: list[Lane]) -> None:
        self.y += 8
        label = _fit(_clean(label), 40)
        x = _PAD + _cells(label) * _CHARACTER + 12
        self.text(label, _PAD, self.y + 14, kind="ink name")
        self.text(
            f"returns after {_seconds(example.seconds)}", x, self.y + 14, kind="muted"
        )
        self.y += 22
        top = self.y
        held = len(self.parts)
        for lane in found:
            if lane.calls:
                self.calls(lane)
            else:
                self.job(lane)
        if found:
            self.parts.insert(held, self.behind(top, example.seconds))
            self.marks.add("returned")

    def job(self, lane: Lane) -> None:
        middle = self.y + _LANE / 2
        self.name(lane.name, middle)
        for run in lane.runs:
            for begin, end in run.asleep:
                self.bar("sleep", begin, end, middle)
            for begin, end in run.awake:
                self.bar("awake", begin, end, middle)
            self.mark("start", self.x(run.start), middle)
            for event in run.notes:
                self.mark("note", self.x(event.at), middle, _words(event))
        # On top: the next run may start where one ends.
        rooms = [*(self.x(run.start) for run in lane.runs[1:]), self.right + 10]
        for run, limit in zip(lane.runs, rooms, strict=True):
            if run.end is None:
                continue
            x = self.x(run.end.at)
            self.mark(run.end.what, x, middle, _words(run.end))
            room = int((limit - x - 20) / _CHARACTER)
            if run.end.detail and room > 4:
                self.text(_fit(_clean(run.end.detail), room), x + 10, middle + 4)
        self.y += _LANE

    def calls(self, lane: Lane) -> None:
        """Marks with labels beside them, in as many rows as it needs."""
        self.name(lane.name, self.y + _ROW / 2)
        ends: list[list[tuple[float, float]]] = []
        for event in lane.calls:
            x = self.x(event.at)
            text, begin = self.beside(x, _clean(event.detail))
            low, high = x - 4.5, x + 4.5
            if text:
                low = min(low, begin) - 4
                high = max(high, begin + _cells(text) * _CHARACTER) + 4
            row = _free_row(ends, low, high)
            middle = self.y + row * _ROW + _ROW / 2
            said = f"{lane.name} {_words(event)} at {_seconds(event.at)}"
            self.mark("call", x, middle, said)
            if text:
                anchor = "end" if begin < x else ""
                self.text(text, x - 9 if anchor else begin, middle + 4, anchor=anchor)
        self.y += _ROW * len(ends) + 3

    def beside(self, x: float, text: str) -> tuple[str, float]:
        """A label that fits beside a mark at ``x``, and where it begins."""
        after, before = self.right + 10 - (x + 9), x - 9 - self.left
        width = _cells(text) * _CHARACTER
        if width > after and before > after:
            text = _fit(text, int(before / _CHARACTER))
            return text, x - 9 - _cells(text) * _CHARACTER
        return _fit(text, int(after / _CHARACTER)), x + 9

    def name(self, name: str, middle: float) -> None:
        self.text(_fit(_clean(name), _LONGEST_NAME), _PAD, middle + 4, whole=name)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        *,
        kind: str = "ink",
        anchor: str = "",
        whole: str = "",
    ) -> None:
        anchor = anchor and f' text-anchor="{anchor}"'
        hint = _title(whole) if _clean(whole) not in ("", text) else ""
        self.parts.append(
            f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{anchor}>'
            f"{escape(text)}{hint}</text>"
        )

    def bar(self, kind: str, begin: float, end: float, middle: float) -> None:
        """A thin one while asleep; what takes no time is seen nevertheless."""
        self.marks.add(kind)
        tall = 2 if kind == "sleep" else 10
        low, high = self.x(begin), self.x(end)
        if high - low < 3 and kind == "awake":
            low, high = low - 1.5, low + 1.5
        self.parts.append(_bar(low, high, middle, tall))

    def mark(self, kind: str, x: float, middle: float, said: str = "") -> None:
        kind = kind if kind in _MARKS else "note"
        self.marks.add(kind)
        self.parts.append(_glyph(kind, x, middle, _title(said)))

    def legend(self) -> None:
        x: float = _PAD
        for kind, words in _MARKS.items():
            if kind not in self.marks:
                continue
            width = 24 + len(words) * _CHARACTER
            if x + width > _WIDTH - _PAD:
                x = _PAD
                self.y += _ROW
            middle = self.y + _ROW / 2
            if kind in ("sleep", "awake"):
                tall = 2 if kind == "sleep" else 10
                self.parts.append(_bar(x, x + 14, middle, tall))
            elif kind == "returned":
                line = f"M{_n(x + 7)} {_n(middle - 7)}v14"
                self.parts.append(f'<path class="returned" d="{line}"/>')
            else:
                at = x + (10 if kind == "start" else 7)
                self.parts.append(_glyph(kind, at, middle))
            self.text(words, x + 20, middle + 4, kind="muted")
            x += width + 14
        self.y += _ROW


def _bar(low: float, high: float, middle: float, tall: float) -> str:
    return (
        f'<rect class="job" x="{_n(low)}" y="{_n(middle - tall / 2)}" '
        f'width="{_n(high - low)}" height="{_n(tall)}"/>'
    )


def _glyph(kind: str, x: float, y: float, title: str = "") -> str:
    at = f"{_n(x)} {_n(y)}"
    round_ = f'cx="{_n(x)}" cy="{_n(y)}"'
    match kind:
        case "start":
            return f'<path class="job" d="M{at}l-7-6v12z">{title}</path>'
        case "end":
            return f'<path class="ink" d="M{at}m-1.5-7h3v14h-3z">{title}</path>'
        case "error":
            cross = f"M{at}m-5-5l10 10m0-10l-10 10"
            return f'<path class="error" d="{cross}">{title}</path>'
        case "cancelled":
            return (
                f'<g class="cancelled"><circle class="paper" {round_} r="5.5"/>'
                f'<path d="M{at}m-4 4l8-8"/>{title}</g>'
            )
        case "call":
            return f'<circle class="call" {round_} r="4.5">{title}</circle>'
        case _:
            return f'<circle class="note paper" {round_} r="4">{title}</circle>'


def _title(words: str) -> str:
    return f"<title>{escape(_clean(words))}</title>" if words else ""


def _style() -> str:
    """The style; a colour stands bare, too, for what draws but knows no variables."""

    def colours(index: int) -> str:
        return "".join(f"--{name}:{both[index]};" for name, both in _COLOURS.items())

    root = ".study-timeline"
    rules = [
        f"{root}{{{colours(0)}display:block;max-width:100%;height:auto}}",
        f"@media(prefers-color-scheme:dark){{{root}{{{colours(1)}}}}}",
        f"{root} text{{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;white-space:pre;"
        f"stroke:{_COLOURS['paper'][0]};stroke:var(--paper);stroke-width:3px;"
        "paint-order:stroke}",
        f"{root} .name{{font-weight:bold}}",
        f"{root} .returned{{stroke-dasharray:2 3}}",
        f"{root} .error,{root} .cancelled{{stroke-width:2.5;fill:none}}",
        *(
            f"{root} .{name}{{{what}:{_COLOURS[colour][0]};{what}:var(--{colour})}}"
            for name, what, colour in _RULES
        ),
    ]
    return "".join(rules)


def _free_row(rows: list[list[tuple[float, float]]], low: float, high: float) -> int:
    """The first row in which nothing lies between; it is taken by that."""
    for number, taken in enumerate(rows):
        if all(high < begin or end < low for begin, end in taken):
            taken.append((low, high))
            return number
    rows.append([(low, high)])
    return len(rows) - 1


def _ticks(span: float) -> list[float]:
    """Round instants from 0 to ``span``, at most eight or so."""
    if not span:
        return [0]
    rough = span / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
    return [n * step for n in range(int(span / step * 1.000001) + 1)]


def _cells(text: str) -> int:
    """How many characters wide a text is; some take the room of two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _fit(text: str, cells: int) -> str:
    """The text, cut short if it is wider than that."""
    if _cells(text) <= cells:
        return text
    while text and _cells(text) >= cells:
        text = text[:-1]
    return text + "…"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


# For a viewer of traces


def chrome_trace(examples: list[tuple[str, Example]]) -> str:
    """The same as Chrome trace JSON, which Perfetto shows: a process a study.

    Instants are in microseconds. Every lane is a thread, whose number no other has.
    """
    events: list[dict[str, Any]] = []
    thread = 0
    for process, (label, example) in enumerate(examples, 1):
        events.append(_meta("process", label, process, 0))
        for lane in lanes(example):
            thread += 1
            events.append(_meta("thread", lane.name, process, thread))
            place = {"pid": process, "tid": thread}
            events.extend(event | place for event in _traced(lane))
    shown = {"displayTimeUnit": "ms", "traceEvents": events}
    return json.dumps(shown, indent=1) + "\n"


def _meta(of: str, name: str, pid: int, tid: int) -> dict[str, Any]:
    args = {"name": name}
    return {"ph": "M", "name": f"{of}_name", "pid": pid, "tid": tid, "args": args}


def _traced(lane: Lane) -> Iterator[dict[str, Any]]:
    def span(name: str, begin: float, end: float) -> dict[str, Any]:
        long = _micro(end) - _micro(begin)
        return {"ph": "X", "name": name, "ts": _micro(begin), "dur": long}

    def mark(name: str, at: float) -> dict[str, Any]:
        return {"ph": "i", "name": name, "ts": _micro(at), "s": "t"}

    for run in lane.runs:
        yield span(lane.name, run.start, run.until)
        yield from (span("asleep", begin, end) for begin, end in run.asleep)
        yield from (mark(_words(event), event.at) for event in run.notes)
        if run.end is not None and run.end.what != "end":
            yield mark(_words(run.end), run.end.at)
    yield from (mark(event.detail or lane.name, event.at) for event in lane.calls)


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
