"""Tasks: start them, cancel one, and learn what became of each.

A future remembers how its call ended. Cancelling is a request: every job has a ``stop``
event of its own, looks at it, cleans up, and raises CancelledError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run


def tasks(
    jobs: Mapping[str, Callable[[threading.Event], object]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)
    stops = {name: threading.Event() for name in jobs}

    # 2. Start every job.
    with ThreadPoolExecutor(len(jobs) or 1) as pool:
        running = {name: pool.submit(job, stops[name]) for name, job in jobs.items()}
        try:
            # 3. Cancel the doomed one, if it still runs by then.
            if doomed is not None:
                wait([running[doomed]], timeout=after)
                stops[doomed].set()

            # 4. Wait for all; one job's error does not disturb the others.
            wait(running.values())
        finally:
            for stop in stops.values():
                stop.set()

    # 5. Report what became of each, in order.
    for name, job in running.items():
        error = job.exception()
        if isinstance(error, CancelledError):
            report(name, CANCELLED)
        elif error is not None:
            report(name, RAISED, error)
        else:
            report(name, RETURNED, job.result())


def quick(stop: threading.Event) -> int:
    time.sleep(0.1)
    return 1


def clumsy(stop: threading.Event) -> float:
    time.sleep(0.2)
    return 1 / 0


def sleepyhead(stop: threading.Event) -> None:
    if stop.wait(3600):
        raise CancelledError


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
