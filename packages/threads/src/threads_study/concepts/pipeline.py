"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a thread. Every connection is a channel that holds one item. A
`queue.Queue` cannot wake a thread that waits for it when the group stops
(`queue.Queue.shutdown` came with 3.13), so the channel uses a condition. A special
object travels as the last item.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from contextlib import ExitStack
from typing import Any, Generic, TypeVar

from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run
from ..group import Stop, ThreadGroup

Item = TypeVar("Item")

END: Any = object()


class Channel(Generic[Item]):
    """Passes one item at a time; every wait at it ends when ``stop`` is set."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._items: list[Item] = []
        self._changed = threading.Condition()

    def put(self, item: Item) -> None:
        """Wait for room, and put the item there."""
        with self._changed:
            self._wait_until(lambda: not self._items)
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> Item:
        """Wait for an item, and take it."""
        with self._changed:
            self._wait_until(lambda: bool(self._items))
            self._changed.notify_all()
            return self._items.pop()

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: ready() or self._stop.is_set())
        if self._stop.is_set():
            raise CancelledError

    def wake(self) -> None:
        """Have all that wait here look at ``stop``."""
        with self._changed:
            self._changed.notify_all()


def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    def source(outlet: Channel[str]) -> None:
        for line in lines:
            outlet.put(line)
        outlet.put(END)

    # 2. Broadcast: hand each line to every grep.
    def broadcast(inlet: Channel[str], outlets: list[Channel[str]]) -> None:
        while (line := inlet.get()) is not END:
            for outlet in outlets:
                outlet.put(line)
        for outlet in outlets:
            outlet.put(END)

    # 3. A grep: pass on the lines that hold its word.
    def grep(word: str, inlet: Channel[str], outlet: Channel[tuple[str, str]]) -> None:
        while (line := inlet.get()) is not END:
            if matches(word, line):
                outlet.put((word, line))
        outlet.put(END)

    # 4. The printer: say what comes out.
    def printer(inlet: Channel[tuple[str, str]]) -> None:
        for _ in words:  # every grep ends once
            while (found := inlet.get()) is not END:
                say(*found)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    group = ThreadGroup()
    read: Channel[str] = Channel(group.stop)
    found: Channel[tuple[str, str]] = Channel(group.stop)
    copies: list[Channel[str]] = [Channel(group.stop) for _ in words]
    with ExitStack() as stack:
        for channel in (read, found, *copies):
            stack.enter_context(group.stop.calling(channel.wake))
        stack.enter_context(group)
        group.start(source, read)
        group.start(broadcast, read, copies)
        for word, copy in zip(words, copies, strict=True):
            group.start(grep, word, copy, found)
        group.start(printer, found)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
