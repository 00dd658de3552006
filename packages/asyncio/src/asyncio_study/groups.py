"""Four things that `asyncio.TaskGroup` leaves to its user.

A task group ignores a child that ends as cancelled. It refuses tasks while it shuts
down, and an eager task may make it shut down while others are being started. It ends
early only by an error. It cancels a child once more that was already cancelled.
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
        Unrequested: The job ended as cancelled, but nothing had cancelled the task.

    The function is called here and not before, because a task may end before its first
    step: a coroutine that was made for it would then never be awaited.
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
        CancelledError: An eager task has failed, and the group shuts down already. It
            has cancelled the calling task, which would notice it in the next wait.
    """
    try:
        return group.create_task(job)
    except RuntimeError:
        job.close()
        raise asyncio.CancelledError from None


class Won(Exception):
    """The error that a task raises to end its group: the others are cancelled, once.

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
