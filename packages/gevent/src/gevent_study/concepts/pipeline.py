"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a greenlet. Every connection is a channel, which has no buffer: a put
waits for a get. A ``for`` loop over a channel (or a queue) of gevent ends at the item
StopIteration, so the end of the input travels as this item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from concurrency_study.topics.pipeline import EXAMPLE, check, matches
from gevent.queue import Channel

from .. import run
from ..group import GreenletGroup

END: Any = StopIteration


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
        for line in inlet:
            for outlet in outlets:
                outlet.put(line)
        for outlet in outlets:
            outlet.put(END)

    # 3. A grep: pass on the lines that hold its word.
    def grep(word: str, inlet: Channel[str], outlet: Channel[tuple[str, str]]) -> None:
        for line in inlet:
            if matches(word, line):
                outlet.put((word, line))
        outlet.put(END)

    # 4. The printer: say what comes out.
    def printer(inlet: Channel[tuple[str, str]]) -> None:
        for _ in words:  # every grep ends once
            for found in inlet:
                say(*found)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    with GreenletGroup() as group:
        read: Channel[str] = Channel()
        found: Channel[tuple[str, str]] = Channel()
        copies: list[Channel[str]] = [Channel() for _ in words]
        group.spawn(source, read)
        group.spawn(broadcast, read, copies)
        for word, copy in zip(words, copies, strict=True):
            group.spawn(grep, word, copy, found)
        group.spawn(printer, found)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
