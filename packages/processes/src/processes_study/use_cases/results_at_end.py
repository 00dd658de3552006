"""Results at the end: run a function many times, and look when all are done.

The pool has a process for every input, up to `MOST`: these calls wait. For calls that
compute, one for each core is enough. The first error ends the loop and the block.
SIGTERM then cancels the other calls, whether they wait or compute in Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..pool import Pool


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    with Pool(len(inputs)) as pool:
        calls = [pool.submit(function, item) for item in inputs]

        # 2. Wait for all; the first error stops the rest.
        for call in pool.as_ended():
            call.result()

    # 3. Return the results in input order.
    return [call.result() for call in calls]


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
