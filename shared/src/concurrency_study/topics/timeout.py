"""Timeout: a deadline within a deadline, and each knows whether it was the one.

For whoever gives a part of the work a limit, has something else to do if that runs out,
and has to be ready in time all the same.

    timeout(job, instead, outer, inner)

- Runs native ``job`` with at most ``inner`` seconds. If that deadline cuts it, runs
  native ``instead``. Both together have at most ``outer`` seconds. Neither takes an
  argument (in the threads study: the stop event).
- Returns ("done", result of the job), ("inner", result of ``instead``) or
  ("outer", None).
- What a deadline has cut has cleaned up before anything else happens. If the outer
  deadline passes meanwhile, it is the one.
- A deadline of 0 seconds cuts at the first wait; what never waits is done.
- What is cut and returns something all the same is done.
- An error of ``job`` or ``instead`` reaches the caller; a TimeoutError of their own is
  not mistaken for a deadline, even if it is raised in the cleanup.
- Cancelled from outside, all stops; no deadline is blamed.
- A negative number of seconds is a ValueError, before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from . import Probe, need_callable, need_number

STEPS = (
    "A TimeoutError of their own passes the deadlines as if it were a result.",
    "The outer deadline: when it cuts, all is over.",
    "The inner deadline; the outer one counts on.",
    "If the inner one has cut, the outer part goes on.",
)

DONE = "done"
INNER = "inner"
OUTER = "outer"

EXAMPLE = (1.5, 0.5)
"""The outer and the inner deadline of a download that takes a minute."""
PRINTS = ("inner: from the cache",)


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return partial(means.job, 0), partial(means.job, 1), 100, 50


def check(
    job: Callable[..., Any], instead: Callable[..., Any], outer: float, inner: float
) -> None:
    """Raise TypeError or ValueError if something cannot work."""
    need_callable(job=job, instead=instead)
    need_number(outer=outer, inner=inner)
