"""Event loop: say hello every three seconds, and answer every line meanwhile.

The loop tells when a descriptor is readable, so nothing blocks and nobody's file is
made non-blocking (a terminal shares that setting with the shell). Fibonacci numbers
are computed on the loop: while one is, nobody says hello.
"""

from __future__ import annotations

import asyncio
import os
import sys
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

from .. import run


async def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    descriptor = check(source, say)

    # 1. Say hello, now and every three seconds.
    async def hello() -> None:
        while True:
            say(HELLO)
            await asyncio.sleep(EVERY)

    async def listen() -> None:
        lines = Lines()
        while True:
            # 2. Wait until there is input, or the next hello is due.
            await readable(descriptor)

            # 3. Read what is there; a line may come in pieces.
            data = os.read(descriptor, CHUNK)

            # 4. Answer each line; stop at exit or the end of input.
            for line in lines.feed(data):
                if (reply := answer(line)) is None:
                    return
                say(reply)
            if not data:
                return

    async with asyncio.TaskGroup() as group:
        greeter = group.create_task(hello())
        await listen()
        greeter.cancel()


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # epoll: a regular file is always ready
        await asyncio.sleep(0)
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


if __name__ == "__main__":
    run(event_loop, sys.stdin.buffer, print)
