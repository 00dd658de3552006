"""Futures: an IOU, a value to come that many may wait for.

`asyncio.wait` waits for a future and leaves it alone when the time is up. Awaiting the
future inside `asyncio.timeout` or ``wait_for`` would cancel it for all readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check

from .. import run
from ..groups import cancelling, requested, start


async def futures(
    job: Callable[[], Awaitable[Result]],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []

    # 1. A future: a place for a value to come, and those who wait.
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    # 2. The job settles the future, with its result or its error.
    async def settle() -> None:
        try:
            future.set_result(await requested(job))
        except Unrequested:
            raise
        except Exception as error:
            if cancelling():
                raise
            future.set_exception(error)

    # 3. A reader: come, wait no longer than patience lasts, report.
    async def read(name: str, comes: float, patience: float | None) -> None:
        await asyncio.sleep(comes)
        done, _ = await asyncio.wait([future], timeout=patience)
        if not done:
            report(name, GAVE_UP)
        else:
            served.append(name)
            error = future.exception()
            report(name, future.result() if error is None else error)

    # 4. Start the job and the readers; wait for all.
    try:
        async with asyncio.TaskGroup() as group:
            start(group, settle())
            for reader in readers:
                start(group, read(*reader))

    # 5. An error that no reader was given reaches the caller.
    finally:
        if future.done() and not served and (error := future.exception()) is not None:
            raise error

    # 6. Settling twice is an error.
    try:
        future.set_exception(RuntimeError("too late"))
    except asyncio.InvalidStateError as again:
        report(AGAIN, again)


async def compute() -> int:
    await asyncio.sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
