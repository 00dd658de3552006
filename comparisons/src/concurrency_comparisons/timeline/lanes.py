"""From stories to lanes: what each native actor did, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from concurrency_study.trace import Event
from concurrency_study.world import WORKER

from ..reports import Story

ENDS = ("end", "error", "cancelled")


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
    """Its calls of plain callables, the notes of its jobs, and where it was held."""
    label: str = ""
    """The name of its only job, or else its own name."""
    names: set[str] = field(default_factory=set[str], compare=False)
    """The native actors that share the lane."""
    hired: bool = False
    """True if it exists only for its jobs, as a thread of a pool does."""

    @property
    def sort(self) -> str:
        """The kind in one word; empty if the label says it already."""
        sort = clean(self.kind).removeprefix("worker ")
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
    last = last_instant(story)
    for event in story.events:
        new = Lane(event.by, "", event.at, names={event.by})
        lane = found.setdefault(event.by, new)
        event = event._replace(by="")  # lanes compare equal whatever tasks are named
        if event.what == "spawn":
            lane.kind, lane.begin = event.detail, event.at
        elif event.what == "exit":
            lane.end, lane.how = event.at, event.detail if event.detail in ENDS else ""
        elif event.what in ("call", "hold"):
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


def gathered(story: Story) -> list[Lane]:
    """Return the lanes of a story, with one lane for more than three that are alike."""

    def look(lane: Lane) -> object:
        if lane.said:
            return object()  # unlike any other
        return lane.label.partition(" no. ")[0], replace(lane, label="")

    found: list[Lane] = []
    for _, group in groupby(lanes(story), key=look):
        alike = [*group]
        if len(alike) > 3:
            name = alike[0].label.partition(" no. ")[0]
            alike = [replace(alike[0], label=f"{name}, {len(alike)} alike")]
        found += alike
    return found


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


def last_instant(story: Story) -> float:
    """Return the last instant of a story, with what happens after the answer."""
    return max([story.seconds, *(event.at for event in story.events)])


def in_order(stories: Sequence[tuple[str, Story]]) -> bool:
    """Return True if no time passes in any story, so that only the order counts."""
    return bool(stories) and not any(last_instant(story) for _, story in stories)


def stepped(story: Story) -> Story:
    """Return the story with steps in place of seconds."""
    events = [event._replace(at=n) for n, event in enumerate(story.events)]
    return replace(story, seconds=max(len(events) - 1, 0), events=events)


def clean(text: str) -> str:
    """Return the text with characters replaced that XML does not allow."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
