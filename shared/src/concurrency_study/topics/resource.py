"""Resource: what was opened is closed, whatever happens.

For connections, files, locks or leases that must be given back, also when the work
fails or is cancelled, and when giving back takes time itself.

    resource(open_it, use, close)

- The three are native. ``open_it`` takes no argument and returns a handle. ``use`` and
  ``close`` take that handle. Each may wait.
- Returns the result of ``use`` when ``close`` has ended.
- If ``open_it`` has returned, ``close`` is called once, also if ``use`` fails or is
  cancelled. If ``open_it`` raises, neither is called.
- Cancelled while opening, it cancels ``open_it``. If ``open_it`` still returns a
  handle, the handle is closed.
- Cancelled while using, it cancels ``use``, and ``close`` runs to its end. Example:
  cancelled at 1 s, and closing takes 2 s. The call ends as cancelled at 3 s.
- Cancelled while closing, it lets ``close`` run to its end. Then the cancellation takes
  effect, here or at the caller's next wait.
- An error of ``use`` or of ``close`` reaches the caller. If both fail, the error of
  ``close`` does, with the other one as its context. An error takes precedence over a
  cancellation.
- Raises TypeError if an argument is not callable, before anything is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from . import Probe, need_callable

NEIGHBOURS = ("timeout", "results_at_end")
NATIVE = ("open_it", "use", "close")
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Open it: from now on there is something to close.",
    "Use it.",
    "Close it, whatever has happened, to the end, whatever happens.",
    "A cancellation that came meanwhile takes effect.",
)

Handle = TypeVar("Handle")
"""The handle of the opened resource."""

EXAMPLE = "a connection"
"""The handle. Opening and closing it take half a second each."""
PRINTS = ("opened a connection", "closed a connection", "used a connection")
"""The last line is the result of `use`."""


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""

    def use(_: object) -> Any:
        return means.job(1)

    def close(_: object) -> Any:
        return means.job(2)

    return partial(means.job, 0), use, close


def check(
    open_it: Callable[..., Any], use: Callable[..., Any], close: Callable[..., Any]
) -> None:
    """Raise TypeError if an argument is not callable."""
    need_callable(open_it=open_it, use=use, close=close)
