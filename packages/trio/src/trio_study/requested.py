"""Requested cancellations, kept apart from unrequested ones.

A nursery takes every `trio.Cancelled` for one of its own: it cancels the rest, swallows
the exception and continues. In trio only a scope makes a `trio.Cancelled`, so that is
almost always right. But a job may raise one that it has kept, or got from elsewhere.
The nursery would lose that job.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

import trio
from concurrency_study.topics import Result, Unrequested

Args = TypeVarTuple("Args")


def cancelled() -> bool:
    """Return whether a scope around the caller is cancelled and not shielded off."""
    return trio.current_effective_deadline() == -math.inf


async def requested(
    function: Callable[[*Args], Awaitable[Result]], *args: *Args
) -> Result:
    """Run a job, and let only requested cancellations pass.

    Raises:
        Unrequested: The job ended as cancelled, but no scope around it is cancelled.
    """
    try:
        return await function(*args)
    except trio.Cancelled as error:
        if cancelled():
            raise
        raise Unrequested from error
