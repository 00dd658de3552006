"""Event loop: say hello every three seconds, and answer every line meanwhile.

The first step is a loop for this task only. A selector waits for the input, and its
timeout is the time to the next hello. A third thing to wait for would change every
line. The answer is a plain blocking function.
"""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Callable
from typing import BinaryIO

from concurrency_study.topics.event_loop import (
    EVERY,
    HELLO,
    answer,
    check,
    standard_input,
)

CANNOT = {
    "cancellation from outside": "a plain function that blocks cannot be cancelled; "
    "only a signal interrupts it"
}


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    lines = check(source, say)
    next_hello = time.monotonic()

    with selectors.DefaultSelector() as selector:
        with contextlib.suppress(PermissionError):  # epoll: a file that never blocks
            selector.register(lines.descriptor, selectors.EVENT_READ)

        while not lines.ended:
            # 1. Say hello, now and every three seconds.
            if (now := time.monotonic()) >= next_hello:
                say(HELLO)
                next_hello = now + EVERY

            # 2. Wait until there is input, or the next hello is due.
            timeout = next_hello - time.monotonic()
            if not (lines.ready or selector.select(timeout)):
                continue

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                say(reply)


if __name__ == "__main__":
    event_loop(standard_input(), print)
