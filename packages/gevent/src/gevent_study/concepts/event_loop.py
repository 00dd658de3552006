"""Event loop: say hello every three seconds, and answer every line meanwhile.

`wait_read` waits for a descriptor, so nothing blocks and nobody's file is made
non-blocking (a terminal shares that setting with the shell). libev calls a regular file
always ready. Fibonacci numbers are computed on the loop: while one is, nobody says
hello.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import BinaryIO

import gevent
from concurrency_study.topics.event_loop import (
    CHUNK,
    EVERY,
    HELLO,
    Lines,
    answer,
    check,
)
from gevent.pool import Group
from gevent.socket import wait_read

from .. import run
from .._stop import stop


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    descriptor = check(source, say)

    # 1. Say hello, now and every three seconds.
    def hello() -> None:
        while True:
            say(HELLO)
            gevent.sleep(EVERY)

    def listen() -> None:
        lines = Lines()
        while True:
            # 2. Wait until there is input, or the next hello is due.
            wait_read(descriptor)

            # 3. Read what is there; a line may come in pieces.
            data = os.read(descriptor, CHUNK)

            # 4. Answer each line; stop at exit or the end of input.
            for line in lines.feed(data):
                if (reply := answer(line)) is None:
                    return
                say(reply)
            if not data:
                return

    group = Group()
    try:
        both = [group.spawn(hello), group.spawn(listen)]
        gevent.joinall(both, raise_error=True, count=1)
    finally:
        stop(group)


if __name__ == "__main__":
    run(event_loop, sys.stdin.buffer, print)
