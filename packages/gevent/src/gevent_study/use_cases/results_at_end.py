"""Results at the end: run a function many times, and look when all are done.

`gevent.joinall` raises one error, leaves the other greenlets running, and prints a
second error. So a group waits for all. It kills the rest, and raises every error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..group import GreenletGroup


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    with GreenletGroup() as group:
        jobs = [group.spawn(function, item) for item in inputs]

    # 3. Return the results in input order.
    return [job.get() for job in jobs]


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
