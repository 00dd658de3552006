"""asyncio: coroutines on the event loop of the standard library.

A coroutine runs until it awaits something that is not there yet; then the loop runs
another one. There is one thread and a switch happens only at an ``await``, so what
stands between two awaits needs no lock. A task group starts tasks, does not end before
them, and cancels the others when one fails. Cancellation is an event: it is delivered
once, as `asyncio.CancelledError`, and whoever swallows it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from concurrency_study.topics import Result

CANNOT = {
    "cancelling again what swallows it": "a cancellation is delivered once; a task "
    "that swallows it goes on",
    "a deadline that stays expired": "`asyncio.timeout` cancels its task once",
}
DIFFERS = {
    "shielding a cleanup from a deadline": "a second cancellation interrupts it; run "
    "the cleanup in a task of its own, and wait for that task to its end",
}


def run(function: Callable[..., Coroutine[Any, Any, Result]], *args: Any) -> Result:
    """The front door: run ``function(*args)`` on a new event loop, to its end."""
    return asyncio.run(function(*args))
