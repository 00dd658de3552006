"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a thread, every connection a bounded queue. A queue cannot be closed
(`queue.Queue.shutdown` came with 3.13), so None travels as the last item; and a stage
that failed goes on taking what comes, or whoever feeds it would wait for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from queue import Queue
from typing import Any

from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run
from ..group import ThreadGroup


def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    def source(outlet: Queue[str | None]) -> None:
        with ending(None, outlet):
            for line in lines:
                if group.stop.is_set():
                    break
                outlet.put(line)

    # 2. Broadcast: hand each line to every grep.
    def broadcast(
        inlet: Queue[str | None],
        outlets: list[Queue[str | None]],
    ) -> None:
        with ending(inlet, *outlets):
            while (line := inlet.get()) is not None:
                for outlet in outlets:
                    outlet.put(line)

    # 3. A grep: pass on the lines that hold its word.
    def grep(
        word: str,
        inlet: Queue[str | None],
        outlet: Queue[tuple[str, str] | None],
    ) -> None:
        with ending(inlet, outlet):
            while (line := inlet.get()) is not None:
                if matches(word, line):
                    outlet.put((word, line))

    # 4. The printer: say what comes out.
    def printer(inlet: Queue[tuple[str, str] | None]) -> None:
        greps = len(words)
        try:
            while greps:
                found = inlet.get()
                if found is None:
                    greps -= 1
                else:
                    say(*found)
        except BaseException:
            group.stop.set()
            while greps:
                greps -= inlet.get() is None
            raise

    @contextlib.contextmanager
    def ending(inlet: Queue[Any] | None, *outlets: Queue[Any]) -> Generator[None]:
        try:
            yield
        except BaseException:
            group.stop.set()
            while inlet is not None and inlet.get() is not None:
                pass
            raise
        finally:
            for outlet in outlets:
                outlet.put(None)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    with ThreadGroup() as group:
        read: Queue[str | None] = Queue(1)
        found: Queue[tuple[str, str] | None] = Queue(1)
        copies: list[Queue[str | None]] = [Queue(1) for _ in words]
        group.start(source, read)
        group.start(broadcast, read, copies)
        for word, copy in zip(words, copies, strict=True):
            group.start(grep, word, copy, found)
        group.start(printer, found)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
