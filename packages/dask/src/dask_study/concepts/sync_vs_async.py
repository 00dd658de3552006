"""Sync versus async: the same calls, one after the other and side by side.

Calls that compute gain as well, up to the number of worker processes: the cluster of
`run` has one for each core, and 4 at most. Threads of one worker share a GIL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import repeat

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check
from distributed import Event

from .. import run
from ..group import Group


def sync_vs_async(
    function: Callable[[Input, Event], Result],
    inputs: Iterable[Input],
) -> Comparison[Result]:
    inputs = check(function, inputs)

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn = [function(item, Event()) for item in inputs]
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    with Group() as group:
        group.map(function, inputs, repeat(group.stop))
    side_by_side = group.client.gather(group.futures)
    end = time.perf_counter()

    # 4. Return both, to compare.
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float, stop: Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
