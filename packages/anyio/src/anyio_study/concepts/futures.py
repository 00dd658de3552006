"""Futures: an IOU, a value to come that many may wait for.

A reader that stops waiting leaves the future as it was. A reader gave up if the future
is still pending. Its timeout does not show that: with no patience left, the wait is
cancelled even if the value is there. (``await future`` wraps the job's error in a
`FutureFailed`.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import anyio
from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check

from .. import run
from ..requested import cancelled, requested


async def futures(
    job: Callable[[], Awaitable[Result]],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []

    # 1. A future: a place for a value to come, and those who wait.
    future = anyio.Future[Result]()

    # 2. The job settles the future, with its result or its error.
    async def settle() -> None:
        try:
            future.return_value = await requested(job)
        except Unrequested:
            raise
        except Exception as error:
            if cancelled():
                raise
            future.exception = error

    # 3. A reader: come, wait no longer than patience lasts, report.
    async def read(name: str, comes: float, patience: float | None) -> None:
        await anyio.sleep(comes)
        with anyio.move_on_after(patience):
            await future.wait()
        if future.status is future.Status.PENDING:
            report(name, GAVE_UP)
        else:
            served.append(name)
            error = future.exception
            report(name, future.return_value if error is None else error)

    # 4. Start the job and the readers; wait for all.
    async with anyio.create_task_group() as group:
        group.start_soon(settle)
        for name, comes, patience in readers:
            group.start_soon(read, name, comes, patience)

    # 5. An error that no reader was given reaches the caller.
    if future.exception is not None and not served:
        raise future.exception

    # 6. Settling twice is an error.
    try:
        future.exception = RuntimeError("too late")
    except anyio.FutureAlreadyFinished as again:
        report(AGAIN, again)


async def compute() -> int:
    await anyio.sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
