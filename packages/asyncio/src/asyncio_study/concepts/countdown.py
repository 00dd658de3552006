"""Countdown: functions that pause and remember where they were.

A coroutine pauses at ``await`` and keeps its local variables. The event loop runs
another one meanwhile. A task is a coroutine that the loop runs by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from concurrency_study.topics.countdown import EXAMPLE, check

from .. import run
from ..groups import start


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
                await asyncio.sleep(1)

    # 2. Start all counters side by side.
    # 3. Wait until the last one has ended.
    async with asyncio.TaskGroup() as group:
        for name, n in counters:
            start(group, count(name, n))


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
