"""Pipeline: source, broadcast, one grep per word, one printer.

Every stage is a task. Every connection is a memory object stream without a buffer: a
stage that is too fast waits in ``send``. Closing a sending end is the end of the input.
The greps share one stream through clones, and it ends when the last clone is closed.
Receiving ends are closed after the group has ended: when a stage fails, the group stops
the stages before it, and they need no error of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import anyio
from anyio.streams.memory import (
    MemoryObjectReceiveStream,
    MemoryObjectSendStream,
)
from concurrency_study.topics.pipeline import EXAMPLE, check, matches

from .. import run


async def pipeline(
    lines: Iterable[str],
    words: Iterable[str],
    say: Callable[[str, str], object],
) -> None:
    words = check(lines, words, say)

    # 1. The source: pass every line on, at the pace of the slowest.
    async def source(outlet: MemoryObjectSendStream[str]) -> None:
        async with outlet:
            for line in lines:
                await outlet.send(line)

    # 2. Broadcast: hand each line to every grep.
    async def broadcast(
        inlet: MemoryObjectReceiveStream[str],
        outlets: list[MemoryObjectSendStream[str]],
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
        inlet: MemoryObjectReceiveStream[str],
        outlet: MemoryObjectSendStream[tuple[str, str]],
    ) -> None:
        async with outlet:
            async for line in inlet:
                if matches(word, line):
                    await outlet.send((word, line))

    # 4. The printer: say what comes out.
    async def printer(inlet: MemoryObjectReceiveStream[tuple[str, str]]) -> None:
        async for word, line in inlet:
            say(word, line)

    # 5. Connect the stages and start them.
    # 6. The end of the input travels down; every stage finishes.
    with contextlib.ExitStack() as inlets:
        read, read_in = anyio.create_memory_object_stream[str]()
        inlets.enter_context(read_in)
        found, found_in = anyio.create_memory_object_stream[tuple[str, str]]()
        inlets.enter_context(found_in)
        copies: list[MemoryObjectSendStream[str]] = []
        async with anyio.create_task_group() as group:
            with found:
                for word in words:
                    copy, copy_in = anyio.create_memory_object_stream[str]()
                    inlets.enter_context(copy_in)
                    copies.append(copy)
                    group.start_soon(grep, word, copy_in, found.clone())
            group.start_soon(source, read)
            group.start_soon(broadcast, read_in, copies)
            group.start_soon(printer, found_in)


if __name__ == "__main__":
    run(pipeline, *EXAMPLE, print)
