"""Sync versus async: the same calls, one after the other and side by side.

Calls that compute run side by side in processes, each under a GIL of its own. So they
gain as well, up to the number of cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..pool import Pool


def sync_vs_async(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn = [function(item) for item in inputs]
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    with Pool(len(inputs)) as pool:
        calls = [pool.submit(function, item) for item in inputs]
        for call in pool.as_ended():
            call.result()
    side_by_side = [call.result() for call in calls]
    end = time.perf_counter()

    # 4. Return both, to compare.
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
