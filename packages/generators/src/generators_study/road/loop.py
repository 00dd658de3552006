"""Loop: coroutines that sleep, and a loop that wakes them.

What a coroutine yields goes out through all who called it to the loop; here it is the
number of seconds for which it wants to sleep. Nothing calls back any more: what comes
next stands in the next line. (One that has to watch descriptors, too, sleeps in a
selector, as those in the concepts do.)
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

Waiting = Iterator[Any]
"""Whatever can be asked for its next wait, as a coroutine can."""


class Loop:
    """Runs who is ready; if nobody is, sleeps until somebody has slept enough."""

    def __init__(self) -> None:
        self.ready: deque[Waiting] = deque()
        self.timers: list[tuple[float, int, Waiting]] = []
        self._order = count()

    def run(self) -> None:
        """Run until nobody is left who could go on."""
        while self.ready or self.timers:
            if not self.ready:
                due, _, waiting = heappop(self.timers)
                time.sleep(max(0, due - time.monotonic()))
                self.ready.append(waiting)
            waiting = self.ready.popleft()
            try:
                request = next(waiting)
            except StopIteration:
                continue
            self.wait(waiting, request)

    def wait(self, waiting: Waiting, request: Any) -> None:
        """Keep somebody until what it asks for has come."""
        due = time.monotonic() + request
        heappush(self.timers, (due, next(self._order), waiting))


def sleep(seconds: float) -> Waiting:
    """Wait so many seconds."""
    yield seconds


def tell(what: str, seconds: float) -> Waiting:
    """Say something, sleep, and say that it is over."""
    print(what, "begins")
    yield from sleep(seconds)
    print(what, "ends")


def main() -> None:
    """Run two side by side."""
    loop = Loop()
    loop.ready.extend([tell("long", 0.2), tell("short", 0.1)])
    loop.run()


if __name__ == "__main__":
    main()
