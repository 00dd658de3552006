"""Sync versus async: the same calls, one after the other and side by side.

A function that is called runs at once, in this greenlet. The same function, spawned,
runs side by side with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..group import GreenletGroup


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
    with GreenletGroup() as group:
        jobs = [group.spawn(function, item) for item in inputs]
    end = time.perf_counter()

    # 4. Return both, to compare.
    side_by_side = [job.get() for job in jobs]
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
