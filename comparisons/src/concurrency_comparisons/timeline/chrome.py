"""Timelines as traces, for viewers such as Perfetto."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..reports import Story
from .lanes import Lane, in_order, lanes, stepped
from .words import HOW, IN_ORDER, label_of, words


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
    yield from (mark(label_of(event), event.at) for event in lane.said)
    if lane.kind and lane.how != "end":
        yield mark(
            HOW.get(lane.how, "still runs"), returned if lane.end is None else lane.end
        )
