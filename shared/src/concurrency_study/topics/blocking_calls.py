"""Blocking calls: run functions that block, and keep the heart beating.

For programs that use a library that blocks (a database driver, a resolver, a file
system) and have other work to do at the same time.

    blocking_calls(function, inputs, beat, limit)

- ``function`` is an ordinary blocking function, in every study. Several threads call it
  at once. ``beat`` is a plain callable that never waits. Only the caller's thread calls
  it.
- All calls run outside of the loop, at most ``limit`` at a time, and no fewer while
  there are inputs left. They start in input order. Example: three calls of 1 s and a
  limit of 2 take 2 s.
- ``beat()`` is called at once and every `EVERY` seconds until the last call has ended.
  The wall clock plays no part.
- Returns the results in input order, as soon as the last call has ended.
- After an error of a call or of ``beat`` no further call starts. The calls that run
  cannot be interrupted. When they have ended, all errors reach the caller. Example: of
  two calls one fails at 1 s, the other at 3 s. The caller gets both errors at 3 s.
- A call that raises StopIteration, or the library's cancellation exception, has failed
  as well. The caller gets that exception, or a RuntimeError (`Unrequested`) with it as
  its cause.
- No inputs: returns [] at once.
- Cancelled from outside, it starts no further call, and waits for the running calls,
  also when a second cancellation comes. An error of such a call reaches the caller.
- Raises ValueError if the limit is under 1, before anything is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Input, Probe, need_callable, need_iterable, need_whole

NEIGHBOURS = ("event_loop", "periodic", "sync_vs_async")
NATIVE = ("function",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "The heart: beat, wait, beat again.",
    "Run each call in a thread, at most `limit` at a time.",
    "Wait for all calls; the heart stops after the last.",
    "Return the results in input order.",
)

EVERY = 0.1
"""Seconds between two beats."""

EXAMPLE = ([0.35, 0.15, 0.2], 2)
"""Seconds that each call blocks, and the limit."""
PRINTS = ("beat", "[0.35, 0.15, 0.2]")


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return abs, [1, -2, 3], means.say, 2


def check(
    function: Callable[[Input], Any],
    inputs: Iterable[Input],
    beat: Callable[[], Any],
    limit: int,
) -> list[Input]:
    """Return the inputs as a list; raise TypeError or ValueError for bad arguments."""
    need_callable(function=function, beat=beat)
    need_whole(1, limit=limit)
    return need_iterable("inputs", inputs)
