"""Race: run all at once; the first success counts.

For whoever can get the same thing in several ways, from mirrors of a server or by
several methods, and wants it as soon as any of them has it.

    race(functions)

- Each of ``functions`` is native and takes no argument (in the threads study: the stop
  event). All run at once; there may be thousands.
- Returns the result of the first that succeeds, whatever it is. The others are
  cancelled, and have cleaned up when it returns.
- A failure (an Exception) before a success is no news.
- If all fail, all the failures reach the caller in one ExceptionGroup, in the order of
  ``functions``; even if there is only one.
- Two succeed at the same instant: one of them wins, and nothing is left.
- A loser that swallows its cancellation, and then returns something or fails, does not
  change who won; nor does one that fails at the same instant, before it has learned
  that it has lost.
- What the cleanup of a loser raises is never lost: it reaches the caller in an
  ExceptionGroup, in place of the result. Failures are no news then, too.
- What is no Exception stops all at once and reaches the caller.
- Cancelled from outside, all are cancelled; what their cleanup raises reaches the
  caller.
- No functions: ValueError, and TypeError for one that cannot be called, before anything
  starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, cast

from . import Probe, need_callable, need_iterable

STEPS = (
    "The first to succeed wins and stops the others; a failure is kept.",
    "Start all.",
    "Wait for all; whoever is stopped gets to clean up.",
    "Return what the winner has; if there is none, raise all failures in order.",
)

FAILED = "nobody has won"
"""What the group of all the failures is called."""

EXAMPLE = [1.5, 0.5, 1.0]
"""Seconds that each takes."""
PRINTS = ("0.5 s",)

F = TypeVar("F", bound=Callable[..., Any])


JOBS = 3
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return ([partial(means.job, number) for number in range(3)],)


def check(functions: Iterable[F]) -> list[F]:
    """The functions as a list; TypeError or ValueError if something cannot work."""
    checked = need_iterable("functions", functions)
    need_callable(**{f"functions[{i}]": one for i, one in enumerate(checked)})
    if not checked:
        raise ValueError("functions must not be empty: nobody could win")
    return checked


def of_cleanup(error: BaseException, cancelled: type[BaseException]) -> bool:
    """Whether it was raised as a cancellation was on its way, or is one itself.

    To be asked of who was cancelled: a timeout often has been a cancellation, too.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, cancelled):
            return True
        if isinstance(found, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", found)
            if any(of_cleanup(each, cancelled) for each in group.exceptions):
                return True
        found = found.__context__
    return False
