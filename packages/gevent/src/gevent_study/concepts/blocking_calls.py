"""Blocking calls: run functions that block, and keep the heart beating.

`ThreadPool.spawn` takes one task more than it has threads, and cannot take it back, so
there are no more greenlets than threads. They share one iterator. So calls start in
input order, whichever greenlet begins first. A thread cannot be interrupted: a greenlet
that is killed waits for its thread in ``finally``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check
from gevent.threadpool import ThreadPool

from .. import run
from ..group import GreenletGroup


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    results: list[Any] = [None] * len(inputs)
    waiting = enumerate(inputs)

    # 1. The heart: beat, wait, beat again.
    beat()

    def heart() -> None:
        try:
            while True:
                gevent.sleep(EVERY)
                beat()
        finally:
            group.kill(block=False)  # without a heart, no further call starts

    # 2. Run each call in a thread, at most `limit` at a time.
    limit = min(limit, len(inputs))  # gevent counts in a C int
    pool = ThreadPool(limit)

    def worker() -> None:
        for index, item in waiting:
            thread = pool.spawn(function, item)
            try:
                thread.wait()
            finally:
                results[index] = thread.get()

    # 3. Wait for all calls; the heart stops after the last.
    try:
        with GreenletGroup() as hearts:
            with GreenletGroup() as group:
                hearts.spawn(heart)
                for _ in range(limit):
                    group.spawn(worker)
            hearts.kill()
    finally:
        pool.kill()

    # 4. Return the results in input order.
    return results


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
