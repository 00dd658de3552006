"""Event loop: say hello every three seconds, and answer every line meanwhile.

The third step: the general loop is the kernel, and what it runs are generators, which
read like ordinary functions. ``event_loop_selectors.py`` is a loop for this one task,
``event_loop_callbacks.py`` a general one without coroutines.
"""

from __future__ import annotations

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
from ..kernel import Group, Wait, open_group, sleep, wait_readable


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> Wait[None]:
    descriptor = check(source, say)

    # 1. Say hello, now and every three seconds.
    def hello() -> Wait[None]:
        while True:
            say(HELLO)
            yield from sleep(EVERY)

    def listen() -> Wait[None]:
        lines = Lines()
        while True:
            # 2. Wait until there is input, or the next hello is due.
            yield from wait_readable(descriptor)

            # 3. Read what is there; a line may come in pieces.
            data = os.read(descriptor, CHUNK)

            # 4. Answer each line; stop at exit or the end of input.
            for line in lines.feed(data):
                if (reply := answer(line)) is None:
                    return
                say(reply)
            if not data:
                return

    def body(group: Group) -> Wait[None]:
        group.spawn(hello)
        yield from listen()
        group.cancel()

    yield from open_group(body)


if __name__ == "__main__":
    run(event_loop, sys.stdin.buffer, print)
