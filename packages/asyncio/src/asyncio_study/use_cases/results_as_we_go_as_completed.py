"""Results as we go: hand over each result the instant it is ready.

`asyncio.as_completed` gives the order of completion without a queue. It does not stop
the rest when a task fails, so the tasks belong to a group, which does.
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

    async with asyncio.TaskGroup() as group:
        # 2. Start a job for every input.
        jobs = [start(group, function(item)) for item in inputs]

        # 3. Hand over each result as it comes.
        for job in asyncio.as_completed(jobs):
            handle(await job)


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
