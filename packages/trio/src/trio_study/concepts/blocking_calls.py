"""Blocking calls: run functions that block, and keep the heart beating.

`trio.to_thread.run_sync` lets the whole program use only 40 threads at once, so the
call brings a limiter of its own. A few workers share one iterator. So calls start in
input order, and there are never more tasks than threads. A thread cannot be
interrupted: ``run_sync`` waits for its end even when cancelled, unless it may abandon
the thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import trio
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
    results: list[Any] = [None] * len(inputs)
    waiting = enumerate(inputs)
    threads = trio.CapacityLimiter(limit)

    # 1. The heart: beat, wait, beat again.
    beat()

    async def heart() -> None:
        while True:
            await trio.sleep(EVERY)
            beat()

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        try:
            return function(item)
        except trio.Cancelled as error:
            raise Unrequested from error

    async def worker() -> None:
        for index, item in waiting:
            results[index] = await trio.to_thread.run_sync(call, item, limiter=threads)

    # 3. Wait for all calls; the heart stops after the last.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(heart)
        async with trio.open_nursery() as workers:
            for _ in range(min(limit, len(inputs))):
                workers.start_soon(worker)
        nursery.cancel_scope.cancel()

    # 4. Return the results in input order.
    return results


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
