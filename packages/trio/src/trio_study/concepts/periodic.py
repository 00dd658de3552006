"""Periodic: do something every so often, without drift.

``sleep_until`` takes an instant of trio's own clock instead of a duration. If the
instant is past, it does not wait, but it is still a checkpoint: other tasks run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from concurrency_study.topics.periodic import EXAMPLE, check

from .. import run


async def periodic(
    tick: Callable[[int], Awaitable[object]],
    every: float,
    times: int,
) -> None:
    check(tick, every, times)

    # 1. Note the start: every tick is due at a multiple from there.
    start = trio.current_time()

    for i in range(times):
        # 2. Wait until the tick is due; an overdue one starts at once.
        await trio.sleep_until(start + i * every)

        # 3. Tick, and wait until it has ended.
        await tick(i)


async def show(i: int) -> None:
    print("tick", i)


if __name__ == "__main__":
    run(periodic, show, *EXAMPLE)
