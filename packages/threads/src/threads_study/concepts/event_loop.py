"""Event loop: say hello every three seconds, and answer every line meanwhile.

Two threads replace the loop, and each waits for one thing. A thread that blocks in
``read`` could not be stopped, so it waits with ``poll`` for its input or for a byte on
a pipe of its own (``select`` takes no descriptor above 1023). While it computes, the
interpreter switches between the threads, so the hellos come nearly on time. A lock
keeps the threads from calling ``say`` at once.
"""

from __future__ import annotations

import os
import select
import threading
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
from ..group import ThreadGroup


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    lines = check(source, say)
    speaking = threading.Lock()

    # 1. Say hello, now and every three seconds.
    say(HELLO)
    woken, waker = os.pipe()

    def hello() -> None:
        try:
            while not group.stop.wait(EVERY):
                with speaking:
                    say(HELLO)
        finally:
            os.write(waker, b"!")

    def listen() -> None:
        poll = select.poll()
        poll.register(lines.descriptor, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while not lines.ended:
            # 2. Wait until there is input, or the next hello is due.
            if woken in dict(poll.poll(0 if lines.ready else None)):
                return

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                with speaking:
                    say(reply)

    try:
        with ThreadGroup() as group:
            group.start(hello)
            listen()
            group.stop.set()
    finally:
        os.close(woken)
        os.close(waker)


if __name__ == "__main__":
    run(event_loop, standard_input(), print)
