"""AnyIO: a count is read before a checkpoint and written after it: an update is lost.

Another task runs only at a checkpoint, so ``hits += 1`` alone needs no lock. Here a
checkpoint separates the read from the write. The fix holds a lock across both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .. import run


async def visit(count: Callable[[], Awaitable[None]]) -> None:
    """Count two visits, the second one 0.1 s after the first."""

    async def ann() -> None:
        await count()

    async def bob() -> None:
        await anyio.sleep(0.1)
        await count()

    async with anyio.create_task_group() as group:
        group.start_soon(ann, name="Ann")
        group.start_soon(bob, name="Bob")


async def log() -> None:
    await anyio.sleep(0.05)


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
    lock = anyio.Lock()

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
