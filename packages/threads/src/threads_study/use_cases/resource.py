"""Resource: what was opened is closed, whatever happens.

A thread cannot be cancelled, so ``finally`` is enough. Ctrl-C is the exception: it
raises KeyboardInterrupt in the main thread, even in the middle of ``close``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.resource import EXAMPLE, Handle, check

from .. import run


def resource(
    open_it: Callable[[], Handle],
    use: Callable[[Handle], Result],
    close: Callable[[Handle], object],
) -> Result:
    check(open_it, use, close)

    # 1. Open it: from now on there is something to close.
    handle = open_it()
    try:
        # 2. Use it.
        return use(handle)
    finally:
        # 3. Close it, whatever has happened, to the end, whatever happens.
        close(handle)


def connect() -> str:
    time.sleep(0.5)
    print(f"opened {EXAMPLE}")
    return EXAMPLE


def talk(connection: str) -> str:
    time.sleep(0.5)
    return f"used {connection}"


def disconnect(connection: str) -> None:
    time.sleep(0.5)
    print(f"closed {connection}")


if __name__ == "__main__":
    print(run(resource, connect, talk, disconnect))
