"""generators: functions that pause, on an event loop that fits into one file.

A generator runs until it yields, and remembers where it was. ``next`` continues it.
That is all that coroutines need. In `kernel` a task is a generator, and what it yields
is the place where it waits. ``yield from`` calls another generator and hands its yields
through. There is one thread, and a switch happens only at a yield, so the code between
two yields needs no lock. A group of tasks does not end before its children, and cancels
the others when one fails. Cancellation is level-triggered: in a cancelled scope every
wait raises `kernel.Cancelled`, until the scope is left. (Edge-triggered cancellation,
as in asyncio, is raised once.)
"""

from __future__ import annotations

from .kernel import run

CANNOT = {
    "leaving no idle thread": "the kernel keeps an idle worker thread for the next "
    "call, until `run` returns",
}
DIFFERS = {
    "waiting in cleanup": "a wait in a cancelled scope is cancelled at once; put the "
    "cleanup in a `kernel.CancelScope(shield=True)`",
}

__all__ = ("CANNOT", "DIFFERS", "run")
