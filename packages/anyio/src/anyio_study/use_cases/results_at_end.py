"""Results at the end: run a function many times, and look when all are done.

A task group waits for all, and cancels the rest at the first error. ``start_soon``
returns a handle, which has the result in the end. `anyio.amap` does nearly the same in
one call.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import anyio
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..requested import requested


async def results_at_end(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    jobs: list[anyio.TaskHandle[Result]] = []

    async def job(item: Input) -> Result:
        return await requested(function, item)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    async with anyio.create_task_group() as group:
        for item in inputs:
            jobs.append(group.start_soon(job, item))

    # 3. Return the results in input order.
    return [job.return_value for job in jobs]


async def snooze(seconds: float) -> str:
    await anyio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
