"""Sync versus async: the same calls, one after the other and side by side.

What waits, waits side by side in threads; what computes takes turns (the GIL), and
gains nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run


def sync_vs_async(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)
    stop = threading.Event()

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn = [function(item, stop) for item in inputs]
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    with ThreadPoolExecutor(len(inputs) or 1) as pool:
        try:
            jobs = [pool.submit(function, item, stop) for item in inputs]
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            side_by_side = [job.result() for job in (*done, *jobs)][len(done) :]
        finally:
            stop.set()
    end = time.perf_counter()

    # 4. Return both, to compare.
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
