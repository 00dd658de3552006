"""asyncio: a worker that is cancelled drops the job that it has taken.

A cancelled ``get`` never loses an item, but here the cancellation comes after it. The
fix puts the job back before the worker ends. It uses ``put_nowait``, which a second
cancellation cannot interrupt. It catches BaseException, because CancelledError is not
an Exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from .. import run


async def operate(worker: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run the worker, and an operator who cancels it after 0.5 s."""

    async def operator() -> None:
        await asyncio.sleep(0.5)
        task.cancel()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker(), name="worker")
        group.create_task(operator(), name="operator")


async def send(job: str, done: list[str]) -> None:
    await asyncio.sleep(0.1)
    done.append(job)


async def broken() -> None:
    jobs: asyncio.Queue[str] = asyncio.Queue()
    jobs.put_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await jobs.get()
        await send(job, done)

    await operate(worker)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


async def fixed() -> None:
    jobs: asyncio.Queue[str] = asyncio.Queue()
    jobs.put_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await jobs.get()
        try:
            await send(job, done)
        except BaseException:
            jobs.put_nowait(job)
            raise

    await operate(worker)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
