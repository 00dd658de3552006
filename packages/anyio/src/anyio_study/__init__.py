"""AnyIO: structured concurrency on top of asyncio or of trio, whichever runs.

The same code runs on both. AnyIO brings trio's ideas (task groups, cancel scopes,
memory object streams, level-triggered cancellation) to asyncio's event loop. On trio it
is a thin layer. A task group does not end before its tasks, and cancels the rest when
one fails. Cancellation is level-triggered: in a cancelled scope every further wait is
cancelled, also in a cleanup, unless the cleanup runs in a shielded scope.
(Edge-triggered cancellation, as in asyncio, is raised once.) The cancellation exception
is the backend's own, `asyncio.CancelledError` or `trio.Cancelled`
(``anyio.get_cancelled_exc_class()``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from concurrency_study.topics import Result

CANNOT: dict[str, str] = {}
DIFFERS = {
    "leaving no idle thread": "an idle worker thread is kept for the next call: ten "
    "seconds, on asyncio at most until the loop is closed; a `threading.Thread` that "
    "ends by `anyio.from_thread.run_sync`, with a token, leaves none",
    "waiting in cleanup": "a wait in a cancelled scope is cancelled at once; put the "
    "cleanup in an `anyio.CancelScope(shield=True)`",
}


def run(
    function: Callable[..., Awaitable[Result]], *args: Any, backend: str = "asyncio"
) -> Result:
    """Run ``function(*args)`` in a new loop of "asyncio" or "trio": the front door."""
    return anyio.run(function, *args, backend=backend)
