"""AnyIO: a worker that is cancelled drops the job that it has received.

A cancelled ``receive`` never loses an item, but here the cancellation comes after it.
The fix puts the job back before the worker ends. It uses ``send_nowait``: in a
cancelled scope, ``await outlet.send(job)`` would be cancelled as well. It catches
BaseException, because the cancellation of neither backend is an Exception.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio

from .. import run


async def operate(worker: Callable[[], Awaitable[None]]) -> None:
    """Run the worker, and an operator who cancels it after 0.5 s."""
    scope = anyio.CancelScope()

    async def work() -> None:
        with scope:
            await worker()

    async def operator() -> None:
        await anyio.sleep(0.5)
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(work, name="worker")
        group.start_soon(operator, name="operator")


async def deliver(job: str, done: list[str]) -> None:
    await anyio.sleep(0.1)
    done.append(job)


async def broken() -> None:
    outlet, inlet = anyio.create_memory_object_stream[str](math.inf)
    outlet.send_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await inlet.receive()
        await deliver(job, done)

    with outlet, inlet:
        await operate(worker)
        left = inlet.statistics().current_buffer_used
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


async def fixed() -> None:
    outlet, inlet = anyio.create_memory_object_stream[str](math.inf)
    outlet.send_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await inlet.receive()
        try:
            await deliver(job, done)
        except BaseException:
            outlet.send_nowait(job)
            raise

    with outlet, inlet:
        await operate(worker)
        left = inlet.statistics().current_buffer_used
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
