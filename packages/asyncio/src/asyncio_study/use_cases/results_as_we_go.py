"""Results as we go: hand over each result the instant it is ready.

Every task puts itself into a queue when it is done, with its result or its error. The
caller takes the tasks from the queue. The task group cancels the rest at the first
error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run
from ..groups import start


async def results_as_we_go(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)
    results: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()

    async with asyncio.TaskGroup() as group:
        # 1. A job puts its result in line when it ends.
        # 2. Start a job for every input.
        for item in inputs:
            job = start(group, function(item))
            job.add_done_callback(results.put_nowait)

        # 3. Hand over each result as it comes.
        for _ in inputs:
            handle((await results.get()).result())


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
