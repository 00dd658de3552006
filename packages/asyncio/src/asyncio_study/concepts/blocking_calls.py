"""Blocking calls: run functions that block, and keep the heart beating.

`asyncio.to_thread` shares a small pool with the whole program, so the call makes a pool
of its own, with ``limit`` threads. A thread cannot be interrupted. A worker that is
cancelled waits for its thread, and `asyncio.wait` leaves the thread's future alone. A
future refuses StopIteration (Python 3.11 then hangs) and takes CancelledError for a
requested cancellation, so both are raised as another error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor

from concurrency_study.topics import Input, Result, Unrequested
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
    beat()

    async def heart() -> None:
        while True:
            await asyncio.sleep(EVERY)
            beat()

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        try:
            return function(item)
        except StopIteration as error:
            raise RuntimeError(f"a call raised {error!r}") from error
        except (CancelledError, asyncio.CancelledError) as error:
            raise Unrequested from error

    async def worker() -> None:
        for index, item in waiting:
            thread = loop.run_in_executor(pool, call, item)
            results[index] = await to_the_end(thread)

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


async def to_the_end(thread: asyncio.Future[Result]) -> Result:
    cancelled = None
    while not thread.done():
        try:
            await asyncio.wait([thread])
        except asyncio.CancelledError as error:
            cancelled = error
    result = thread.result()  # an error is not lost, even if it comes late
    if cancelled is not None:
        raise cancelled
    return result


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
