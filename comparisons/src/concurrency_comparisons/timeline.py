"""Timelines: a lane for each native actor, and one time axis for all.

They are drawn from the stories of the reports, so in virtual time. The same stories
make the same picture, byte for byte. If no time passes in the stories, the axis is the
order of events, with a step for each.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import Any
from xml.sax.saxutils import escape

from .reports import Event, Story

# From stories to lanes


@dataclass
class Run:
    """One run of a job in a native actor, from its start to its end."""

    name: str
    start: float
    awake: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """The spans in which it did not sleep."""
    asleep: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    interrupted: float | None = None
    """The instant at which a sleep was cut short. What follows is cleanup."""
    end: Event | None = None
    """The event ``end``, ``error`` or ``cancelled``; None if it has not ended."""
    until: float = 0
    """The last known instant of the run."""
    sleeps: bool = False

    def happens(self, event: Event) -> None:
        """Add an event to this run."""
        self.pass_time(event.at)
        if self.sleeps and event.what != "wake" and self.interrupted is None:
            self.interrupted = event.at
        self.sleeps = event.what == "sleep"
        if event.what in ENDS:
            self.end = event

    def pass_time(self, at: float) -> None:
        """Extend the current span, asleep or awake, to an instant."""
        if at > self.until:
            spans = self.asleep if self.sleeps else self.awake
            spans.append((self.until, at))
        self.until = at


@dataclass
class Lane:
    """All events in one native actor, or in worker threads that share a lane."""

    name: str = field(compare=False)
    """The actor's own name."""
    kind: str
    """Task, thread or greenlet; empty if unknown."""
    begin: float
    end: float | None = None
    how: str = ""
    """``end``, ``error`` or ``cancelled``; empty if alive, or if not reported."""
    runs: list[Run] = field(default_factory=list[Run])
    said: list[Event] = field(default_factory=list[Event])
    """Its calls of plain callables, and the notes of its jobs."""
    label: str = ""
    """The name of its only job, or else its own name."""
    names: set[str] = field(default_factory=set[str], compare=False)
    """The native actors that share the lane."""
    hired: bool = False
    """True if it exists only for its jobs, as a thread of a pool does."""

    @property
    def sort(self) -> str:
        """The kind in one word; empty if the label says it already."""
        sort = _clean(self.kind).removeprefix("worker ")
        said = sort == self.label.partition(" no. ")[0]
        return "" if said else sort

    @property
    def labelled(self) -> list[tuple[float, str]]:
        """The jobs that the label does not name, each with the instant it begins."""
        names = ((run.start, run.name) for run in self.runs)
        return [(at, name) for at, name in names if name not in ("", self.label)]


def lanes(story: Story) -> list[Lane]:
    """Return a lane for each native actor, in the order in which they began.

    The answer itself is first. Calls in worker threads that begin at one instant are
    sorted by their numbers, because their real order is a matter of chance. A call that
    begins after another has ended shares its lane, as it may share its thread. Events
    outside of all actors are in the last lane, which has no name.
    """
    found: dict[str, Lane] = {}
    last = _last(story)
    for event in story.events:
        new = Lane(event.by, "", event.at, names={event.by})
        lane = found.setdefault(event.by, new)
        event = replace(event, by="")  # lanes compare equal whatever tasks are named
        if event.what == "spawn":
            lane.kind, lane.begin = event.detail, event.at
        elif event.what == "exit":
            known = event.detail in _HOW
            lane.end, lane.how = event.at, event.detail if known else ""
        elif event.what == "call":
            lane.said.append(event)
        else:
            _in_a_run(lane, event)
    for lane in found.values():
        for run in lane.runs:
            if run.end is None:
                run.pass_time(max(last, run.until))
    order = {name: number for number, name in enumerate(found)}

    def place(lane: Lane) -> tuple[bool, float, bool, int, str]:
        worker = lane.kind == WORKER
        number = len(lane.name) if worker else order[lane.name]
        return not lane.name, lane.begin, worker, number, lane.name

    shared = _shared(sorted(found.values(), key=place), last)
    for lane in shared:
        names = {run.name for run in lane.runs}
        lane.hired = bool(names) and lane is not shared[0]
        only = lane.hired and len(names) == 1
        lane.label = (names.pop() if only else "") or lane.name or "(outside)"
    return shared


