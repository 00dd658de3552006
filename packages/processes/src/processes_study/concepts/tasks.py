"""Tasks: start them, cancel one, and learn what became of each.

SIGTERM cancels a job, whether it waits or computes in Python. It reaches the job as an
exception, so that it cleans up.
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

from .. import run
from ..pool import Call, Pool


def tasks(
    jobs: Mapping[str, Callable[[], object]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)

    # 1. A task remembers how its job ended.
    def outcome(call: Call[object]) -> tuple[object, ...]:
        if isinstance(call.error, CancelledError):
            return (CANCELLED,)
        if call.error is not None:
            return RAISED, call.error
        return RETURNED, call.value

    with Pool(len(jobs)) as pool:
        # 2. Start every job.
        running = {name: pool.submit(job) for name, job in jobs.items()}

        # 3. Cancel the chosen one, if it still runs by then.
        due = time.monotonic() + after
        chosen = running[doomed] if doomed is not None else None
        while chosen and not (chosen.ended or chosen.asked):
            call = pool.next(max(0, due - time.monotonic()))
            if call is None:
                pool.cancel(chosen)
            elif not isinstance(call.error, Exception | None):
                call.result()

        # 4. Wait for all; one job's error does not disturb the others.
        for call in pool.as_ended():
            if not isinstance(call.error, Exception | None):
                call.result()

    # 5. Report what became of each, in order.
    for name, call in running.items():
        report(name, *outcome(call))


def quick() -> int:
    time.sleep(0.1)
    return 1


def clumsy() -> float:
    time.sleep(0.2)
    return 1 / 0


def sleepyhead() -> None:
    time.sleep(3600)


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
