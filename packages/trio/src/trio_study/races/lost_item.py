"""trio: a worker that is cancelled drops the job that it has received.

A cancelled ``receive`` never loses an item, but here the cancellation comes after it.
The fix puts the job back before the worker ends. It uses ``send_nowait``: in a
cancelled scope, ``await outlet.send(job)`` would be cancelled as well. It catches
BaseException, because Cancelled is not an Exception.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import trio

from .. import run


async def operate(worker: Callable[[], Awaitable[None]]) -> None:
    """Run the worker, and an operator who cancels it after 0.5 s."""
    scope = trio.CancelScope()

    async def work() -> None:
        with scope:
            await worker()

    async def operator() -> None:
        await trio.sleep(0.5)
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, name="worker")
        nursery.start_soon(operator, name="operator")


async def deliver(job: str, done: list[str]) -> None:
    await trio.sleep(0.1)
    done.append(job)


async def broken() -> None:
    outlet, inlet = trio.open_memory_channel[str](math.inf)
    outlet.send_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await inlet.receive()
        await deliver(job, done)

    await operate(worker)
    left = inlet.statistics().current_buffer_used
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


async def fixed() -> None:
    outlet, inlet = trio.open_memory_channel[str](math.inf)
    outlet.send_nowait("letter")
    done: list[str] = []

    async def worker() -> None:
        job = await inlet.receive()
        try:
            await deliver(job, done)
        except BaseException:
            outlet.send_nowait(job)
            raise

    await operate(worker)
    left = inlet.statistics().current_buffer_used
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
