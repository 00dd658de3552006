"""Event loop: say hello every three seconds, and answer every line meanwhile.

`wait_read` waits for a descriptor. So nothing blocks, and no file is made non-blocking
(a terminal shares that setting with the shell). epoll refuses regular files, which are
always ready. Fibonacci numbers are computed on the loop and delay the hellos.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import gevent
from concurrency_study.topics.event_loop import (
    EVERY,
    HELLO,
    answer,
    check,
    standard_input,
)
from gevent.event import Event
from gevent.socket import wait_read

from .. import run
from ..group import GreenletGroup


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> None:
    lines = check(source, say)
    greeted = Event()

    # 1. Say hello, now and every three seconds.
    def hello() -> None:
        while True:
            say(HELLO)
            greeted.set()
            gevent.sleep(EVERY)

    def listen() -> None:
        greeted.wait()
        while not lines.ended:
            # 2. Wait until there is input, or the next hello is due.
            if lines.ready:
                gevent.sleep()
            else:
                wait_read(lines.descriptor)

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                say(reply)

    with GreenletGroup() as group:
        both = [group.spawn(hello), group.spawn(listen)]
        gevent.joinall(both, count=1)
        group.kill()


if __name__ == "__main__":
    run(event_loop, standard_input(), print)
