"""Hedge: ask once more when the answer is late; the first one counts.

For whoever asks something that mostly answers soon and sometimes late or never: a
second question costs little, and is asked only when the first seems to be lost.

    hedge(function, after, most)

- ``function`` is native and takes the number of the attempt, from 0 (in the threads
  study: the stop event, too). At first only attempt 0 runs.
- Whenever ``after`` seconds have passed since the last start, the next attempt starts;
  and at once when all so far have failed. There are at most ``most``.
- Returns the result of the first that succeeds, whatever it is. The others are
  cancelled, and have cleaned up when it returns; no more are started meanwhile.
- A failure (an Exception) before a success is no news. If all ``most`` fail, all the
  failures reach the caller in one ExceptionGroup, in the order of their numbers.
- Who succeeds at the same instant, swallows its cancellation, or fails after the win:
  as in `race`.
- What is no Exception stops all at once and reaches the caller.
- Cancelled from outside, all attempts are cancelled, and no more are started; what
  their cleanup raises reaches the caller.
- No attempt at all (``most`` below 1) or a negative ``after`` is a ValueError, before
  anything starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Probe, need_callable, need_number, need_whole

STEPS = (
    "The first to succeed wins and stops the others; a failure is kept.",
    "Start the next one when it is time, or when all so far have failed.",
    "Wait for all; whoever is stopped gets to clean up.",
    "Return what the winner has; if there is none, raise all failures in order.",
)

FAILED = "every attempt has failed"
"""What the group of all the failures is called."""

EXAMPLE = (0.5, 3)
"""After how many seconds the next attempt starts, and how many there are at most."""
SECONDS = (3.0, 2.0, 0.5)
"""How long each attempt of the example takes."""
PRINTS = ("answered by attempt 2",)


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.job, 0.25, 3


def check(function: Callable[..., Any], after: float, most: int) -> None:
    """Raise TypeError or ValueError if something cannot work."""
    need_callable(function=function)
    need_number(after=after)
    need_whole(1, most=most)
