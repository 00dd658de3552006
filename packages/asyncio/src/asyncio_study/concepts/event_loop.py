"""Event loop: say hello every three seconds, and answer every line meanwhile.

The loop reports when a descriptor is readable. So nothing blocks, and no file is made
non-blocking (a terminal shares that setting with the shell). epoll refuses regular
files, which are always ready. Fibonacci numbers are computed on the loop and delay the
hellos.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import BinaryIO

from concurrency_study.topics.event_loop import (
    EVERY,
    HELLO,
    answer,
    check,
    standard_input,
)

from .. import run


async def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    lines = check(source, say)
    greeted = asyncio.Event()

    # 1. Say hello, now and every three seconds.
    async def hello() -> None:
        while True:
            say(HELLO)
            greeted.set()
            await asyncio.sleep(EVERY)

    async def listen() -> None:
        while not lines.ended:
            # 2. Wait until there is input, or the next hello is due.
            if lines.ready:
                await asyncio.sleep(0)
            else:
                await readable(lines.descriptor)

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                say(reply)

    async with asyncio.TaskGroup() as group:
        greeter = group.create_task(hello())
        await greeted.wait()
        await listen()
        greeter.cancel()


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


if __name__ == "__main__":
    run(event_loop, standard_input(), print)
