"""Blocking calls: run functions that block, and keep the heart beating.

`in_thread` runs the call in a worker thread, which wakes the kernel through a socket
when the call has ended. A few workers share one iterator. So calls start in input
order, whichever worker begins first. A thread cannot be interrupted: a task that is
cancelled waits for its thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check

from .. import run
from ..kernel import Group, Wait, in_thread, open_group, sleep


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> Wait[list[Result]]:
    inputs = check(function, inputs, beat, limit)
    results: list[Any] = [None] * len(inputs)
    waiting = enumerate(inputs)

    # 1. The heart: beat, wait, beat again.
    beat()

    def heart() -> Wait[None]:
        while True:
            yield from sleep(EVERY)
            beat()

    # 2. Run each call in a thread, at most `limit` at a time.
    def worker() -> Wait[None]:
        for index, item in waiting:
            results[index] = yield from in_thread(function, item)

    def start(workers: Group) -> None:
        for _ in range(min(limit, len(inputs))):
            workers.spawn(worker)

    # 3. Wait for all calls; the heart stops after the last.
    def beside_the_heart(group: Group) -> Wait[None]:
        group.spawn(heart)
        yield from open_group(start)
        group.cancel()

    yield from open_group(beside_the_heart)

    # 4. Return the results in input order.
    return results


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
