"""Tasks: start them, cancel one, and learn what became of each.

``Future.cancel`` would forget a call that runs, and nothing would tell when it ends. So
every job has a ``stop`` event of its own. It looks at the event, cleans up, and raises
CancelledError.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError

from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)
from distributed import Event, Future

from .. import run
from ..group import Group, failure


def tasks(
    jobs: Mapping[str, Callable[[Event], object]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)

    # 1. A task remembers how its job ended.
    def outcome(future: Future[object]) -> tuple[object, ...]:
        error = failure(future)
        if isinstance(error, CancelledError):
            return (CANCELLED,)
        if error is not None:
            return RAISED, error
        return RETURNED, future.result()

    def attend(future: Future[object]) -> None:
        error = failure(future)
        if error is not None and not isinstance(error, Exception):
            raise error

    with Group() as group:
        # 2. Start every job.
        stops = {name: group.new_stop() for name in jobs}
        running = {name: group.submit(jobs[name], stops[name]) for name in jobs}

        # 3. Cancel the chosen one, if it still runs by then.
        due = time.monotonic() + after
        while doomed is not None and not running[doomed].done():
            future = group.next(max(0, due - time.monotonic()))
            if future is None:
                stops[doomed].set()
                break
            attend(future)

        # 4. Wait for all; one job's error does not disturb the others.
        for future in group.as_ended():
            attend(future)

    # 5. Report what became of each, in order.
    for name, future in running.items():
        report(name, *outcome(future))


def quick(stop: Event) -> int:
    time.sleep(0.1)
    return 1


def clumsy(stop: Event) -> float:
    time.sleep(0.2)
    return 1 / 0


def sleepyhead(stop: Event) -> None:
    if stop.wait(3600):
        raise CancelledError


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
