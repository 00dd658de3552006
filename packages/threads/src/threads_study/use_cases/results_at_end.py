"""Results at the end: run a function many times, and look when all are done.

A pool has a thread for every input, up to a bound. Leaving the block waits for all
calls. `Pool` adds three things to `ThreadPoolExecutor`: the first error sets ``stop``,
no waiting call starts after that, and every error is raised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import MOST, run
from ..group import Pool


def results_at_end(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    with Pool(min(len(inputs), MOST) or 1) as pool:
        jobs = [pool.submit(function, item, pool.stop) for item in inputs]

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
