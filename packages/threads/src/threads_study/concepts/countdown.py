"""Countdown: functions that pause and remember where they were.

A thread pauses wherever it blocks, and keeps its whole stack. It waits for ``stop``
instead of sleeping, so that an error ends the others. The lock keeps two threads from
calling ``say`` at once: ``print`` writes its words one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from concurrency_study.topics.countdown import EXAMPLE, check

from .. import run
from ..group import ThreadGroup


def countdown(
    counters: Iterable[tuple[str, int]],
    say: Callable[[str, int], object],
) -> None:
    counters = check(counters, say)
    speaking = threading.Lock()

    # 1. One counter: say a number, pause, continue from there.
    def count(name: str, n: int) -> None:
        for number in range(n, 0, -1):
            with speaking:
                say(name, number)
            if number > 1 and group.stop.wait(1):
                return

    # 2. Start all counters side by side.
    # 3. Wait until the last one has ended.
    with ThreadGroup() as group:
        for name, n in counters:
            group.start(count, name, n)


if __name__ == "__main__":
    run(countdown, EXAMPLE, print)
