"""Futures: an IOU, a value to come that many may wait for.

A future is an event and a value. Its readers wait in the event's wait queue, and a
timeout removes only its own reader from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Result
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check

from .. import run
from ..kernel import (
    CancelScope,
    Future,
    Group,
    Wait,
    current_task,
    open_group,
    sleep,
)


def futures(
    job: Callable[[], Wait[Result]],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> Wait[None]:
    readers = check(job, readers, report)
    served: list[str] = []

    # 1. A future: a place for a value to come, and those who wait.
    future: Future[Result] = Future()

    # 2. The job settles the future, with its result or its error.
    def settle() -> Wait[None]:
        try:
            result = yield from job()
        except Exception as error:
            if current_task().doomed:
                raise
            future.set_error(error)
        else:
            future.set_result(result)

    # 3. A reader: come, wait no longer than patience lasts, report.
    def read(name: str, comes: float, patience: float | None) -> Wait[None]:
        yield from sleep(comes)
        outcome: object = GAVE_UP
        with CancelScope(patience):
            try:
                outcome = yield from future.wait()
            except Exception as error:
                outcome = error
            served.append(name)
        report(name, outcome)

    # 4. Start the job and the readers; wait for all.
    def start(group: Group) -> None:
        group.spawn(settle)
        for name, comes, patience in readers:
            group.spawn(read, name, comes, patience)

    yield from open_group(start)

    # 5. An error that no reader was given reaches the caller.
    if not served:
        yield from future.wait()

    # 6. Settling twice is an error.
    try:
        future.set_error(RuntimeError("too late"))
    except RuntimeError as again:
        report(AGAIN, again)


def compute() -> Wait[int]:
    yield from sleep(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
