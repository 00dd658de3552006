"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a task. Every connection is a memory channel without a buffer: a stage
that is too fast waits in ``send``. Closing a sending end is the end of the input. The
greps share one channel through clones, and it ends when the last clone is closed. No
stage closes its receiving end: when it fails, the nursery stops the stages before it,
and they need no error of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import trio
from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run


async def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    async def source(outlet: trio.MemorySendChannel[str]) -> None:
        async with outlet:
            for line in lines:
                await outlet.send(line)

    # 2. Broadcast: hand each line to every grep.
    async def broadcast(
        inlet: trio.MemoryReceiveChannel[str],
        outlets: list[trio.MemorySendChannel[str]],
    ) -> None:
        with contextlib.ExitStack() as closing:
            for outlet in outlets:
                closing.enter_context(outlet)
            async for line in inlet:
                for outlet in outlets:
                    await outlet.send(line)

    # 3. A grep: pass on the lines that hold its word.
    async def grep(
        word: str,
        inlet: trio.MemoryReceiveChannel[str],
        outlet: trio.MemorySendChannel[tuple[str, str]],
    ) -> None:
        async with outlet:
            async for line in inlet:
                if matches(word, line):
                    await outlet.send((word, line))

    # 4. The printer: say what comes out.
    async def printer(inlet: trio.MemoryReceiveChannel[tuple[str, str]]) -> None:
        async for word, line in inlet:
            say(word, line)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    async with trio.open_nursery() as nursery:
        read, read_in = trio.open_memory_channel[str](0)
        found, found_in = trio.open_memory_channel[tuple[str, str]](0)
        copies: list[trio.MemorySendChannel[str]] = []
        with found:
            for word in words:
                copy, copy_in = trio.open_memory_channel[str](0)
                copies.append(copy)
                nursery.start_soon(grep, word, copy_in, found.clone())
        nursery.start_soon(source, read)
        nursery.start_soon(broadcast, read_in, copies)
        nursery.start_soon(printer, found_in)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
