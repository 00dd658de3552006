"""gevent: greenlets, ordinary functions that are switched in the middle of a call.

A greenlet has a stack of its own, so any function may wait, however deep, and none is
marked as one that does. There is one thread; a switch happens only inside a call that
waits on the hub, which runs the event loop (libev). Without monkey-patching, as here,
only gevent's own functions wait that way.

There is no task group that ends with its block: a spawned greenlet runs by itself, and
whoever fails is printed on stderr by the hub, once, whether or not its error is taken
by ``get()`` or ``joinall(raise_error=True)`` as well. So an answer kills what it has
started and waits for it in ``finally``. Cancellation is `gevent.GreenletExit`, thrown
into the greenlet where it waits, once per ``kill()``; a killed greenlet counts as
successful, and its value is that exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from concurrency_study.topics import Result

CANNOT = {
    "cancelling again what swallows it": "a kill is delivered once; a greenlet that "
    "swallows it goes on",
    "a deadline that stays expired": "a `gevent.Timeout` is raised once",
}
DIFFERS = {
    "shielding a cleanup from a deadline": "a second timeout interrupts a cleanup; run "
    "the cleanup in a greenlet of its own, and wait for that greenlet to its end",
}


def run(function: Callable[..., Result], *args: Any) -> Result:
    """The front door: call ``function(*args)`` in the main greenlet.

    There is nothing to start: the hub runs as soon as, and as long as, the caller
    waits. It is in the main greenlet that Ctrl-C raises KeyboardInterrupt.
    """
    gevent.get_hub()  # made on first use, at the cost of whoever waits first
    return function(*args)
