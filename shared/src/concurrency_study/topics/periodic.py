"""Periodic: do something every so often, without drift.

For code that polls, samples or displays. The naive loop "work, then sleep" is late by
the duration of the work, in every turn.

    periodic(tick, every, times)

- Calls native ``tick(i)`` for i = 0, 1 ... times - 1, one at a time, tick i not before
  i * every seconds from the start.
- There is no drift, however long ticks take. A tick that overruns delays the next one,
  which then starts at once. No number is skipped, and late ticks catch up. Example:
  every = 2, and tick 0 takes 5 s. Ticks 1 and 2 start at 5 s, tick 3 at 6 s, if they
  take no time.
- Ends when the last tick has ended, without another wait.
- An error of ``tick`` reaches the caller, and no further tick starts.
- Cancelled from outside, the running tick is cancelled.
- Raises ValueError if ``every`` or ``times`` is negative, before the first tick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Probe, need_callable, need_number, need_whole

NEIGHBOURS = ("event_loop", "blocking_calls")
NATIVE = ("tick",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Note the start: every tick is due at a multiple from there.",
    "Wait until the tick is due; an overdue one starts at once.",
    "Tick, and wait until it has ended.",
)

EXAMPLE = (0.2, 4)
"""Seconds between ticks, and the number of ticks."""
PRINTS = ("tick 0", "tick 1", "tick 2", "tick 3")


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, 0.5, 3


def check(tick: Callable[..., Any], every: float, times: int) -> None:
    """Raise TypeError or ValueError if an argument is unusable."""
    need_callable(tick=tick)
    need_number(every=every)
    need_whole(times=times)
