"""Tasks: start them, cancel one, and learn what became of each.

For jobs that run by themselves, when it matters how each of them ended.

    tasks(jobs, doomed, after, report)

- ``jobs`` is {name: job}. Every job is native and takes no argument (in the threads
  study: the stop event). All start at once.
- After ``after`` seconds the job named ``doomed`` is cancelled (None: no job). If it
  has ended by then, nothing happens.
- When all have ended, reports in the order of ``jobs`` (name, "returned", value),
  (name, "raised", error) or (name, "cancelled"), and returns, even before ``after``.
  Example: job "a" returns 1 at 5 s, and "b" is cancelled at 2 s. At 5 s it reports
  ("a", "returned", 1), then ("b", "cancelled").
- A job's Exception does not disturb the others. A job that ends in the library's own
  cancellation is reported as cancelled, whether or not that was requested.
- A cancelled job finishes its cleanup, and the outcome of that counts: it may raise, or
  even return.
- A BaseException that is not an Exception cancels all jobs and reaches the caller.
  Nothing is reported.
- Cancelled from outside, all jobs are cancelled and finish their cleanup. Nothing is
  reported, even if jobs swallow the cancellation. Errors of a cleanup reach the caller.
- Raises ValueError if ``doomed`` is not among the jobs or ``after`` is negative, before
  anything starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from . import Probe, need_callable, need_number

NEIGHBOURS = ("futures", "timeout", "results_at_end")
NATIVE = ("job",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "A task remembers how its job ended.",
    "Start every job.",
    "Cancel the chosen one, if it still runs by then.",
    "Wait for all; one job's error does not disturb the others.",
    "Report what became of each, in order.",
)

RETURNED = "returned"
RAISED = "raised"
CANCELLED = "cancelled"

EXAMPLE = ("sleepyhead", 0.5)
"""The job to cancel, and when: quick returns 1, clumsy raises, sleepyhead sleeps."""
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
    """Raise TypeError or ValueError if an argument is unusable."""
    if not isinstance(jobs, Mapping):
        raise TypeError(f"jobs must be a dict of name: job, not {jobs!r}")
    need_callable(report=report, **{f"jobs[{name!r}]": jobs[name] for name in jobs})
    need_number(after=after)
    if doomed is not None and doomed not in jobs:
        raise ValueError(f"doomed must be one of {list(jobs)} or None, not {doomed!r}")
