"""Requested cancellations, kept apart from unrequested ones.

A task group takes every cancellation exception for one of its own: it cancels the rest,
swallows the exception and continues. On asyncio a job may raise one without a request,
for example by awaiting a future that another task has cancelled.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

import anyio
from concurrency_study.topics import Result, Unrequested

Args = TypeVarTuple("Args")


def cancelled() -> bool:
    """Return whether a scope around the caller is cancelled and not shielded off."""
    return anyio.current_effective_deadline() == -math.inf


async def requested(
    function: Callable[[*Args], Awaitable[Result]], *args: *Args
) -> Result:
    """Run a job, and let only requested cancellations pass.

    Raises:
        Unrequested: The job ended as cancelled, but no scope around it is cancelled.
    """
    try:
        return await function(*args)
    except anyio.get_cancelled_exc_class() as error:
        if cancelled():
            raise
        raise Unrequested from error
