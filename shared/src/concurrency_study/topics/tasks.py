"""Tasks: start them, cancel one, and learn what became of each.

For whoever starts things that run by themselves and wants to know how they ended.

    tasks(jobs, doomed, after, report)

- ``jobs`` is {name: job}; every job is native and takes no argument (in the threads
  study: the stop event). All are started at once.
- After ``after`` seconds the one named ``doomed`` is cancelled (None: nobody). If it
  has ended by then, nothing happens.
- When all have ended, reports in the order of ``jobs`` (name, "returned", value),
  (name, "raised", error) or (name, "cancelled"), and returns, also if that is before
  ``after``.
- One job's error does not disturb the others.
- A job that cleans up on cancellation is waited for. What it does then counts: it may
  raise, or even return.
- Cancelled from outside, all jobs are cancelled and waited for; nothing is reported.
- A ``doomed`` that is not among the jobs or a negative ``after`` is a ValueError,
  before anything starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import Probe, need_callable, need_number

STEPS = (
    "A task remembers how its job ended.",
    "Start every job.",
    "Cancel the doomed one, if it still runs by then.",
    "Wait for all; one job's error does not disturb the others.",
    "Report what became of each, in order.",
)

RETURNED = "returned"
RAISED = "raised"
CANCELLED = "cancelled"

EXAMPLE = ("sleepyhead", 0.5)
"""Who is doomed, and when; quick returns 1, clumsy raises, sleepyhead sleeps."""
PRINTS = (
    "quick returned 1",
    "clumsy raised division by zero",
    "sleepyhead cancelled",
)


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    jobs = {str(number): partial(means.job, number) for number in range(3)}
    return jobs, None, 0, means.say


def check(
    jobs: Mapping[str, Callable[..., Any]],
    doomed: str | None,
    after: float,
    report: Callable[..., Any],
) -> None:
    """Raise TypeError or ValueError if something cannot work."""
    if not isinstance(jobs, Mapping):
        raise TypeError(f"jobs must be a dict of name: job, not {jobs!r}")
    need_callable(report=report, **{f"jobs[{name!r}]": jobs[name] for name in jobs})
    need_number(after=after)
    if doomed is not None and doomed not in jobs:
        raise ValueError(f"doomed must be one of {list(jobs)} or None, not {doomed!r}")
