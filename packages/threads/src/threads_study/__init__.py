"""Threads: functions that the operating system runs side by side.

Any thread may block, and the system then runs another one. The system may switch
between any two instructions, so shared data needs a lock. In CPython one thread at a
time runs Python code (the GIL). A running thread cannot be stopped from outside. It can
be asked to stop, by an event that it looks at (``stop``). It says that it gave up by
raising `concurrent.futures.CancelledError`. A thread's error stays in the thread. A
`Future` or a group (`threads_study.group`) carries it to the thread that waits.
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
"""The largest number of threads in a pool. Each costs memory, used or not."""


def run(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` in the calling thread: the front door."""
    return function(*args)
