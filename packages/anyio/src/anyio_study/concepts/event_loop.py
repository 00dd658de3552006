"""Event loop: say hello every three seconds, and answer every line meanwhile.

The backend reports when a descriptor is readable. So nothing blocks, and no file is
made non-blocking (a terminal shares that setting with the shell). epoll refuses regular
files, which are always ready. ``start`` returns when the greeter calls ``started``, so
the first hello comes before any answer. Fibonacci numbers are computed on the loop and
delay the hellos.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import anyio
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
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

    # 1. Say hello, now and every three seconds.
    async def hello(task_status: TaskStatus[None]) -> None:
        say(HELLO)
        task_status.started()
        while True:
            await anyio.sleep(EVERY)
            say(HELLO)

    async def listen() -> None:
        while not lines.ended:
            # 2. Wait until there is input, or the next hello is due.
            if lines.ready:
                await checkpoint()
            else:
                await anyio.wait_readable(lines.descriptor)

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                say(reply)

    async with anyio.create_task_group() as group:
        await group.start(hello)
        await listen()
        group.cancel_scope.cancel()


if __name__ == "__main__":
    run(event_loop, standard_input(), print)
