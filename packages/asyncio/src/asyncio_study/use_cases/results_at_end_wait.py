"""Results at the end: run a function many times, and look when all are done.

`asyncio.wait` only waits. The caller has to cancel the rest, wait for the cancelled
tasks, and find the error among the results. `asyncio.wait` refuses an empty set of
tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..groups import requested


async def results_at_end(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    jobs = [asyncio.create_task(requested(function, item)) for item in inputs]
    pending, cancelled = set(jobs), None
    if not jobs:
        return []

    # 2. Wait for all; the first error stops the rest.
    try:
        _, pending = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError as error:
        cancelled = error
    for job in pending:
        job.cancel()
    while pending:
        with contextlib.suppress(asyncio.CancelledError):  # all are cancelled already
            _, pending = await asyncio.wait(pending)
    errors = [e for job in jobs if not job.cancelled() and (e := job.exception())]
    if errors:
        raise BaseExceptionGroup("errors in tasks", errors)
    if cancelled is not None:
        raise cancelled

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
