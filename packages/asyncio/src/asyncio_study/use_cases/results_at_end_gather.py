"""Results at the end: run a function many times, and look when all are done.

`asyncio.gather` is the shortest way, and the usual one before task groups came with
3.11. The first error reaches the caller at once, but the siblings run on, unattended.
So does the first call that has ended when `gather` is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run

CANNOT = {
    "stopping the rest": "gather leaves the siblings of a failed call running",
    "waiting for the rest": "gather ends as soon as one of its calls has failed or was "
    "cancelled, and the others may still clean up",
    "keeping every error": "gather raises the first error, and drops the others",
    "a cleanup that no second cancellation disturbs": "gather passes each cancellation "
    "on to all calls",
}


async def results_at_end(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 3. Return the results in input order.
    return await asyncio.gather(*(function(item) for item in inputs))


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
