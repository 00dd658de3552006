"""trio: coroutines in nurseries.

There is one thread, and a task switch happens only at an ``await``. Every function of
trio that is awaited is a checkpoint: other tasks run there, and cancellation arrives
there. A task lives in a nursery, which does not end before its tasks and cancels the
rest when one fails (structured concurrency). A cancel scope can cancel every wait
inside it. Cancellation is level-triggered: in a cancelled scope every further
checkpoint raises `trio.Cancelled`, also in a cleanup, unless the cleanup runs in a
shielded scope. (Edge-triggered cancellation, as in asyncio, is raised once.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio
from concurrency_study.topics import Result

CANNOT: dict[str, str] = {}
DIFFERS = {
    "leaving no idle thread": "trio keeps an idle worker thread for ten seconds, for "
    "the next call that needs one; a `threading.Thread` that ends by "
    "`trio.from_thread.run_sync`, with a token of trio, leaves none",
    "waiting in cleanup": "a wait in a cancelled scope is cancelled at once; put the "
    "cleanup in a `trio.CancelScope(shield=True)`",
}


def run(function: Callable[..., Awaitable[Result]], *args: Any) -> Result:
    """Run ``function(*args)`` in a new trio loop, to its end: the front door."""
    return trio.run(function, *args)
