"""Sync versus async: the same calls, one after the other and side by side.

A generator that is called by ``yield from`` runs at once, in this task. A generator
that is spawned runs side by side with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.sync_vs_async import EXAMPLE, Comparison, check

from .. import run
from ..kernel import Wait, open_group, sleep


def sync_vs_async(
    function: Callable[[Input], Wait[Result]],
    inputs: Iterable[Input],
) -> Wait[Comparison[Result]]:
    inputs = check(function, inputs)

    # 1. Measure how long something takes.
    begin = time.perf_counter()

    # 2. One after the other: wait for each before the next.
    in_turn: list[Result] = []
    for item in inputs:
        in_turn.append((yield from function(item)))  # no yield in comprehensions
    middle = time.perf_counter()

    # 3. Side by side: start all, then wait for all.
    jobs = yield from open_group(
        lambda group: [group.spawn(function, item) for item in inputs]
    )
    end = time.perf_counter()

    # 4. Return both, to compare.
    side_by_side: list[Result] = [job.result for job in jobs]
    return Comparison(in_turn, side_by_side, middle - begin, end - middle)


def snooze(seconds: float) -> Wait[str]:
    yield from sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(sync_vs_async, snooze, EXAMPLE))
