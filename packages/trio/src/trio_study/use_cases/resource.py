"""Resource: what was opened is closed, whatever happens.

In a cancelled scope every wait is cancelled, also the waits of ``close``. So ``close``
runs in a shielded scope. A cancellation that comes meanwhile takes effect at the next
checkpoint outside. Real code gives the shield a deadline, as in
`trio.move_on_after(10, shield=True)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from concurrency_study.topics import Result
from concurrency_study.topics.resource import EXAMPLE, Handle, check

from .. import run


async def resource(
    open_it: Callable[[], Awaitable[Handle]],
    use: Callable[[Handle], Awaitable[Result]],
    close: Callable[[Handle], Awaitable[object]],
) -> Result:
    check(open_it, use, close)

    # 1. Open it: from now on there is something to close.
    handle = await open_it()
    try:
        # 2. Use it.
        return await use(handle)
    finally:
        # 3. Close it, whatever has happened, to the end, whatever happens.
        with trio.CancelScope(shield=True):
            await close(handle)


async def connect() -> str:
    await trio.sleep(0.5)
    print(f"opened {EXAMPLE}")
    return EXAMPLE


async def talk(connection: str) -> str:
    await trio.sleep(0.5)
    return f"used {connection}"


async def disconnect(connection: str) -> None:
    await trio.sleep(0.5)
    print(f"closed {connection}")


if __name__ == "__main__":
    print(run(resource, connect, talk, disconnect))
