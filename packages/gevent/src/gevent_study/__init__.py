"""gevent: greenlets, ordinary functions that are switched in the middle of a call.

A greenlet has a stack of its own, so any function may wait, however deep the call, and
its ``def`` does not show it. There is one thread. A switch happens only inside a call
that waits on the hub, which runs the event loop (libev). Without monkey-patching, as
here, only gevent's own functions wait that way.

There is no task group that ends with its block. A spawned greenlet runs by itself. If
it fails, the hub prints its error on stderr, once, whether or not ``get()`` or
``joinall(raise_error=True)`` takes the error as well. So an answer kills the greenlets
that it has started, and waits for them in ``finally``. Cancellation is
`gevent.GreenletExit`, thrown into the greenlet where it waits, once per ``kill()``. A
killed greenlet counts as successful, and its value is that exception.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from concurrency_study.topics import Result

CANNOT = {
    "cancelling again what swallows it": "a kill is delivered once; a greenlet that "
    "swallows it continues",
    "a deadline that stays expired": "a `gevent.Timeout` is raised once",
}
DIFFERS = {
    "shielding a cleanup from a deadline": "a second timeout interrupts a cleanup; run "
    "the cleanup in a greenlet of its own, and wait for that greenlet to its end",
}


def run(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` in the main greenlet: the front door.

    There is nothing to start: the hub runs while the caller waits. Ctrl-C raises
    KeyboardInterrupt in the main greenlet.
    """
    gevent.get_hub()  # made on first use, so that the first wait does not pay for it
    return function(*args)
