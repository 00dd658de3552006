"""Stories in words: of single events, of the marks of a lane, and of all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from concurrency_study.trace import Event

from ..reports import Story
from .lanes import Lane, clean, lanes, stepped

IN_ORDER = "all at 0 s, in the order in which it happened"
HOW = {"end": "ends", "error": "ends with an error", "cancelled": "is cancelled"}
"""The ways in which a native actor ends, as verbs."""


def told(story: Story, *, steps: bool = False) -> str:
    """Return the story in words, actor by actor, for readers who cannot see it."""

    def at(instant: float) -> str:
        return f"at step {instant:g}" if steps else f"at {in_seconds(instant)}"

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
    sentences.append(f"The answer {outcome(found)} {at(found.seconds)}.")
    return clean(" ".join(sentences))


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
            return HOW.get(event.detail, "ends")
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
        case "hold":
            return f"is {event.detail}"
        case _:
            return f"{who}notes {event.detail}"


def _called(event: Event) -> str:
    return f"{event.actor}({event.detail})"


def outcome(story: Story) -> str:
    """Return how the answer ended, as a verb."""
    spawned = [event.by for event in story.events if event.what == "spawn"]
    exits = {event.by: event.detail for event in story.events if event.what == "exit"}
    how = exits.get(spawned[0], "") if spawned else ""
    ways = {"end": "returns", "error": "raises", "cancelled": "is cancelled"}
    return ways.get(how, "does not end")


def ending(story: Story, *, steps: bool) -> str:
    """Return how the answer ended, and when, as in: raises after 2 s."""
    ends = outcome(story)
    if steps:
        return ends
    when = {"is cancelled": "at", "does not end": "in"}.get(ends, "after")
    return f"{ends} {when} {in_seconds(story.seconds)}"


def in_seconds(seconds: float) -> str:
    """Return a number of seconds with its unit, as in 1.5 s."""
    return f"{seconds:.10g} s"


def label_of(event: Event) -> str:
    """Return the text beside the mark of a call or a note."""
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
            how = HOW.get(lane.how, "is over")
            ends.append((lane.how, lane.end, f"{lane.label}: {how}"))
    for run in lane.runs:
        if run.name and (not lane.kind or run.start > lane.begin):
            yield "start", run.start, f"{run.name} starts"
    for event in lane.said:
        yield event.what, event.at, f"{words(event)} at {in_seconds(event.at)}"
    weight = ["note", "end", "cancelled", "error", "left"]
    telling: dict[float, tuple[str, float, str]] = {}
    for mark in ends:
        other = telling.get(mark[1], ("note", mark[1], ""))
        if weight.index(mark[0] or "note") >= weight.index(other[0] or "note"):
            telling[mark[1]] = mark
    yield from telling.values()
