"""asyncio: a count is read before an await and written after it: an update is lost.

Another task runs only at an ``await``, so ``hits += 1`` alone needs no lock. Here an
``await`` separates the read from the write. The fix holds a lock across both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from .. import run


async def visit(count: Callable[[], Coroutine[object, object, None]]) -> None:
    """Count two visits, the second one 0.1 s after the first."""

    async def ann() -> None:
        await count()

    async def bob() -> None:
        await asyncio.sleep(0.1)
        await count()

    async with asyncio.TaskGroup() as group:
        group.create_task(ann(), name="Ann")
        group.create_task(bob(), name="Bob")


async def log() -> None:
    await asyncio.sleep(0.05)


async def broken() -> None:
    hits = 0

    async def count() -> None:
        nonlocal hits
        before = hits
        await log()
        hits = before + 1

    await visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


async def fixed() -> None:
    hits = 0
    lock = asyncio.Lock()

    async def count() -> None:
        nonlocal hits
        async with lock:
            before = hits
            await log()
            hits = before + 1

    await visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


if __name__ == "__main__":
    run(fixed)
