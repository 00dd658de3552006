"""Results at the end: run a function many times, and look when all are done.

For independent calls, ideally of a pure function, whose order is irrelevant, when the
caller needs all results to continue.

    results_at_end(function, inputs)

- ``function`` is native and takes one input (in the threads study: the stop event,
  too). All calls run at once.
- Returns the results in input order, after the longest call, not the sum. Example:
  calls that take 3 s, 1 s and 2 s. The call returns at 3 s.
- The first error cancels the other calls. They clean up, and the error reaches the
  caller. Errors of the same instant, and errors of a cleanup, reach the caller as well.
- No inputs: returns [] at once. 10,000 inputs are fine.
- Cancelled from outside, all calls stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Input, Probe, need_callable, need_iterable

NEIGHBOURS = ("results_as_we_go", "race", "tasks")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Start a job for every input.",
    "Wait for all; the first error stops the rest.",
    "Return the results in input order.",
)

EXAMPLE = [0.3, 0.1, 0.2]
"""Seconds that each call takes."""
PRINTS = ("['0.3 s', '0.1 s', '0.2 s']",)


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, [0, 1, 2]


def check(function: Callable[..., Any], inputs: Iterable[Input]) -> list[Input]:
    """Return the inputs as a list; raise TypeError if an argument is unusable."""
    need_callable(function=function)
    return need_iterable("inputs", inputs)
