"""Results at the end: run a function many times, and look when all are done.

`gevent.joinall` raises the first error, but leaves the others running: they are killed
in ``finally``. A second error of the same instant is only printed, by the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check
from gevent.pool import Group

from .. import run
from .._stop import stop


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    group = Group()
    try:
        # 1. Start a job for every input.
        jobs = [group.spawn(function, item) for item in inputs]

        # 2. Wait for all; the first error stops the rest.
        gevent.joinall(jobs, raise_error=True)
    finally:
        stop(group)

    # 3. Return the results in input order.
    return [job.get() for job in jobs]


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
