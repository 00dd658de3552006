"""Sync versus async: the same calls, one after the other and side by side.

A coroutine that is awaited runs at once, in this task. A coroutine that is started in a
task group runs side by side with it. The clock is the backend's own.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import anyio
from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run


async def sync_vs_async(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)
    jobs: list[anyio.TaskHandle[Result]] = []

    # 1. Measure how long something takes.
    begin = anyio.current_time()

    # 2. One after the other: wait for each before the next.
    in_turn = [await function(item) for item in inputs]
    middle = anyio.current_time()

    # 3. Side by side: start all, then wait for all.
    async with anyio.create_task_group() as group:
        for item in inputs:
            jobs.append(group.start_soon(function, item))
    end = anyio.current_time()

    # 4. Return both, to compare.
    side_by_side = [job.return_value for job in jobs]
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


async def snooze(seconds: float) -> str:
    await anyio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
