"""Resource: what was opened is closed, whatever happens.

In a cancelled scope every wait raises, also the waits of ``close``. So ``close`` runs
in a shielded scope. A cancellation that comes meanwhile takes effect at the next wait
outside.
"""

from __future__ import annotations

from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.resource import EXAMPLE, Handle, check

from .. import run
from ..kernel import CancelScope, Wait, sleep


def resource(
    open_it: Callable[[], Wait[Handle]],
    use: Callable[[Handle], Wait[Result]],
    close: Callable[[Handle], Wait[object]],
) -> Wait[Result]:
    check(open_it, use, close)

    # 1. Open it: from now on there is something to close.
    handle = yield from open_it()
    try:
        # 2. Use it.
        return (yield from use(handle))
    finally:
        # 3. Close it, whatever has happened, to the end, whatever happens.
        with CancelScope(shield=True):
            yield from close(handle)


def connect() -> Wait[str]:
    yield from sleep(0.5)
    print(f"opened {EXAMPLE}")
    return EXAMPLE


def talk(connection: str) -> Wait[str]:
    yield from sleep(0.5)
    return f"used {connection}"


def disconnect(connection: str) -> Wait[None]:
    yield from sleep(0.5)
    print(f"closed {connection}")


if __name__ == "__main__":
    print(run(resource, connect, talk, disconnect))
