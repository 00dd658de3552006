"""Futures: an IOU, a value to come that many may wait for.

A future of dask is settled by the cluster alone, when its call has ended. The readers
live in the caller, which is one thread. They wait for a
`concurrent.futures.Future`, which the caller settles when it hears of the job.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.futures import AGAIN, EXAMPLE, GAVE_UP, Reader, check
from distributed import Event, Future

from .. import run
from ..group import Group, failure, result


def futures(
    job: Callable[[Event], Result],
    readers: Iterable[Reader],
    report: Callable[[str, object], object],
) -> None:
    readers = check(job, readers, report)
    served: list[str] = []
    plans: dict[int, tuple[float, Callable[[], object]]] = {}

    def plan(number: int, seconds: float, step: Callable[[], object]) -> None:
        plans[number] = time.monotonic() + seconds, step

    def run_due() -> None:
        due = [n for n, (at, _) in plans.items() if at <= time.monotonic()]
        for number in due:
            _, step = plans.pop(number)
            step()

    # 1. A future: a place for a value to come, and those who wait.
    future: concurrent.futures.Future[Result] = concurrent.futures.Future()
    waiting: dict[int, str] = {}

    # 2. The job settles the future, with its result or its error.
    def settle(call: Future[Result]) -> None:
        error = failure(call)
        if isinstance(error, Exception) and not isinstance(
            error, concurrent.futures.CancelledError
        ):
            future.set_exception(error)
        else:
            future.set_result(result(call))
        for number in list(waiting):
            serve(number)

    # 3. A reader: come, wait no longer than patience lasts, report.
    def read(number: int, name: str, patience: float | None) -> None:
        waiting[number] = name
        if future.done():
            serve(number)
        elif patience is not None:
            plan(number, patience, partial(give_up, number))

    def serve(number: int) -> None:
        plans.pop(number, None)
        name, error = waiting.pop(number), future.exception()
        served.append(name)
        report(name, future.result() if error is None else error)

    def give_up(number: int) -> None:
        report(waiting.pop(number), GAVE_UP)

    # 4. Start the job and the readers; wait for all.
    with Group() as group:
        group.submit(job, group.stop)
        for number, (name, comes, patience) in enumerate(readers):
            plan(number, comes, partial(read, number, name, patience))
        while plans or not future.done():
            first = min((at for at, _ in plans.values()), default=None)
            left = None if first is None else max(0, first - time.monotonic())
            if future.done():
                time.sleep(left or 0)
            elif (call := group.next(left)) is not None:
                settle(call)
            run_due()

    # 5. An error that no reader was given reaches the caller.
    if (error := future.exception()) is not None and not served:
        raise error

    # 6. Settling twice is an error.
    try:
        future.set_exception(RuntimeError("too late"))
    except concurrent.futures.InvalidStateError as again:
        report(AGAIN, again)


def compute(stop: Event) -> int:
    stop.wait(2)
    return 42


if __name__ == "__main__":
    run(futures, compute, EXAMPLE, print)
