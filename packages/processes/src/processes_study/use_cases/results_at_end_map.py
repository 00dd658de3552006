"""Results at the end: run a function many times, and look when all are done.

``map`` of the standard library's `ProcessPoolExecutor`, as many would write it. With
``chunksize``, many short calls share a message. An error does not stop the rest. If a
worker dies, the pool is broken, and every call that is not done has failed. If one is
killed while the pool shuts down, and it holds the lock of the queue of calls, the end
of the block hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import MOST, begin_worker, run

CANNOT = {
    "stopping the rest": "map waits for the calls in order, and stops none",
    "cancellation from outside": "the end of the block waits for the calls that run",
}


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    most = min(len(inputs), MOST) or 1

    # 1. Start a job for every input.
    # 3. Return the results in input order.
    with ProcessPoolExecutor(most, initializer=begin_worker) as pool:
        return list(pool.map(function, inputs))


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
