"""Sync versus async: the same calls, one after the other and side by side.

A function that is called runs here and now; the same function, spawned, runs beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check
from gevent.pool import Group

from .. import run
from .._stop import stop


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
    group = Group()
    try:
        jobs = [group.spawn(function, item) for item in inputs]
        gevent.joinall(jobs, raise_error=True)
    finally:
        stop(group)
    end = time.perf_counter()

    # 4. Return both, to compare.
    side_by_side = [job.get() for job in jobs]
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
