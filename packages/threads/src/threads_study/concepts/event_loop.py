"""Event loop: say hello every three seconds, and answer every line meanwhile.

Two threads, each with one thing to wait for, in place of a loop. A thread that blocks
in ``read`` could not be stopped, so it waits with ``select`` for its input or for a
byte on a pipe of our own. While it computes, the interpreter switches to and fro: the
hellos come nearly in time.
"""

from __future__ import annotations

import os
import select
import sys
import threading
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
from ..group import ThreadGroup


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    descriptor = check(source, say)
    speaking = threading.Lock()
    woken, waker = os.pipe()

    # 1. Say hello, now and every three seconds.
    def hello() -> None:
        try:
            over = False
            while not over:
                with speaking:
                    say(HELLO)
                over = group.stop.wait(EVERY)
        finally:
            os.write(waker, b"!")

    def listen() -> None:
        lines = Lines()
        while True:
            # 2. Wait until there is input, or the next hello is due.
            readable, _, _ = select.select([descriptor, woken], [], [])
            if woken in readable:
                return

            # 3. Read what is there; a line may come in pieces.
            data = os.read(descriptor, CHUNK)

            # 4. Answer each line; stop at exit or the end of input.
            for line in lines.feed(data):
                if (reply := answer(line)) is None:
                    return
                with speaking:
                    say(reply)
            if not data:
                return

    try:
        with ThreadGroup() as group:
            group.start(hello)
            listen()
            group.stop.set()
    finally:
        os.close(woken)
        os.close(waker)


if __name__ == "__main__":
    run(event_loop, sys.stdin.buffer, print)
