"""Chaining: one coroutine waits for another.

For a function that waits and is split into two. The caller waits for the callee as for
any function, and other tasks run meanwhile.

    chaining(compute, x, y, say)

- ``compute`` is native. ``say`` is a plain callable that never waits.
- Says "computing x + y", calls ``compute(x, y)``, says "x + y = result", each with the
  values in place of the letters. Example: "computing 1 + 2", then "1 + 2 = 3".
- An error of ``compute`` reaches the caller, and nothing more is said.
- Cancelled from outside, ``compute`` is cancelled and nothing more is said.
- Raises TypeError if ``compute`` or ``say`` is not callable, before anything is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Probe, need_callable

NEIGHBOURS = ("futures", "sync_vs_async")
NATIVE = ("compute",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Call another that waits, and wait for it.",
    "Continue with its result.",
)

EXAMPLE = (1, 2)
PRINTS = ("computing 1 + 2", "1 + 2 = 3")


def before(x: object, y: object) -> str:
    """Return the line that is said before the computation."""
    return f"computing {x} + {y}"


def after(x: object, y: object, result: object) -> str:
    """Return the line that is said after the computation."""
    return f"{x} + {y} = {result}"


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""

    def compute(x: int, y: int) -> Any:
        return means.job(x + y)

    return compute, 0, 0, means.say


def check(compute: Callable[..., Any], say: Callable[[str], Any]) -> None:
    """Raise TypeError if ``compute`` or ``say`` is not callable."""
    need_callable(compute=compute, say=say)
