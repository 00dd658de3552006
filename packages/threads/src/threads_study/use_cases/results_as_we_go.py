"""Results as we go: hand over each result the instant it is ready.

Every future puts itself into a queue when it is done, with its result or its error. The
caller takes the futures from the queue. An error ends the caller's block, and the pool
stops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from queue import SimpleQueue

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import MOST, run
from ..group import Pool, Stop


def results_as_we_go(
    function: Callable[[Input, Stop], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)
    results: SimpleQueue[Future[Result]] = SimpleQueue()

    # 1. A job puts its result in line when it ends.
    def start(item: Input) -> None:
        job = pool.submit(function, item, pool.stop)
        job.add_done_callback(results.put)

    with Pool(min(len(inputs), MOST) or 1) as pool:
        # 2. Start a job for every input.
        for item in inputs:
            start(item)

        # 3. Hand over each result as it comes.
        for _ in inputs:
            handle(results.get().result())

        # 4. The first error stops the rest.


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
