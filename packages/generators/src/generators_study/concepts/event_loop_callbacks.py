"""Event loop: say hello every three seconds, and answer every line meanwhile.

The second step: a general loop, which knows nothing of hellos and lines. What shall
happen is given to it as callbacks, and each arranges what comes next: the order of
things no longer shows in the text. It is a plain blocking function.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from concurrency_study.topics.event_loop import (
    CHUNK,
    EVERY,
    HELLO,
    Lines,
    answer,
    check,
)

CANNOT = {
    "cancellation from outside": "a plain function that blocks is left alone until it "
    "returns; only a signal gets into it"
}

Callback = Callable[[], object]


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    descriptor = check(source, say)
    lines = Lines()
    loop = Loop()

    # 1. Say hello, now and every three seconds.
    def hello() -> None:
        say(HELLO)
        loop.call_later(EVERY, hello)

    # 2. Wait until there is input, or the next hello is due.
    def listen() -> None:
        # 3. Read what is there; a line may come in pieces.
        data = os.read(descriptor, CHUNK)

        # 4. Answer each line; stop at exit or the end of input.
        for line in lines.feed(data):
            if (reply := answer(line)) is None:
                loop.stop()
                return
            say(reply)
        if not data:
            loop.stop()

    loop.call_soon(hello)
    loop.add_reader(descriptor, listen)
    loop.run()


class Loop:
    """Calls back: soon, later, or when there is something to read."""

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
        """Call back so many seconds from now."""
        due = time.monotonic() + seconds
        heapq.heappush(self._timers, (due, next(self._order), callback))

    def add_reader(self, descriptor: int, callback: Callback) -> None:
        """Call back whenever reading would not block."""
        try:
            self._selector.register(descriptor, selectors.EVENT_READ, callback)
        except PermissionError:  # epoll refuses regular files: they never block
            self._always_ready.append(callback)

    def stop(self) -> None:
        """Return from `run` after this callback."""
        self._running = False

    def run(self) -> None:
        """Call back until somebody says stop; an error of a callback ends it, too."""
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
    event_loop(sys.stdin.buffer, print)
