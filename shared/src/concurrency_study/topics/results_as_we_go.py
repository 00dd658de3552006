"""Results as we go: hand over each result the instant it is ready.

For independent calls whose results are useful before the last is there: to show
progress, fill a page, stop early.

    results_as_we_go(function, inputs, handle)

- ``function`` is native and takes one input (in the threads study: the stop event,
  too). All calls run at once.
- Each result is handed over the instant it is ready, in order of completion. Example:
  calls that take 3 s and 1 s. The second result is handed over at 1 s.
- ``handle`` is a plain callable that never waits. The thread, task or greenlet that
  called the answer always calls it. So it needs no lock.
- The first error, of a call or of ``handle``, cancels the other calls. They clean up,
  and the error reaches the caller. Results handed over before stay handed over. None is
  handed over afterwards.
- No inputs: ends at once. 10,000 inputs are fine.
- Cancelled from outside, all calls stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Input, Probe, need_callable, need_iterable

NEIGHBOURS = ("results_at_end", "race", "pipeline")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "A job puts its result in line when it ends.",
    "Start a job for every input.",
    "Hand over each result as it comes.",
    "The first error stops the rest.",
)

EXAMPLE = [1.5, 0.5, 1.0]
"""Seconds that each call takes."""
PRINTS = ("0.5 s", "1.0 s", "1.5 s")


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, [0, 1, 2], means.say


def check(
    function: Callable[..., Any],
    inputs: Iterable[Input],
    handle: Callable[[Any], Any],
) -> list[Input]:
    """Return the inputs as a list; raise TypeError if an argument is unusable."""
    need_callable(function=function, handle=handle)
    return need_iterable("inputs", inputs)
