"""Toy: coroutines on a small scheduler.

There is one thread, and a task switch happens only at an ``await`` that waits. The
scheduler has a ready queue and a heap of timers. Tasks are started by `together` only,
which waits for all of them and cancels the rest when one fails. Cancellation is
edge-triggered: `Cancelled` is raised once, at the wait of the task, and a task that
swallows it continues.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from concurrency_study.topics import Result

from .scheduler import Scheduler

CANNOT = {
    "cancelling again what swallows it": "a cancellation is delivered once; a task "
    "that swallows it continues",
    "a deadline that stays expired": "a deadline cancels its task once",
}
DIFFERS = {
    "shielding a cleanup from a deadline": "a second cancellation interrupts it; catch "
    "`Cancelled` in the cleanup, finish, and raise it again",
}


def run(function: Callable[..., Coroutine[Any, Any, Result]], *args: Any) -> Result:
    """Run ``function(*args)`` on a new scheduler, to its end: the front door."""
    return Scheduler().run(function, *args)
