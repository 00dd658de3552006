"""Event loop: say hello every three seconds, and answer every line meanwhile.

The backend tells when a descriptor is readable, so nothing blocks and nobody's file is
made non-blocking (a terminal shares that setting with the shell). ``start`` returns
when the greeter says it is ready, so the first hello comes before any answer. Fibonacci
numbers are computed on the loop: while one is, nobody says hello.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import BinaryIO

import anyio
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
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
    async def hello(task_status: TaskStatus[None]) -> None:
        say(HELLO)
        task_status.started()
        while True:
            await anyio.sleep(EVERY)
            say(HELLO)

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

    async with anyio.create_task_group() as group:
        await group.start(hello)
        await listen()
        group.cancel_scope.cancel()


async def readable(descriptor: int) -> None:
    try:
        await anyio.wait_readable(descriptor)
    except PermissionError:  # epoll: a regular file is always ready
        await checkpoint()


if __name__ == "__main__":
    run(event_loop, sys.stdin.buffer, print)
