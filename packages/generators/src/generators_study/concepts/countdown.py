"""Countdown: functions that pause and remember where they were.

A generator pauses at ``yield`` and keeps its local variables. ``yield from`` hands the
pauses of another generator through. The kernel holds all generators, and continues each
when its second is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics.countdown import EXAMPLE, check

from .. import run
from ..kernel import Group, Wait, open_group, sleep


def countdown(
    counters: Iterable[tuple[str, int]],
    say: Callable[[str, int], object],
) -> Wait[None]:
    counters = check(counters, say)

    # 1. One counter: say a number, pause, continue from there.
    def count(name: str, n: int) -> Wait[None]:
        for number in range(n, 0, -1):
            say(name, number)
            if number > 1:
                yield from sleep(1)

    # 2. Start all counters side by side.
    def start(group: Group) -> None:
        for name, n in counters:
            group.spawn(count, name, n)

    # 3. Wait until the last one has ended.
    yield from open_group(start)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
