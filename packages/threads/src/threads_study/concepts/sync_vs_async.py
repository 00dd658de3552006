"""Sync versus async: the same calls, one after the other and side by side.

Calls that wait do so side by side in threads. Calls that compute take turns because of
the GIL, and gain nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..group import Pool


def sync_vs_async(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn = [function(item, threading.Event()) for item in inputs]
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    with Pool(len(inputs) or 1) as pool:
        jobs = [pool.submit(function, item, pool.stop) for item in inputs]
    side_by_side = [job.result() for job in jobs]
    end = time.perf_counter()

    # 4. Return both, to compare.
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