def _shared(every: list[Lane], last: float) -> list[Lane]:
    """Return the lanes, with one for calls in worker threads that do not overlap."""
    found: list[Lane] = []
    for lane in every:
        if lane.kind == WORKER and not lane.runs:  # it has no job, but it works
            until = last if lane.end is None else lane.end
            lane.runs.append(Run("", lane.begin, [(lane.begin, until)], until=until))
        free = (
            other
            for other in found
            if lane.kind == other.kind == WORKER
            and other.end is not None
            and other.end <= lane.begin
        )
        other = next(free, None)
        if other is None:
            found.append(lane)
        else:
            other.runs += lane.runs
            other.said += lane.said
            other.names |= lane.names
            other.end, other.how = lane.end, lane.how
    return found


def _in_a_run(lane: Lane, event: Event) -> None:
    """Add an event to the innermost running job of its name. Outer jobs wait."""
    running = [run for run in lane.runs if run.end is None]
    own = [run for run in running if run.name == event.actor]
    if event.what == "start" or not own:
        if running:
            running[-1].pass_time(event.at)
        own = [Run(event.actor, event.at, until=event.at)]
        lane.runs += own
        running += own
    if event.what == "note":
        lane.said.append(event)
    if event.what != "start":
        own[-1].happens(event)
    if event.what in ENDS and own[-1] is running[-1] and len(running) > 1:
        running[-2].until = event.at


ENDS = ("end", "error", "cancelled")
WORKER = "worker thread"


def _last(story: Story) -> float:
    return max([story.seconds, *(event.at for event in story.events)])


def in_order(stories: Sequence[tuple[str, Story]]) -> bool:
    """Return True if no time passes in any story, so that only the order counts."""
    return bool(stories) and not any(_last(story) for _, story in stories)


def stepped(story: Story) -> Story:
    """Return the story with steps in place of seconds."""
    events = [replace(event, at=n) for n, event in enumerate(story.events)]
    return replace(story, seconds=max(len(events) - 1, 0), events=events)


# The story in words


def told(story: Story, *, steps: bool = False) -> str:
    """Return the story in words, actor by actor, for readers who cannot see it."""

    def at(instant: float) -> str:
        return f"at step {instant:g}" if steps else f"at {_seconds(instant)}"

    found = stepped(story) if steps else story
    sentences: list[str] = []
    for lane in lanes(found):
        own = [event for event in found.events if event.by in lane.names]
        name = f"{lane.kind} {lane.label}".strip()
        parts = [
            f"{at(instant)} "
            + " and ".join(words(event, known=lane.label) for event in _telling(every))
            for instant, every in groupby(own, key=lambda event: event.at)
        ]
        if lane.kind and lane.end is None:
            parts.append(f"still runs {at(found.seconds)}")
        sentences.append(f"{name}: {', '.join(parts)}.")
    if found.cancelled is not None:
        sentences.append(f"It is cancelled from outside {at(found.cancelled)}.")
    sentences.append(f"The answer {_outcome(found)} {at(found.seconds)}.")
    return _clean(" ".join(sentences))


def _telling(events: Iterable[Event]) -> list[Event]:
    """Return the events of one instant that say more than others.

    The start or end of a task is left out if its job starts or ends in that way.
    """
    found = list(events)
    starts = any(event.what == "start" for event in found)
    ends = {event.what for event in found}
    return [
        event
        for event in found
        if not (
            (event.what == "spawn" and starts)
            or (event.what == "exit" and event.detail in ends)
        )
    ]


