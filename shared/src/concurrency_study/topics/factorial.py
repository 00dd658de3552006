"""Factorial: several tasks take turns.

For readers who want to see tasks interleave. Each task works a little, pauses, and lets
the others work.

    factorial(numbers, say)

- For each number, multiplies up from 2, one step a second: says (number, step), waits
  a second, multiplies. All numbers run side by side. 0 and 1 need no step. Example:
  3 says (3, 2) at 0 s and (3, 3) at 1 s, and is ready at 2 s.
- ``say`` is a plain callable that never waits. It is never called by two threads at
  once, so it needs no lock.
- Returns the factorials in input order, after the longest.
- An error of ``say`` stops the rest and reaches the caller.
- Cancelled from outside, all stop.
- Raises ValueError if a number is negative, TypeError if it is not a whole number,
  before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Probe, need_callable, need_iterable, need_whole

NEIGHBOURS = ("countdown", "tasks")
NATIVE = ()
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "One number: say the step, pause, multiply.",
    "Start a task for every number.",
    "Return the results in input order.",
)

EXAMPLE = [2, 3, 4]
PRINTS = ("2 2", "3 2", "4 2", "3 3", "4 3", "4 4", "[2, 6, 24]")
ANY_ORDER = True
"""Lines of one instant may change places."""


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return [3, 4], means.say


def check(numbers: Iterable[int], say: Callable[[int, int], Any]) -> list[int]:
    """Return the numbers as a list; raise TypeError or ValueError for a bad one."""
    need_callable(say=say)
    checked = need_iterable("numbers", numbers)
    for number in checked:
        need_whole(number=number)
    return checked
