"""Event loop: say hello every three seconds, and answer every line meanwhile.

The third step uses the kernel as the general loop. The kernel runs generators, which
read like ordinary functions. ``event_loop_selectors.py`` is a loop for this one task.
``event_loop_callbacks.py`` is a general loop without coroutines.
"""

from __future__ import annotations

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
from ..kernel import (
    Event,
    Group,
    Wait,
    checkpoint,
    open_group,
    sleep,
    wait_readable,
)


def event_loop(source: BinaryIO, say: Callable[[str], object]) -> Wait[None]:
    lines = check(source, say)
    greeted = Event()

    # 1. Say hello, now and every three seconds.
    def hello() -> Wait[None]:
        while True:
            say(HELLO)
            greeted.set()
            yield from sleep(EVERY)

    def listen() -> Wait[None]:
        while not lines.ended:
            # 2. Wait until there is input, or the next hello is due.
            if lines.ready:
                yield from checkpoint()
            else:
                yield from wait_readable(lines.descriptor)

            # 3. Read what is there; a line may come in pieces.
            found = lines.read()

            # 4. Answer each line; stop at exit or the end of input.
            for line in found:
                if (reply := answer(line)) is None:
                    return
                say(reply)

    def body(group: Group) -> Wait[None]:
        group.spawn(hello)
        yield from greeted.wait()
        yield from listen()
        group.cancel()

    yield from open_group(body)


if __name__ == "__main__":
    run(event_loop, standard_input(), print)
