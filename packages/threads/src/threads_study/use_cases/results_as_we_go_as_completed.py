"""Results as we go: hand over each result the instant it is ready.

`concurrent.futures.as_completed` yields the futures in order of completion. Futures
that were done before it began come first, in no order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import MOST, run
from ..group import Pool


def results_as_we_go(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)

    with Pool(min(len(inputs), MOST) or 1) as pool:
        # 2. Start a job for every input.
        jobs = [pool.submit(function, item, pool.stop) for item in inputs]

        # 3. Hand over each result as it comes.
        for job in as_completed(jobs):
            handle(job.result())

        # 4. The first error stops the rest.


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
