"""Race: run all at once; the first success counts.

For code that can get the same thing in several ways, from mirrors of a server or by
several methods, and wants it as soon as one of them has it.

    race(functions)

- Each of ``functions`` is native and takes no argument (in the threads study: the stop
  event). All run at once. There may be thousands.
- Returns the result of the first function that succeeds, even if it is None. The
  others are cancelled, and have cleaned up when the call returns. Example: functions
  that take 3 s and 1 s, the first with a cleanup of 2 s. The call returns at 3 s.
- Failures (Exceptions) are ignored once any function succeeds.
- If all fail, the failures reach the caller in one ExceptionGroup, in the order of
  ``functions``. A single failure comes in a group as well.
- If several succeed at the same instant, one of them wins.
- A loser that swallows its cancellation, and then returns or fails, does not change the
  winner. Neither does a loser that fails at the instant of the win.
- An error that a loser's cleanup raises reaches the caller in an ExceptionGroup,
  instead of the result.
- A BaseException that is not an Exception, or an unrequested cancellation, cancels all
  functions and reaches the caller.
- Cancelled from outside, the call cancels all functions. Errors of their cleanup reach
  the caller.
- Raises ValueError if there is no function, TypeError if one is not callable, before
  anything starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, cast

from . import Probe, need_callable, need_iterable

NEIGHBOURS = ("hedge", "results_as_we_go", "timeout")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "The first to succeed wins and stops the others; a failure is kept.",
    "Start all.",
    "Wait for all. Those that were stopped clean up first.",
    "Return what the winner has; if there is none, raise all failures in order.",
)

FAILED = "every function has failed"
"""The message of the ExceptionGroup of all failures."""

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
    """Return the functions as a list; raise TypeError or ValueError for bad ones."""
    checked = need_iterable("functions", functions)
    need_callable(**{f"functions[{i}]": one for i, one in enumerate(checked)})
    if not checked:
        raise ValueError("functions must not be empty: a race needs at least one")
    return checked


def of_cleanup(error: BaseException, cancelled: type[BaseException]) -> bool:
    """Return whether an error is a cancellation, or was raised during one.

    Ask this only if the job was cancelled: an error of a job's own timeout often has a
    cancellation in its context as well.
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
