"""Hedge: ask once more when the answer is late; the first one counts.

For a request that is mostly answered soon and sometimes late or never. A second request
costs little, and is made only when the first seems lost.

    hedge(function, after, most)

- ``function`` is native and takes the number of the attempt, from 0 (in the threads
  study: the stop event, too). At first only attempt 0 runs.
- The next attempt starts ``after`` seconds after the last start, or at once when all
  attempts so far have failed. There are at most ``most``. Example: after = 2, and
  attempt 0 fails at 1 s. Attempt 1 starts at 1 s, attempt 2 at 3 s.
- Returns the result of the first attempt that succeeds, even if it is None. The others
  are cancelled, and have cleaned up when the call returns. No attempt starts meanwhile.
- Failures (Exceptions) are ignored once an attempt succeeds. If all ``most`` attempts
  fail, their failures reach the caller in one ExceptionGroup, in the order of their
  numbers.
- As in `race`: successes of the same instant, swallowed cancellations, failures after
  the win, errors of a cleanup, and a BaseException that is not an Exception.
- Cancelled from outside, the call cancels all attempts, and starts none. Errors of
  their cleanup reach the caller.
- Raises ValueError if ``most`` is below 1 or ``after`` is negative, before anything
  starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Probe, need_callable, need_number, need_whole

NEIGHBOURS = ("race", "timeout")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "The first to succeed wins and stops the others; a failure is kept.",
    "Start the next one when it is time, or when all so far have failed.",
    "Wait for all. Those that were stopped clean up first.",
    "Return what the winner has; if there is none, raise all failures in order.",
)

FAILED = "every attempt has failed"
"""The message of the ExceptionGroup of all failures."""

EXAMPLE = (0.5, 3)
"""Seconds until the next attempt starts, and the largest number of attempts."""
SECONDS = (3.0, 2.0, 0.5)
"""Seconds that each attempt of the example takes."""
PRINTS = ("answered by attempt 2",)


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, 0.25, 3


def check(function: Callable[..., Any], after: float, most: int) -> None:
    """Raise TypeError or ValueError if an argument is unusable."""
    need_callable(function=function)
    need_number(after=after)
    need_whole(1, most=most)
