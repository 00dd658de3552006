"""The strategies that are mixed: none of them finds every race soon.

Measured on planted races, each one misses or is slow at some that another finds at
once. So they take turns. The names and the ideas are those of the literature:

- bounded: all schedules with one choice that is not the usual one, then with two, ...
  (Musuvathi and Qadeer, "Iterative Context Bounding", 2007);
- weighted: the next lane is drawn by the number of steps that it has left (URW: Zhao
  and others, "Selectively Uniform Concurrency Testing", 2025);
- per event: each waiting step has a random priority (POS: Yuan, Yang and Gu, "Partial
  Order Aware Concurrency Sampling", 2018);
- changes: each lane has a random priority, which falls at three random points (PCT:
  Burckhardt and others, 2010);
- sticky: the usual order, left at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from .schedule import CLOCK, Choice, Schedule, Script, Strategy


class Weighted:
    """Draws the next lane by the number of its steps that are left."""

    def __init__(self, draw: Random, seen: Seen, *, timed: bool) -> None:
        self._draw, self._timed = draw, timed
        self._left = dict(seen.lengths)

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index of a lane."""
        if clock and self._timed and self._draw.random() * (len(lanes) + 1) < 1:
            return CLOCK
        left = self._left
        weights = [max(left.get(lane, 1), 1) for lane in lanes]
        drawn = self._draw.random() * sum(weights)
        index = 0
        while drawn >= weights[index]:
            drawn -= weights[index]
            index += 1
        left[lanes[index]] = weights[index] - 1
        return index


class PerEvent:
    """Gives each waiting step a random priority, which it keeps until it is taken."""

    def __init__(self, draw: Random, seen: Seen, *, timed: bool) -> None:
        self._draw, self._timed = draw, timed
        self._priorities: dict[int, float] = {}

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index of the lane whose step has the highest priority."""
        known, draw = self._priorities, self._draw.random
        for lane in lanes:
            if lane not in known:
                known[lane] = draw()
        first = max(lanes, key=known.__getitem__)
        if clock and self._timed:
            if CLOCK not in known:
                known[CLOCK] = draw()
            if known[CLOCK] > known[first]:
                del known[CLOCK]
                return CLOCK
        del known[first]
        return lanes.index(first)


class Changes:
    """Gives each lane a random priority, which falls at three random points."""

    def __init__(self, draw: Random, seen: Seen, *, timed: bool) -> None:
        self._draw, self._timed = draw, timed
        self._priorities: dict[int, float] = {}
        self._changes = sorted(draw.randrange(seen.steps or 1) for _ in range(3))

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index of the lane of the highest priority."""
        known = self._priorities
        for lane in (*lanes, CLOCK) if clock and self._timed else lanes:
            if lane not in known:
                known[lane] = self._draw.random()
        first = max(lanes, key=known.__getitem__)
        if clock and self._timed and known[CLOCK] > known[first]:
            known[CLOCK] = self._draw.random()
            return CLOCK
        if self._changes and step >= self._changes[0]:
            self._changes.pop(0)
            known[first] = -1 - step  # below all others
            first = max(lanes, key=known.__getitem__)
        return lanes.index(first)


class Sticky:
    """Follows the usual order, and leaves it at random."""

    def __init__(self, draw: Random, seen: Seen, *, timed: bool) -> None:
        self._draw, self._timed = draw, timed
        self._often = draw.choice((0.5, 0.2, 0.05))

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return an index, mostly 0."""
        if self._draw.random() >= self._often:
            return 0
        return self._draw.randrange(CLOCK if clock and self._timed else 0, len(lanes))


@dataclass
class Seen:
    """The lengths of the run in the usual order."""

    steps: int
    lengths: Mapping[int, int]


KINDS: tuple[tuple[Callable[..., Strategy], bool], ...] = (
    (Weighted, False),
    (PerEvent, True),
    (Changes, False),
    (Weighted, True),
    (Sticky, False),
    (PerEvent, False),
    (Changes, True),
    (Sticky, True),
)
"""The random strategies, and whether the clock is an actor, in the order of turns."""


class Bounded:
    """All schedules, those with the fewest choices first."""

    def __init__(self) -> None:
        self._next: list[tuple[Choice, ...]] = [()]
        self._later: list[tuple[Choice, ...]] = []
        self._left: Iterator[tuple[Choice, ...]] = iter(self._next)
        self.depth = 0
        """The number of choices of the schedules that run now."""
        self.done = False
        """True if every schedule that was noted has run."""
        self.dropped = False
        """True if some were not noted, because too many wait."""

    def script(self) -> Script | None:
        """Return the next schedule, or None if all have run."""
        while not self.done:
            choices = next(self._left, None)
            if choices is not None:
                return Script(choices)
            self.depth += 1
            self._next, self._later = self._later, []
            self._left = iter(self._next)
            self.done = not self._next
        return None

    def ran(self, schedule: Schedule, script: Script) -> None:
        """Note the points of a run: each may be left once more."""
        if len(self._later) > LIMIT:
            self.dropped = True
            return
        last = script.choices[-1].point if script.choices else -1
        for point in range(last + 1, len(schedule.options)):
            lanes = schedule.options[point]
            for index in range(CLOCK if lanes < 0 else 1, abs(lanes)):
                if index:
                    self._later.append((*script.choices, Choice(point, index)))


LIMIT = 100_000
"""Schedules that wait for their turn, above which no more are noted."""
