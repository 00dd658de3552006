"""Periodic: do something every so often, without drift.

The time to sleep comes from the loop's own clock. A sleep of a negative time does not
wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from concurrency_study.topics.periodic import EXAMPLE, check

from .. import run


async def periodic(
    tick: Callable[[int], Awaitable[object]],
    every: float,
    times: int,
) -> None:
    check(tick, every, times)
    now = asyncio.get_running_loop().time

    # 1. Note the start: every tick is due at a multiple from there.
    start = now()

    for i in range(times):
        # 2. Wait until the tick is due; an overdue one starts at once.
        await asyncio.sleep(start + i * every - now())

        # 3. Tick, and wait until it has ended.
        await tick(i)


async def show(i: int) -> None:
    print("tick", i)


if __name__ == "__main__":
    run(periodic, show, *EXAMPLE)
