"""Cancellations that were requested, told from those that were not.

A nursery takes every `trio.Cancelled` for one of its own: it cancels the rest, swallows
the exception and goes on. In trio only a scope makes one, so that is almost always
right. A job that raises one which it has kept, or got from elsewhere, would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

import trio
from concurrency_study.topics import Result, Unrequested

Args = TypeVarTuple("Args")


def cancelled() -> bool:
    """Return whether a scope around this is cancelled, and no shield keeps that out."""
    return trio.current_effective_deadline() == -math.inf


async def requested(
    function: Callable[[*Args], Awaitable[Result]], *args: *Args
) -> Result:
    """Run a job, and let only requested cancellations pass.

    Raises:
        Unrequested: the job ended as cancelled, but no scope around it is cancelled.
    """
    try:
        return await function(*args)
    except trio.Cancelled as error:
        if cancelled():
            raise
        raise Unrequested from error
