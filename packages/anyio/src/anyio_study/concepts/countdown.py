"""Countdown: functions that pause and remember where they were.

A coroutine pauses at ``await`` and keeps its local variables. The backend's loop runs
another task meanwhile. The loop chooses the order of tasks that can run at the same
instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
from concurrency_study.topics.countdown import EXAMPLE, check

from .. import run


async def countdown(
    counters: Iterable[tuple[str, int]],
    say: Callable[[str, int], object],
) -> None:
    counters = check(counters, say)

    # 1. One counter: say a number, pause, continue from there.
    async def count(name: str, n: int) -> None:
        for number in range(n, 0, -1):
            say(name, number)
            if number > 1:
                await anyio.sleep(1)

    # 2. Start all counters side by side.
    # 3. Wait until the last one has ended.
    async with anyio.create_task_group() as group:
        for name, n in counters:
            group.start_soon(count, name, n)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
