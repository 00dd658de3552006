"""Threads: functions that the operating system runs side by side.

Every thread blocks as it likes; the system runs another one meanwhile, and may switch
between any two instructions, so what is shared needs a lock. In CPython one thread at a
time runs Python code (the GIL). A running thread cannot be stopped from outside: it has
to be asked, by an event that it looks at (``stop``), and says that it gave up with
`concurrent.futures.CancelledError`. A thread's error stays in the thread: a `Future` or
a group (`threads_study.group`) carries it to whoever waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from concurrency_study.topics import Result

CANNOT = {
    "cancellation from outside": "a running thread cannot be stopped; "
    "Future.cancel() of a running call does nothing",
    "thousands at once": "every thread takes memory and a place in the system's "
    "tables, so a pool is bounded; the rest wait for their turn",
}

MOST = 1000
"""How many threads a pool may have here: each costs memory, used or not."""


def run(function: Callable[..., Result], *args: Any) -> Result:
    """The front door: call ``function(*args)`` in the calling thread."""
    return function(*args)
