"""Processes: functions that run in interpreters of their own.

Processes share no variables, and memory only on request (`multiprocessing.Value`,
`multiprocessing.shared_memory`). Arguments and results are pickled and copied, and a
closure does not travel. In return they compute side by side, each under a GIL of its
own, and can be stopped from outside. SIGTERM reaches a process between two
instructions. Here its handler raises `concurrent.futures.CancelledError` in the main
thread, so that every ``finally`` runs. SIGKILL ends a process that does not listen. A
process may also die by itself. The call that it ran is lost then, and is not repeated:
it runs at most once. Most answers use `pool.Pool` of this study, because no pool of the
standard library can stop one call that runs.

A process that starts by ``spawn`` or ``forkserver`` imports the main module. So the
code that starts it needs the guard ``if __name__ == "__main__"``. One that starts by
``fork`` copies its parent, with the locks that other threads hold just then: nothing
releases them in the copy. Python 3.14 no longer forks by default.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, NoReturn

from concurrency_study.topics import Result
from concurrency_study.topics.signals import leave_ctrl_c

CANNOT = {
    "sharing memory with jobs": "arguments and results are copies, and closures "
    "do not travel",
    "thousands at once": "every process takes megabytes and milliseconds, so a pool is "
    "bounded; the rest wait for their turn",
    "thousands in a race": "a function beyond the bound starts only when another ends",
    "cancelling again what swallows it": "the first SIGTERM raises, and later ones do "
    "not disturb the cleanup; what is left is SIGKILL",
    "a deadline that stays expired": "a deadline is one SIGTERM, which a job may "
    "swallow",
}

MOST = 200
"""The largest number of processes in a pool."""


def run(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` so that SIGTERM cancels it: the front door.

    The call stops its processes then, and raises CancelledError.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args)  # only the main thread handles signals
    before = signal.signal(signal.SIGTERM, cancel)
    try:
        return function(*args)
    finally:
        signal.signal(signal.SIGTERM, before)


def begin_worker() -> None:
    """Initialize a worker of an executor: leave Ctrl-C to the caller."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    leave_ctrl_c()


def cancel(*_: object) -> NoReturn:
    """Handle a signal: cancel what the main thread does."""
    raise CancelledError
