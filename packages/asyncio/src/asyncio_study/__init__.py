"""asyncio: coroutines on the event loop of the standard library.

A coroutine runs until it awaits something that is not there yet. Then the loop runs
another one. There is one thread, and a switch happens only at an ``await``, so the code
between two awaits needs no lock. A task group starts tasks, does not end before them,
and cancels the others when one fails. Cancellation is edge-triggered: it is delivered
once, as `asyncio.CancelledError`, and a task that swallows it continues.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from concurrency_study.topics import Result

CANNOT = {
    "cancelling again what swallows it": "a cancellation is delivered once; a task "
    "that swallows it continues",
    "a deadline that stays expired": "`asyncio.timeout` cancels its task once",
}
DIFFERS = {
    "shielding a cleanup from a deadline": "a second cancellation interrupts it; run "
    "the cleanup in a task of its own, and wait for that task to its end",
}


def run(function: Callable[..., Coroutine[Any, Any, Result]], *args: Any) -> Result:
    """Run ``function(*args)`` on a new event loop, to its end: the front door."""
    return asyncio.run(function(*args))
