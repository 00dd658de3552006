"""Event loop: say hello every three seconds, and answer every line meanwhile.

The first step: a loop for this one task and no other. A selector waits for the input,
and its timeout for the next hello. Whoever adds a third thing to wait for has to touch
every line of it. It is a plain blocking function.
"""

from __future__ import annotations

import os
import selectors
import sys
import time
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

CANNOT = {
    "cancellation from outside": "a plain function that blocks is left alone until it "
    "returns; only a signal gets into it"
}


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    descriptor = check(source, say)
    lines = Lines()
    next_hello = time.monotonic()

    with selectors.DefaultSelector() as selector:
        try:
            selector.register(descriptor, selectors.EVENT_READ)
            always_ready = False
        except PermissionError:  # epoll refuses regular files: they never block
            always_ready = True

        while True:
            # 1. Say hello, now and every three seconds.
            if (now := time.monotonic()) >= next_hello:
                say(HELLO)
                next_hello = now + EVERY

            # 2. Wait until there is input, or the next hello is due.
            timeout = next_hello - time.monotonic()
            if not (always_ready or selector.select(timeout)):
                continue

            # 3. Read what is there; a line may come in pieces.
            data = os.read(descriptor, CHUNK)

            # 4. Answer each line; stop at exit or the end of input.
            for line in lines.feed(data):
                if (reply := answer(line)) is None:
                    return
                say(reply)
            if not data:
                return


if __name__ == "__main__":
    event_loop(sys.stdin.buffer, print)