def words(event: Event, *, known: str = "") -> str:
    """Return an event as a verb, after the actor's name unless that is known."""
    who = f"{event.actor} " if event.actor != known else ""
    match event.what:
        case "spawn":
            return "begins"
        case "exit":
            ways = {"error": "ends with an error", "cancelled": "is cancelled"}
            return ways.get(event.detail, "ends")
        case "start" | "wake" | "end":
            return f"{who}{event.what}s"
        case "sleep":
            return f"{who}sleeps {event.detail}"
        case "error":
            return f"{who}fails with {event.detail}"
        case "cancelled":
            return f"{who}is cancelled"
        case "call":
            return f"calls {_called(event)}"
        case _:
            return f"{who}notes {event.detail}"


def _called(event: Event) -> str:
    return f"{event.actor}({event.detail})"


def _outcome(story: Story) -> str:
    """Return how the answer ended, as a verb."""
    spawned = [event.by for event in story.events if event.what == "spawn"]
    exits = {event.by: event.detail for event in story.events if event.what == "exit"}
    how = exits.get(spawned[0], "") if spawned else ""
    ways = {"end": "returns", "error": "raises", "cancelled": "is cancelled"}
    return ways.get(how, "does not end")


def _seconds(seconds: float) -> str:
    return f"{seconds:.10g} s"


