"""Countdown: functions that pause and remember where they were.

A greenlet pauses inside `gevent.sleep`, an ordinary call, and keeps its whole stack;
the hub switches to another one meanwhile. What a greenlet runs is an ordinary function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics.countdown import EXAMPLE, check
from gevent.pool import Group

from .. import run
from .._stop import stop


def countdown(
    counters: Iterable[tuple[str, int]],
    say: Callable[[str, int], object],
) -> None:
    counters = check(counters, say)

    # 1. One counter: say a number, pause, go on from there.
    def count(name: str, n: int) -> None:
        for number in range(n, 0, -1):
            say(name, number)
            if number > 1:
                gevent.sleep(1)

    group = Group()
    try:
        # 2. Start all counters side by side.
        jobs = [group.spawn(count, name, n) for name, n in counters]

        # 3. Wait until the last one has ended.
        gevent.joinall(jobs, raise_error=True)
    finally:
        stop(group)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
