"""Results at the end: run a function many times, and look when all are done.

`asyncio.wait` only waits: cancelling, waiting for the cancelled and finding the error
among the results are left to the caller. It refuses to wait for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run


async def results_at_end(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    jobs = [asyncio.create_task(function(item)) for item in inputs]
    if not jobs:
        return []

    # 2. Wait for all; the first error stops the rest.
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_EXCEPTION)
        for job in done:
            job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
