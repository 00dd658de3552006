"""Countdown: functions that pause and remember where they were.

The smallest concurrency there is, for readers who wonder what a coroutine (a task, a
greenlet, a thread) is: a function that stops in the middle, lets others run, and
continues from there.

    countdown(counters, say)

- ``counters`` are (name, n) pairs. ``say`` is a plain callable that never waits.
  It is never called by two threads at once, so it needs no lock.
- Each counter says (name, n), (name, n - 1) ... (name, 1), one a second, the first at
  once. All counters run side by side. Example: ("tea", 2) says 2 at 0 s and 1 at 1 s.
- n <= 0 says nothing. A counter ends when it has said its 1, without another wait.
- No counters: ends at once. Names may repeat.
- An error of ``say`` stops all counters and reaches the caller.
- Cancelled from outside, all counters stop at once.
- Raises TypeError if a name is not text or an n is not a whole number, before anything
  is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Probe, need_callable, need_iterable, need_whole

NEIGHBOURS = ("factorial", "pipeline")
NATIVE = ()
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "One counter: say a number, pause, continue from there.",
    "Start all counters side by side.",
    "Wait until the last one has ended.",
)

EXAMPLE = [("lunch", 3), ("tea", 2)]
PRINTS = ("lunch 3", "tea 2", "lunch 2", "tea 1", "lunch 1")
ANY_ORDER = True
"""Lines of one instant may change places."""


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return [("a", 2), ("b", 3)], means.say


def check(
    counters: Iterable[tuple[str, int]], say: Callable[[str, int], Any]
) -> list[tuple[str, int]]:
    """Return the counters as a list; raise TypeError if one is not (name, n)."""
    need_callable(say=say)
    checked = need_iterable("counters", counters)
    for counter in checked:
        if not (isinstance(counter, tuple) and len(counter) == 2):
            raise TypeError(f"a counter must be a pair (name, n), not {counter!r}")
        name, n = counter
        if not isinstance(name, str):
            raise TypeError(f"a counter's name must be text, not {name!r}")
        need_whole(None, n=n)
    return checked
