"""Results at the end: run a function many times, and look when all are done.

A pool of threads, as large as the inputs are many, up to a bound. The pool waits for
its threads in any case; ``stop`` asks those that run to end early.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import MOST, run


def results_at_end(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    stop = threading.Event()

    # 1. Start a job for every input.
    with ThreadPoolExecutor(min(len(inputs), MOST) or 1) as pool:
        try:
            jobs = [pool.submit(function, item, stop) for item in inputs]

            # 2. Wait for all; the first error stops the rest.
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
