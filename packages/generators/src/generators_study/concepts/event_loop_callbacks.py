"""Event loop: say hello every three seconds, and answer every line meanwhile.

The second step is a general loop, which knows nothing of hellos and lines. It is given
callbacks, and each callback arranges the next one. So the order of events no longer
shows in the text. The answer is a plain blocking function.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from concurrency_study.topics.event_loop import (
    EVERY,
    HELLO,
    answer,
    check,
    standard_input,
)

CANNOT = {
    "cancellation from outside": "a plain function that blocks cannot be cancelled; "
    "only a signal interrupts it"
}

Callback = Callable[[], object]


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    lines = check(source, say)
    loop = Loop()

    # 1. Say hello, now and every three seconds.
    def hello() -> None:
        say(HELLO)
        loop.call_later(EVERY, hello)

    # 2. Wait until there is input, or the next hello is due.
    def listen() -> None:
        # 3. Read what is there; a line may come in pieces.
        found = lines.read()

        # 4. Answer each line; stop at exit or the end of input.
        for line in found:
            if (reply := answer(line)) is None:
                loop.stop()
                return
            say(reply)
        if lines.ended:
            loop.stop()

    loop.call_soon(hello)
    loop.add_reader(lines.descriptor, listen)
    if lines.ready:
        loop.call_soon(listen)
    loop.run()


class Loop:
    """A loop that calls back: soon, later, or when there is something to read."""

    def __init__(self) -> None:
        self._ready: deque[Callback] = deque()
        self._timers: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._always_ready: list[Callback] = []
        self._running = True

    def call_soon(self, callback: Callback) -> None:
        """Call back in the next turn."""
        self._ready.append(callback)

    def call_later(self, seconds: float, callback: Callback) -> None:
        """Call back this many seconds from now."""
        due = time.monotonic() + seconds
        heapq.heappush(self._timers, (due, next(self._order), callback))

    def add_reader(self, descriptor: int, callback: Callback) -> None:
        """Call back whenever reading would not block."""
        try:
            self._selector.register(descriptor, selectors.EVENT_READ, callback)
        except PermissionError:  # epoll refuses files that never block
            self._always_ready.append(callback)

    def stop(self) -> None:
        """Return from `run` after this callback."""
        self._running = False

    def run(self) -> None:
        """Call back until `stop` is called or a callback raises."""
        with self._selector:
            while self._running:
                self._collect(self._timeout())
                for _ in range(len(self._ready)):
                    if self._running:
                        self._ready.popleft()()

    def _timeout(self) -> float | None:
        if self._ready or self._always_ready:
            return 0
        if self._timers:
            return max(0, self._timers[0][0] - time.monotonic())
        return None

    def _collect(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            self._ready.append(key.data)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._ready.append(heapq.heappop(self._timers)[2])
        self._ready.extend(self._always_ready)


if __name__ == "__main__":
    event_loop(standard_input(), print)
