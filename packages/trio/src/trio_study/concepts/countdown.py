"""Countdown: functions that pause and remember where they were.

A coroutine pauses at ``await`` and keeps its local variables. Trio runs another task
meanwhile. Tasks that can run at the same instant do so in random order, on purpose: no
program should come to rely on an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
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
                await trio.sleep(1)

    # 2. Start all counters side by side.
    # 3. Wait until the last one has ended.
    async with trio.open_nursery() as nursery:
        for name, n in counters:
            nursery.start_soon(count, name, n)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
