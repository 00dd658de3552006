"""Sync versus async: the same calls, one after the other and side by side.

A coroutine that is awaited runs at once, in this task. A coroutine that is started in a
nursery runs side by side with it, in a task that stores its result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import trio
from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..requested import requested


async def sync_vs_async(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)
    side_by_side: list[Any] = [None] * len(inputs)

    async def job(index: int, item: Input) -> None:
        side_by_side[index] = await requested(function, item)

    # 1. Measure how long something takes.
    begin = trio.current_time()

    # 2. One after the other: wait for each before the next.
    in_turn = [await function(item) for item in inputs]
    middle = trio.current_time()

    # 3. Side by side: start all, then wait for all.
    async with trio.open_nursery() as nursery:
        for index, item in enumerate(inputs):
            nursery.start_soon(job, index, item)
    end = trio.current_time()

    # 4. Return both, to compare.
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


async def snooze(seconds: float) -> str:
    await trio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
