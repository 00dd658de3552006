"""Resource: what was opened is closed, whatever happens.

Each ``cancel()`` interrupts one wait, and it may come while ``close`` waits. So
``close`` runs in a task of its own, which is never cancelled, and the answer waits
until that task has ended. ``await asyncio.shield(close(handle))`` is not enough: when
cancelled, it ends at once and leaves ``close`` running alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from concurrency_study.topics import Result
from concurrency_study.topics.resource import EXAMPLE, Handle, check

from .. import run


async def resource(
    open_it: Callable[[], Awaitable[Handle]],
    use: Callable[[Handle], Awaitable[Result]],
    close: Callable[[Handle], Coroutine[Any, Any, object]],
) -> Result:
    check(open_it, use, close)
    cancelled: asyncio.CancelledError | None = None

    # 1. Open it: from now on there is something to close.
    handle = await open_it()
    try:
        # 2. Use it.
        result = await use(handle)
    finally:
        # 3. Close it, whatever has happened, to the end, whatever happens.
        closing = asyncio.create_task(close(handle))
        while not closing.done():
            try:
                await asyncio.wait([closing])
            except asyncio.CancelledError as error:
                cancelled = error
        closing.result()

    # 4. A cancellation that came meanwhile takes effect.
    if cancelled is not None:
        raise cancelled
    return result


async def connect() -> str:
    await asyncio.sleep(0.5)
    print(f"opened {EXAMPLE}")
    return EXAMPLE


async def talk(connection: str) -> str:
    await asyncio.sleep(0.5)
    return f"used {connection}"


async def disconnect(connection: str) -> None:
    await asyncio.sleep(0.5)
    print(f"closed {connection}")


if __name__ == "__main__":
    print(run(resource, connect, talk, disconnect))
