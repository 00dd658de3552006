"""Results at the end: run a function many times, and look when all are done.

A nursery waits for all, and cancels the rest at the first error. It returns no task
objects, and so no results. Each job stores its result in a list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import trio
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..requested import requested


async def results_at_end(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    results: list[Any] = [None] * len(inputs)

    async def job(index: int, item: Input) -> None:
        results[index] = await requested(function, item)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    async with trio.open_nursery() as nursery:
        for index, item in enumerate(inputs):
            nursery.start_soon(job, index, item)

    # 3. Return the results in input order.
    return results


async def snooze(seconds: float) -> str:
    await trio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
