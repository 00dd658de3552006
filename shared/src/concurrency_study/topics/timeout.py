"""Timeout: a deadline within a deadline, and each knows whether it was the one.

For code that gives a part of its work a limit, has a substitute if that limit passes,
and still must be ready in time.

    timeout(job, instead, outer, inner)

- Runs native ``job`` for at most ``inner`` seconds. If that deadline expires, runs
  native ``instead``. Both together have at most ``outer`` seconds. Neither takes an
  argument (in the threads study: the stop event).
- Returns ("done", result of ``job``), ("inner", result of ``instead``) or
  ("outer", None). Example: outer = 3, inner = 2, job takes 60 s, instead takes 5 s. The
  call returns ("outer", None) at 3 s.
- A job that a deadline cancels finishes its cleanup first. If the outer deadline passes
  during the cleanup, the outer one counts.
- A deadline of 0 seconds expires at the first wait. A job that never waits is done.
- A job that swallows its cancellation and returns is done.
- An error of ``job`` or ``instead`` reaches the caller. A TimeoutError of their own is
  not mistaken for a deadline, even if the cleanup raises it.
- Cancelled from outside, everything stops, and no deadline is blamed.
- Raises ValueError if a number of seconds is negative, before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from . import Probe, need_callable, need_number

NEIGHBOURS = ("race", "hedge", "resource")
NATIVE = ("job", "instead")
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "A TimeoutError of their own passes the deadlines as if it were a result.",
    "The outer deadline: when it cuts, all is over.",
    "The inner deadline; the outer one counts on.",
    "If the inner deadline has expired, run the substitute.",
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
    """Raise TypeError or ValueError if an argument is unusable."""
    need_callable(job=job, instead=instead)
    need_number(outer=outer, inner=inner)
