"""Sync versus async: the same calls, one after the other and side by side.

For readers who wonder what concurrency buys: the same results, after the longest time
instead of the sum.

    sync_vs_async(function, inputs)

- Runs ``function`` (native; in the threads study it takes the stop event, too) on every
  input one after the other, then on all of them side by side.
- Returns a `Comparison`: both result lists in input order, and the seconds that each
  way took. Example: calls of 1 s and 2 s take 3 s in turn and 2 s side by side.
- The first error stops the running calls and reaches the caller.
- No inputs: two empty lists, no time.
- Cancelled from outside, the running calls stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple

from . import Input, Probe, Result, need_callable, need_iterable

NEIGHBOURS = ("results_at_end", "blocking_calls", "chaining")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Measure how long something takes.",
    "One after the other: wait for each before the next.",
    "Side by side: start all, then wait for all.",
    "Return both, to compare.",
)

EXAMPLE = [0.2, 0.1, 0.3]
"""Seconds that each call takes."""
PRINTS = (
    "one after the other: ['0.2 s', '0.1 s', '0.3 s'] in ",
    "side by side: ['0.2 s', '0.1 s', '0.3 s'] in ",
)


class Comparison(NamedTuple, Generic[Result]):
    """The results of both ways, and the seconds that each way took."""

    in_turn: list[Result]
    side_by_side: list[Result]
    seconds_in_turn: float
    seconds_side_by_side: float

    def __str__(self) -> str:
        return (
            f"one after the other: {self.in_turn} in {self.seconds_in_turn:.1f} s\n"
            f"side by side: {self.side_by_side} in {self.seconds_side_by_side:.1f} s"
        )


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, [0, 1, 2]


def check(function: Callable[..., Any], inputs: Iterable[Input]) -> list[Input]:
    """Return the inputs as a list; raise TypeError if an argument is unusable."""
    need_callable(function=function)
    return need_iterable("inputs", inputs)
