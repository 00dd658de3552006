"""Countdown: functions that pause and remember where they were.

A greenlet runs an ordinary function. It pauses inside `gevent.sleep`, an ordinary call,
and keeps its whole stack. The hub switches to another greenlet meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics.countdown import EXAMPLE, check

from .. import run
from ..group import GreenletGroup


def countdown(
    counters: Iterable[tuple[str, int]],
    say: Callable[[str, int], object],
) -> None:
    counters = check(counters, say)

    # 1. One counter: say a number, pause, continue from there.
    def count(name: str, n: int) -> None:
        for number in range(n, 0, -1):
            say(name, number)
            if number > 1:
                gevent.sleep(1)

    # 2. Start all counters side by side.
    # 3. Wait until the last one has ended.
    with GreenletGroup() as group:
        for name, n in counters:
            group.spawn(count, name, n)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
