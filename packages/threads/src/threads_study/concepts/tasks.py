"""Tasks: start them, cancel one, and learn what became of each.

A cancellation is a request. Every job has a ``stop`` event of its own. It looks at the
event, cleans up, and raises CancelledError. The events are also set when the pool
stops.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, wait

from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run
from ..group import Pool


def tasks(
    jobs: Mapping[str, Callable[[threading.Event], object]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)
    stops = {name: threading.Event() for name in jobs}
    outcomes: dict[str, tuple[object, ...]] = {}

    # 1. A task remembers how its job ended.
    def remember(name: str, job: Callable[[threading.Event], object]) -> None:
        try:
            with pool.stop.calling(stops[name].set):
                outcomes[name] = RETURNED, job(stops[name])
        except CancelledError:
            outcomes[name] = (CANCELLED,)
        except Exception as error:
            if pool.stop.is_set():
                raise
            outcomes[name] = RAISED, error

    with Pool(len(jobs) or 1) as pool:
        # 2. Start every job.
        running = {name: pool.submit(remember, name, jobs[name]) for name in jobs}

        # 3. Cancel the chosen one, if it still runs by then.
        if doomed is not None:
            wait([running[doomed]], timeout=after)
            stops[doomed].set()

        # 4. Wait for all; one job's error does not disturb the others.

    # 5. Report what became of each, in order.
    for name in jobs:
        report(name, *outcomes[name])


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
