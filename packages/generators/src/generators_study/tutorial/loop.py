"""Loop: coroutines that sleep, and a loop that wakes them.

What a coroutine yields passes through all its callers to the loop. Here it is the
number of seconds for which the coroutine wants to sleep. There are no callbacks any
more: what comes next is in the next line. (A loop that also watches descriptors sleeps
in a selector, as the event loops in the concepts do.)
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

Waiting = Iterator[Any]
"""An object that ``next`` runs up to its next wait, such as a coroutine."""


class Loop:
    """A loop that runs ready coroutines, and sleeps until the next one is due."""

    def __init__(self) -> None:
        self.ready: deque[Waiting] = deque()
        self.timers: list[tuple[float, int, Waiting]] = []
        self._order = count()

    def run(self) -> None:
        """Run until no coroutine is ready or asleep."""
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
        """Keep a coroutine until its request is fulfilled."""
        due = time.monotonic() + request
        heappush(self.timers, (due, next(self._order), waiting))


def sleep(seconds: float) -> Waiting:
    """Wait for a number of seconds."""
    yield seconds


def tell(what: str, seconds: float) -> Waiting:
    """Say something, sleep, and say that it is over."""
    print(what, "begins")
    yield from sleep(seconds)
    print(what, "ends")


def main() -> None:
    """Run two coroutines side by side."""
    loop = Loop()
    loop.ready.extend([tell("long", 0.2), tell("short", 0.1)])
    loop.run()


if __name__ == "__main__":
    main()
