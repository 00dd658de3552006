"""Blocking calls: run functions that block, and keep the heart beating.

`asyncio.to_thread` shares a small pool with everybody else, so a pool of one's own
keeps the promise of ``limit``. A thread cannot be interrupted: whoever is cancelled
while one works has to wait for it, behind a shield.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check

from .. import run


async def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    loop = asyncio.get_running_loop()
    results: dict[int, Result] = {}

    # 1. The heart: beat, wait, beat again.
    async def heart() -> None:
        while True:
            beat()
            await asyncio.sleep(EVERY)

    # 2. Run each call in a thread, at most `limit` at a time.
    async def worker() -> None:
        for index, item in waiting:
            thread = loop.run_in_executor(pool, function, item)
            try:
                results[index] = await asyncio.shield(thread)
            except asyncio.CancelledError:
                await asyncio.wait([thread])
                thread.result()  # an error is not lost, even if it comes late
                raise

    # 3. Wait for all calls; the heart stops after the last.
    waiting = enumerate(inputs)
    with ThreadPoolExecutor(limit) as pool:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(heart())
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(limit, len(inputs))):
                    workers.create_task(worker())
            beating.cancel()

    # 4. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
