"""Periodic: do something every so often, without drift.

`sleep_until` takes an instant instead of a duration. If the instant is past, it takes a
turn of the loop and no time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics.periodic import EXAMPLE, check

from .. import run
from ..kernel import Wait, sleep_until


def periodic(
    tick: Callable[[int], Wait[object]],
    every: float,
    times: int,
) -> Wait[None]:
    check(tick, every, times)

    # 1. Note the start: every tick is due at a multiple from there.
    start = time.monotonic()

    for i in range(times):
        # 2. Wait until the tick is due; an overdue one starts at once.
        yield from sleep_until(start + i * every)

        # 3. Tick, and wait until it has ended.
        yield from tick(i)


def show(i: int) -> Wait[None]:
    print("tick", i)
    yield from ()


if __name__ == "__main__":
    run(periodic, show, *EXAMPLE)
