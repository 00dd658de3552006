"""Blocking calls: run functions that block, and keep the heart beating.

For whoever has a library that blocks (a database driver, a resolver, a file system)
and a program that must go on meanwhile.

    blocking_calls(function, inputs, beat, limit)

- ``function`` is an ordinary blocking function, for every study alike; ``beat`` is a
  plain callable that never waits.
- All calls run off the loop, at most ``limit`` at a time, and no fewer while there are
  inputs left.
- ``beat()`` is called at once and every `EVERY` seconds until the last call has ended.
- Returns the results in input order, as soon as the last call has ended.
- The first error of a call reaches the caller, once the calls that cannot be
  interrupted have ended; no further call is started. An error of ``beat`` likewise.
- No inputs: returns [] at once.
- Cancelled from outside, no further call is started, and those that run are waited
  for.
- A limit under 1 is a ValueError, before anything is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Input, Probe, need_callable, need_iterable, need_whole

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
    """The inputs as a list; TypeError or ValueError if something cannot work."""
    need_callable(function=function, beat=beat)
    need_whole(1, limit=limit)
    return need_iterable("inputs", inputs)
