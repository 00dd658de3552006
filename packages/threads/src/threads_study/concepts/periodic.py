"""Periodic: do something every so often, without drift.

The time to sleep comes from the monotonic clock. Unlike the time of day, it is never
set.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics.periodic import EXAMPLE, check

from .. import run


def periodic(
    tick: Callable[[int], object],
    every: float,
    times: int,
) -> None:
    check(tick, every, times)
    now = time.monotonic

    # 1. Note the start: every tick is due at a multiple from there.
    start = now()

    for i in range(times):
        # 2. Wait until the tick is due; an overdue one starts at once.
        time.sleep(max(0, start + i * every - now()))

        # 3. Tick, and wait until it has ended.
        tick(i)


def show(i: int) -> None:
    print("tick", i)


if __name__ == "__main__":
    run(periodic, show, *EXAMPLE)
