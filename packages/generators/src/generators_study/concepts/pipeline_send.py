"""Pipeline: source, broadcast, one grep per word, one printer.

This is the classic coroutine pipeline, without an event loop. Every stage is a
generator that waits at ``yield`` for a line. The stage before pushes a line in with
``send``, which returns when all later stages are done with it. So nothing is read
ahead, and nothing waits. The answer is a plain function.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from typing import TypeVar

from concurrency_study.topics.pipeline import EXAMPLE, check, matches

CANNOT = {
    "cancellation from outside": "it is a plain function that never waits, so there is "
    "no instant at which anybody could interfere"
}

Item = TypeVar("Item")
Stage = Generator[None, str, None]
Printer = Generator[None, tuple[str, str], None]


def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    def source(outlet: Stage) -> None:
        for line in lines:
            outlet.send(line)

    # 2. Broadcast: hand each line to every grep.
    def broadcast(outlets: list[Stage]) -> Stage:
        while True:
            line = yield
            for outlet in outlets:
                outlet.send(line)

    # 3. A grep: pass on the lines that hold its word.
    def grep(word: str, outlet: Printer) -> Stage:
        while True:
            line = yield
            if matches(word, line):
                outlet.send((word, line))

    # 4. The printer: say what comes out.
    def printer() -> Printer:
        while True:
            say(*(yield))

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    with ExitStack() as stages:
        found = stages.enter_context(closing(started(printer())))
        greps = [
            stages.enter_context(closing(started(grep(word, found)))) for word in words
        ]
        source(stages.enter_context(closing(started(broadcast(greps)))))


def started(stage: Generator[None, Item, None]) -> Generator[None, Item, None]:
    """Run a stage to its first ``yield``, where it can take an item."""
    next(stage)
    return stage


if __name__ == "__main__":
    pipeline(*EXAMPLE, print)
