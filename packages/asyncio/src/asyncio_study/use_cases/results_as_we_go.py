"""Results as we go: hand over each result the instant it is ready.

A queue carries the results to the caller, in order of completion; the task group
cancels the rest at the first error. `asyncio.as_completed` would leave them running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run


async def results_as_we_go(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)
    results: asyncio.Queue[Result] = asyncio.Queue()

    # 1. A job puts its result in line when it ends.
    async def job(item: Input) -> None:
        results.put_nowait(await function(item))

    async with asyncio.TaskGroup() as group:
        # 2. Start a job for every input.
        for item in inputs:
            group.create_task(job(item))

        # 3. Hand over each result as it comes.
        for _ in inputs:
            handle(await results.get())


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
