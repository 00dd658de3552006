"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a task. Every connection is a bounded queue: a stage that is too fast
waits in ``put``. A queue has no end (`asyncio.Queue.shutdown` came with 3.13), so a
special object travels as the last item. None would hide a line that is None.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run
from ..groups import start

END: Any = object()


async def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    async def source(outlet: asyncio.Queue[str]) -> None:
        for line in lines:
            await outlet.put(line)
        await outlet.put(END)

    # 2. Broadcast: hand each line to every grep.
    async def broadcast(
        inlet: asyncio.Queue[str],
        outlets: list[asyncio.Queue[str]],
    ) -> None:
        while (line := await inlet.get()) is not END:
            for outlet in outlets:
                await outlet.put(line)
        for outlet in outlets:
            await outlet.put(END)

    # 3. A grep: pass on the lines that hold its word.
    async def grep(
        word: str,
        inlet: asyncio.Queue[str],
        outlet: asyncio.Queue[tuple[str, str]],
    ) -> None:
        while (line := await inlet.get()) is not END:
            if matches(word, line):
                await outlet.put((word, line))
        await outlet.put(END)

    # 4. The printer: say what comes out.
    async def printer(inlet: asyncio.Queue[tuple[str, str]]) -> None:
        for _ in words:  # every grep ends once
            while (found := await inlet.get()) is not END:
                say(*found)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    async with asyncio.TaskGroup() as group:
        read: asyncio.Queue[str] = asyncio.Queue(1)
        found: asyncio.Queue[tuple[str, str]] = asyncio.Queue(1)
        copies: list[asyncio.Queue[str]] = [asyncio.Queue(1) for _ in words]
        start(group, source(read))
        start(group, broadcast(read, copies))
        for word, copy in zip(words, copies, strict=True):
            start(group, grep(word, copy, found))
        start(group, printer(found))


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
