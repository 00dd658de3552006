"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a generator that the kernel runs as a task. Every connection is a channel
without a buffer: ``put`` waits until another stage takes the line. Closing a channel
tells the next stage that no more lines will come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run
from ..kernel import Channel, Closed, Group, Wait, open_group


def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> Wait[None]:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    def source(outlet: Channel[str]) -> Wait[None]:
        for line in lines:
            yield from outlet.put(line)
        outlet.close()

    # 2. Broadcast: hand each line to every grep.
    def broadcast(
        inlet: Channel[str],
        outlets: list[Channel[str]],
    ) -> Wait[None]:
        try:
            while True:
                line = yield from inlet.get()
                for outlet in outlets:
                    yield from outlet.put(line)
        except Closed:
            for outlet in outlets:
                outlet.close()

    # 3. A grep: pass on the lines that hold its word.
    def grep(
        word: str,
        inlet: Channel[str],
        outlet: Channel[tuple[str, str]],
    ) -> Wait[None]:
        try:
            while True:
                line = yield from inlet.get()
                if matches(word, line):
                    yield from outlet.put((word, line))
        except Closed:
            pass

    # 4. The printer: say what comes out.
    def printer(inlet: Channel[tuple[str, str]]) -> Wait[None]:
        try:
            while True:
                say(*(yield from inlet.get()))
        except Closed:
            pass

    # 5. Connect the stages and start them.
    read: Channel[str] = Channel()
    found: Channel[tuple[str, str]] = Channel()
    copies: list[Channel[str]] = [Channel() for _ in words]

    def start(group: Group) -> Wait[None]:
        group.spawn(source, read)
        group.spawn(broadcast, read, copies)
        group.spawn(printer, found)

        # 6. The end of the input travels down; every stage finishes.
        def start_greps(greps: Group) -> None:
            for word, copy in zip(words, copies, strict=True):
                greps.spawn(grep, word, copy, found)

        yield from open_group(start_greps)
        found.close()

    yield from open_group(start)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
