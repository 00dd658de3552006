"""Sync versus async: the same calls, one after the other and side by side.

A coroutine that is awaited runs at once, in this task. A coroutine that is made a task
runs side by side with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..groups import requested, start


async def sync_vs_async(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn = [await function(item) for item in inputs]
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, requested(function, item)) for item in inputs]
    end = time.perf_counter()

    # 4. Return both, to compare.
    side_by_side = [job.result() for job in jobs]
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
