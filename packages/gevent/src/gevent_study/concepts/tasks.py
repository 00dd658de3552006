"""Tasks: start them, cancel one, and learn what became of each.

A greenlet keeps its ``value`` and its ``exception``. But a killed greenlet looks as if
it had returned a GreenletExit, and the hub prints every error that leaves a greenlet.
So each greenlet records by itself how its job ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gevent
from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run
from ..group import GreenletGroup


def tasks(
    jobs: Mapping[str, Callable[[], object]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)
    # A greenlet that is killed before its first switch never runs any of its code.
    outcomes: dict[str, tuple[object, ...]] = dict.fromkeys(jobs, (CANCELLED,))

    # 1. A task remembers how its job ended.
    def remember(name: str, job: Callable[[], object]) -> None:
        try:
            outcomes[name] = (RETURNED, job())
        except gevent.GreenletExit:
            pass
        except (Exception, gevent.Timeout) as error:
            if group.stopping:
                raise
            outcomes[name] = (RAISED, error)

    with GreenletGroup() as group:
        # 2. Start every job.
        running = {name: group.spawn(remember, name, job) for name, job in jobs.items()}

        # 3. Cancel the chosen one, if it still runs by then.
        if doomed is not None:
            task = running[doomed]
            task.join(timeout=after)
            group.killone(task)  # pyright: ignore[reportArgumentType]

        # 4. Wait for all; one job's error does not disturb the others.

    # 5. Report what became of each, in order.
    for name in jobs:
        report(name, *outcomes[name])


def quick() -> int:
    gevent.sleep(0.1)
    return 1


def clumsy() -> float:
    gevent.sleep(0.2)
    return 1 / 0


def sleepyhead() -> None:
    gevent.sleep(3600)


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
