"""Futures: an IOU, a value to come that many may wait for.

`AsyncResult.wait` just returns when the time is up. ``get(timeout=...)`` would raise
`gevent.Timeout`, which is not an Exception. An AsyncResult may be set twice, and the
second value silently replaces the first. `once` prevents that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check
from gevent.event import AsyncResult

from .. import run
from ..group import GreenletGroup

T = TypeVar("T")


def futures(
    job: Callable[[], Result],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []

    # 1. A future: a place for a value to come, and those who wait.
    future: AsyncResult[Result] = AsyncResult()

    def once(put: Callable[[T], None], value: T) -> None:
        if future.ready():
            raise RuntimeError("the future is settled")
        put(value)

    # 2. The job settles the future, with its result or its error.
    def settle() -> None:
        try:
            once(future.set, job())
        except (Exception, gevent.Timeout) as error:
            if group.stopping:
                raise
            once(future.set_exception, error)

    # 3. A reader: come, wait no longer than patience lasts, report.
    def read(name: str, comes: float, patience: float | None) -> None:
        gevent.sleep(comes)
        future.wait(patience)
        if not future.ready():
            report(name, GAVE_UP)
        else:
            served.append(name)
            error = future.exception
            report(name, future.value if error is None else error)

    # 4. Start the job and the readers; wait for all.
    with GreenletGroup() as group:
        group.spawn(settle)
        for reader in readers:
            group.spawn(read, *reader)

    # 5. An error that no reader was given reaches the caller.
    if (error := future.exception) is not None and not served:
        raise error

    # 6. Settling twice is an error.
    try:
        once(future.set_exception, RuntimeError("too late"))
    except RuntimeError as again:
        report(AGAIN, again)


def compute() -> int:
    gevent.sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
