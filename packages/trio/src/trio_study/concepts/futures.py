"""Futures: an IOU, a value to come that many may wait for.

Trio has no futures. An event that many tasks may wait for and a variable for the value
make one. A reader gave up if the event is not set. Its timeout does not show that: with
no patience left, the wait is cancelled even if the value is there.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable

import trio
from concurrency_study.topics import Unrequested
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check

from .. import run
from ..requested import cancelled, requested


async def futures(
    job: Callable[[], Awaitable[object]],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []

    # 1. A future: a place for a value to come, and those who wait.
    future = Future()

    # 2. The job settles the future, with its result or its error.
    async def settle() -> None:
        try:
            future.set_result(await requested(job))
        except Unrequested:
            raise
        except Exception as error:
            if cancelled():
                raise
            future.set_error(error)

    # 3. A reader: come, wait no longer than patience lasts, report.
    async def read(name: str, comes: float, patience: float | None) -> None:
        await trio.sleep(comes)
        with trio.move_on_after(math.inf if patience is None else patience):
            await future.settled.wait()
        if not future.settled.is_set():
            report(name, GAVE_UP)
        else:
            served.append(name)
            error = future.error
            report(name, future.result if error is None else error)

    # 4. Start the job and the readers; wait for all.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(settle)
        for name, comes, patience in readers:
            nursery.start_soon(read, name, comes, patience)

    # 5. An error that no reader was given reaches the caller.
    if future.error is not None and not served:
        raise future.error

    # 6. Settling twice is an error.
    try:
        future.set_error(RuntimeError("too late"))
    except RuntimeError as again:
        report(AGAIN, again)


class Future:
    """A result or an error to come."""

    def __init__(self) -> None:
        self.settled = trio.Event()
        self.result: object = None
        self.error: Exception | None = None

    def set_result(self, result: object) -> None:
        self._settle()
        self.result = result

    def set_error(self, error: Exception) -> None:
        self._settle()
        self.error = error

    def _settle(self) -> None:
        if self.settled.is_set():
            raise RuntimeError("the future is settled already")
        self.settled.set()


async def compute() -> int:
    await trio.sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
