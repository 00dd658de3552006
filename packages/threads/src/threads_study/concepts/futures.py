"""Futures: an IOU, a value to come that many may wait for.

`concurrent.futures.Future` is made for this. ``wait`` returns the futures that are
done, even if the time is up. ``result(timeout)`` would raise a TimeoutError that might
be the job's own. A second future, ``stopped``, wakes the readers if the job ends
without settling the first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    InvalidStateError,
    wait,
)
from functools import partial
from typing import Any

from concurrency_study.topics import Result
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check

from .. import run
from ..group import ThreadGroup


def futures(
    job: Callable[[], Result],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []
    reporting = threading.Lock()

    # 1. A future: a place for a value to come, and those who wait.
    future: Future[Result] = Future()
    stopped: Future[Any] = Future()

    # 2. The job settles the future, with its result or its error.
    def settle() -> None:
        try:
            future.set_result(job())
        except CancelledError:
            raise
        except Exception as error:
            future.set_exception(error)

    # 3. A reader: come, wait no longer than patience lasts, report.
    def read(name: str, comes: float, patience: float | None) -> None:
        group.stop.wait(comes)
        done, _ = wait([stopped, future], patience, FIRST_COMPLETED)
        with reporting:
            if group.stop.is_set():
                return
            if future not in done:
                report(name, GAVE_UP)
            else:
                served.append(name)
                error = future.exception()
                report(name, future.result() if error is None else error)

    # 4. Start the job and the readers; wait for all.
    group = ThreadGroup()
    with group.stop.calling(partial(stopped.set_result, None)), group:
        group.start(settle)
        for name, comes, patience in readers:
            group.start(read, name, comes, patience)

    # 5. An error that no reader was given reaches the caller.
    if (error := future.exception()) is not None and not served:
        raise error

    # 6. Settling twice is an error.
    try:
        future.set_exception(RuntimeError("too late"))
    except InvalidStateError as again:
        report(AGAIN, again)


def compute() -> int:
    time.sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