def _clean(text: str) -> str:
    """Return the text with characters replaced that XML does not allow."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


# The scale of time


class Scale:
    """A time axis between two positions. A long time without events is cut out."""

    def __init__(
        self, stories: Sequence[Story], left: float, right: float, cut: float = 70
    ) -> None:
        self.span = max(map(_last, stories), default=0)
        at = {event.at for story in stories for event in story.events}
        at |= {story.cancelled for story in stories if story.cancelled is not None}
        found = sorted({0.0, self.span, *at, *(story.seconds for story in stories)})
        self.gap = max(
            pairwise(found), key=lambda two: two[1] - two[0], default=(0.0, 0.0)
        )
        # The longest time without events is cut out if it takes up most of the axis.
        rest = self.gap[0] + (self.span - self.gap[1])
        self.cut = cut if 0 < rest < self.span * _WORTH_A_CUT else 0
        """The width of the cut; 0 if nothing is cut out."""
        if not self.cut:
            self.gap = self.span, self.span
            rest = self.span
        shown = right - left - self.cut
        self.left, self.pixels = left, shown / rest if rest else 0

    def x(self, at: float) -> float:
        """Return the position of an instant."""
        low, high = self.gap
        part = (at - low) / (high - low) if high > low else 0
        return (
            self.left
            + (min(at, low) + max(at - high, 0)) * self.pixels
            + min(max(part, 0), 1) * self.cut
        )

    def ticks(self, most: int = 7) -> list[float]:
        """Return about ``most`` round instants. After a cut they count from its end."""
        low, high = self.gap
        if not self.cut:
            return _ticks(low, most)
        rest = self.span - high
        part = low / (low + rest)
        before, after = (max(1, round(most * share)) for share in (part, 1 - part))
        return [*_ticks(low, before), *(high + at for at in _ticks(rest, after))]


def _ticks(span: float, most: int) -> list[float]:
    """Return round instants from 0 to ``span``, ``most`` or a few more at most."""
    if not span:
        return [0]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
    return [n * step for n in range(int(span / step * 1.000001) + 1)]


_WORTH_A_CUT = 0.25
"""The share of the time that may be left after a cut, at most."""

# The picture

_WIDTH = 800
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
IN_ORDER = "all of it at 0 s, in the order in which it happened"

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


class _Picture:
    def __init__(self, stories: Sequence[tuple[str, Story]], title: str) -> None:
        self.title = _clean(title)
        self.stories = stories
        self.steps = in_order(stories)
        shown = [(label, stepped(s) if self.steps else s) for label, s in stories]
        self.sections = [(label, story, lanes(story)) for label, story in shown]
        widest = max(
            [_cells(_name(lane)) for *_, found in self.sections for lane in found],
            default=0,
        )
        self.left = _PAD + widest * _CHARACTER + 18
        self.right = _WIDTH - _PAD - 10
        self.scale = Scale([story for _, story in shown], self.left, self.right)
        self.x = self.scale.x
        self.marks: set[str] = set()
        self.parts: list[str] = []
        self.y = 0.0

    def drawn(self) -> str:
        self.axis(18)
        self.y = 24
        for section in self.sections:
            self.section(*section)
        if not self.steps:
            self.axis(self.y + 20)
            self.y += 16
        self.y += 14
        self.legend()
        height = round(self.y + _PAD)
        story = " ".join(self.told())
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="study-timeline" '
                f'role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
                f'height="{height}">',
                f"<title>{escape(self.title)}</title>",
                f"<desc>{escape(story)}</desc>",
                f"<style>{_style()}</style>",
                f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
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
            yield f"{_clean(label)}: " + (
                text if same == label else f"the same as {_clean(same)}."
            )

    def axis(self, y: float) -> None:
        if self.steps:
            x = (self.left + self.right) / 2
            half = _cells(IN_ORDER) * _CHARACTER / 2
            self.text(IN_ORDER, min(x, _WIDTH - half - 4), y, "muted", anchor="middle")
            return
        free = 0.0
        for at in self.scale.ticks():
            half = _cells(_seconds(at)) * _CHARACTER / 2
            x = min(self.x(at), _WIDTH - half)
            if x - half >= free:
                self.text(_seconds(at), x, y, "muted", anchor="middle")
                free = x + half + _CHARACTER

    def behind(self, top: float, story: Story) -> str:
        """Return the background of a section: the grid, the cut, and the end."""

        def line(kind: str, *instants: float) -> str:
            places = (_n(self.x(at)) for at in instants)
            path = "".join(f"M{x} {_n(top)}V{_n(self.y)}" for x in places)
            return f'<path class="{kind}" d="{path}"/>'

        parts: list[str] = []
        if self.scale.cut:
            self.marks.add("cut")
            low, high = map(self.x, self.scale.gap)
            parts.append(
                f'<rect class="cut" x="{_n(low + 8)}" y="{_n(top)}" '
                f'width="{_n(high - low - 16)}" height="{_n(self.y - top)}"/>'
            )
        if not self.steps:
            parts.append(line("grid", *self.scale.ticks()))
        self.marks.add("returned")
        parts.append(line("returned", story.seconds))
        if story.cancelled is not None:
            self.marks.add("outside")
            parts.append(line("cancelled outside", story.cancelled))
        return "".join(parts)

    def section(self, label: str, story: Story, found: list[Lane]) -> None:
        self.y += 8
        label = _fit(_clean(label), 60)
        x = _PAD + _cells(label) * _CHARACTER + 12
        self.text(label, _PAD, self.y + 14, "ink name")
        ends = _outcome(story)
        if not self.steps:
            when = {"is cancelled": "at", "does not end": "in"}.get(ends, "after")
            ends += f" {when} {_seconds(story.seconds)}"
        self.text(ends, x, self.y + 14, "muted")
        self.y += 22
        top = self.y
        held = len(self.parts)
        for lane in found:
            self.lane(lane, story)
        if found:
            self.parts.insert(held, self.behind(top, story))

    def lane(self, lane: Lane, story: Story) -> None:
        middle = self.y + _LANE / 2
        self.name(lane, middle)
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
            *(_Label(self.x(event.at), _label(event)) for event in lane.said),
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
            text = _clean(label.text)
            width = _cells(text) * _CHARACTER
            if label.x >= free and label.x + 10 + width <= edge and not texts:
                texts.append((text, "", label.x + 10, middle + 4))
                continue
            room = int((edge - label.x + 3) / _CHARACTER)
            if room < _LEAST or _cells(text) - room < 10:
                # There is no room after the mark, so the text begins before it.
                room = int((edge - self.left) / _CHARACTER)
            shown = _fit(text, room)
            width = _cells(shown) * _CHARACTER
            begin = max(self.left, min(label.x - 3, edge - width))
            row = _free_row(rows, begin - 4, begin + width + 4)
            low = middle + _LANE / 2 + row * _ROW
            self.parts.append(
                f'<path class="leader" d="M{_n(label.x)} {_n(middle + 5)}V{_n(low)}"/>'
            )
            texts.append((shown, text, begin, low + 10))
        for shown, text, x, y in texts:
            self.text(shown, x, y, whole=text)
        return len(rows) * _ROW + (3 if rows else 0)

    def name(self, lane: Lane, middle: float) -> None:
        label = _fit(_clean(lane.label), _LONGEST_NAME)
        self.text(label, _PAD, middle + 4, whole=lane.label)
        if lane.sort:
            x = _PAD + (_cells(label) + 1) * _CHARACTER
            self.text(lane.sort, x, middle + 4, "muted", whole=lane.kind)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        kind: str = "ink",
        *,
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
        self.marks.add(kind)
        low, high = self.x(begin), self.x(end)
        if kind == "awake" and high - low < 3:  # make it wide enough to be seen
            low, high = low - 1.5, low + 1.5
        self.parts.append(_bar(kind, low, high, middle))

    def mark(self, kind: str, x: float, middle: float, said: str = "") -> None:
        kind = kind if kind in _MARKS else "note"
        self.marks.add(kind)
        self.parts.append(_glyph(kind, x, middle, _title(said)))

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
            if kind in _BARS:
                self.parts.append(_bar(kind, x, x + 14, middle))
            elif kind == "cut":
                self.parts.append(
                    f'<rect class="cut" x="{_n(x)}" y="{_n(middle - 7)}" '
                    'width="14" height="14"/>'
                )
            elif kind in ("returned", "outside"):
                line = f"M{_n(x + 7)} {_n(middle - 7)}v14"
                of = "returned" if kind == "returned" else "cancelled outside"
                self.parts.append(f'<path class="{of}" d="{line}"/>')
            else:
                at = x + {"start": 10, "left": 3}.get(kind, 7)
                self.parts.append(_glyph(kind, at, middle))
            self.text(meaning, x + 20, middle + 4, "muted")
            x += width + 14
        self.y += _ROW


@dataclass(frozen=True)
class _Label:
    x: float
    """The position of the mark that the text belongs to."""
    text: str


def _name(lane: Lane) -> str:
    return f"{_fit(_clean(lane.label), _LONGEST_NAME)} {lane.sort}"


def _label(event: Event) -> str:
    return _called(event) if event.what == "call" else event.detail


def marked(lane: Lane, returned: float) -> Iterator[tuple[str, float, str]]:
    """Yield the marks of a lane: the kind, the instant, and the words.

    If a job ends together with its task, only the mark that says more is shown.
    """
    ends = [(run.end.what, run.end.at, words(run.end)) for run in lane.runs if run.end]
    if lane.kind:
        yield "start", lane.begin, f"{lane.label} begins"
        if lane.end is None:
            ends.append(("left", returned, f"{lane.label} still runs"))
        else:
            how = _HOW.get(lane.how, "is over")
            ends.append((lane.how, lane.end, f"{lane.label}: {how}"))
    for run in lane.runs:
        if run.name and (not lane.kind or run.start > lane.begin):
            yield "start", run.start, f"{run.name} starts"
    for event in lane.said:
        yield event.what, event.at, f"{words(event)} at {_seconds(event.at)}"
    weight = ["note", "end", "cancelled", "error", "left"]
    telling: dict[float, tuple[str, float, str]] = {}
    for mark in ends:
        other = telling.get(mark[1], ("note", mark[1], ""))
        if weight.index(mark[0] or "note") >= weight.index(other[0] or "note"):
            telling[mark[1]] = mark
    yield from telling.values()


_HOW = {"end": "ends", "error": "ends with an error", "cancelled": "is cancelled"}


def _bar(kind: str, low: float, high: float, middle: float) -> str:
    of, tall = _BARS[kind]
    return (
        f'<rect class="{of}" x="{_n(low)}" y="{_n(middle - tall / 2)}" '
        f'width="{_n(max(high - low, 0))}" height="{_n(tall)}"/>'
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
        case "left":
            return f'<path class="left" d="M{at}m-1-6l10 6l-10 6z">{title}</path>'
        case "cancelled":
            return (
                f'<g class="cancelled"><circle class="paper" {round_} r="5.5"/>'
                f'<path d="M{at}m-4 4l8-8"/>{title}</g>'
            )
        case "call":
            return f'<circle class="call" {round_} r="4.5">{title}</circle>'
        case _:
            return f'<circle class="note paper" {round_} r="4">{title}</circle>'


def _title(hint: str) -> str:
    return f"<title>{escape(_clean(hint))}</title>" if hint else ""


def _style() -> str:
    """Return the style. It repeats colours for viewers that know no variables."""

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


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


# For a viewer of traces


def chrome_trace(stories: Sequence[tuple[str, Story]]) -> str:
    """Return the stories as Chrome trace JSON, which Perfetto shows.

    Every study is a process, and every lane is a thread with a number of its own.
    Instants are in microseconds. If everything happens at 0 s, a step takes a
    millisecond.
    """
    events: list[dict[str, Any]] = []
    thread = 0
    steps = in_order(stories)
    unit = 1_000 if steps else 1_000_000
    for process, (label, story) in enumerate(stories, 1):
        name = f"{label} ({IN_ORDER})" if steps else label
        events.append(_meta("process", name, process, 0))
        story = stepped(story) if steps else story
        for lane in lanes(story):
            thread += 1
            name = f"{lane.label} ({lane.kind})" if lane.kind else lane.label
            events.append(_meta("thread", name, process, thread))
            place = {"pid": process, "tid": thread}
            events.extend(event | place for event in _traced(lane, story.seconds, unit))
    shown = {"displayTimeUnit": "ms", "traceEvents": events}
    return json.dumps(shown, indent=1) + "\n"


def _meta(of: str, name: str, pid: int, tid: int) -> dict[str, Any]:
    args = {"name": name}
    return {"ph": "M", "name": f"{of}_name", "pid": pid, "tid": tid, "args": args}


def _traced(lane: Lane, returned: float, unit: int) -> Iterator[dict[str, Any]]:
    def span(name: str, begin: float, end: float) -> dict[str, Any]:
        long = max(round(end * unit) - round(begin * unit), 0)
        ts = round(begin * unit)
        return {"ph": "X", "cat": "study", "name": name, "ts": ts, "dur": long}

    def mark(name: str, at: float) -> dict[str, Any]:
        ts = round(at * unit)
        return {"ph": "i", "cat": "study", "name": name, "ts": ts, "s": "t"}

    if lane.kind:
        end = returned if lane.end is None else lane.end
        yield span(lane.name, lane.begin, end)
    for run in lane.runs:
        yield span(run.name or "call", run.start, run.until)
        yield from (span("asleep", begin, end) for begin, end in run.asleep)
        if run.end is not None and run.end.what != "end":
            yield mark(words(run.end), run.end.at)
    yield from (mark(_label(event), event.at) for event in lane.said)
    if lane.kind and lane.how != "end":
        yield mark(
            _HOW.get(lane.how, "still runs"), returned if lane.end is None else lane.end
        )
