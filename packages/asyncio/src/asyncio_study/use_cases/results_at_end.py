"""Results at the end: run a function many times, and look when all are done.

A task group waits for all, and cancels the rest at the first error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..groups import requested, start


async def results_at_end(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, requested(function, item)) for item in inputs]

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
