"""Four things that `asyncio.TaskGroup` leaves to its user.

It ignores a child that ends as cancelled; it refuses tasks while it shuts down, which
eager tasks may cause in the middle of starting; it ends early only by an error; and it
cancels its children once more if one of them was cancelled before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVarTuple

from concurrency_study.topics import Result, Unrequested

Args = TypeVarTuple("Args")


def cancelling() -> int:
    """Return how many requests to cancel the current task are pending."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def requested(
    function: Callable[[*Args], Awaitable[Result]], *args: *Args
) -> Result:
    """Run a job in its task, and let only requested cancellations pass.

    Raises:
        Unrequested: the job ended as cancelled, but nothing had cancelled the task.

    The call is made here and not before, as a task may never come to its first step:
    a coroutine that was made for it would then never be awaited.
    """
    try:
        return await function(*args)
    except asyncio.CancelledError as error:
        if cancelling():
            raise
        raise Unrequested from error


def start(
    group: asyncio.TaskGroup, job: Coroutine[Any, Any, Result]
) -> asyncio.Task[Result]:
    """Start a task in the group.

    Raises:
        CancelledError: an eager task has failed, and the group shuts down already. It
            has cancelled the caller, who would learn of it in the next wait.
    """
    try:
        return group.create_task(job)
    except RuntimeError:
        job.close()
        raise asyncio.CancelledError from None


class Won(Exception):
    """Raised in a task to end its group: the others are cancelled, once.

    https://docs.python.org/3/library/asyncio-task.html#terminating-a-task-group
    """


async def cancelled_once(job: Awaitable[Result]) -> Result:
    """Run a job in a task of its own, and pass only the first cancellation on to it."""
    task = asyncio.ensure_future(job)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            if not task.cancelling():
                task.cancel()
    return task.result()
