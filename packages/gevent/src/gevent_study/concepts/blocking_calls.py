"""Blocking calls: run functions that block, and keep the heart beating.

`ThreadPool.spawn` takes one task more than it has threads, and cannot take it back, so
a semaphore counts the calls. A thread cannot be interrupted: a greenlet that is killed
waits for its thread in ``finally``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check
from gevent.lock import BoundedSemaphore
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
    limit = min(limit, len(inputs))  # gevent counts in a C int
    turns, pool = BoundedSemaphore(limit), ThreadPool(limit)

    # 1. The heart: beat, wait, beat again.
    def heart() -> None:
        try:
            while True:
                beat()
                gevent.sleep(EVERY)
        finally:
            group.kill(block=False)  # without a heart, no further call starts

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        turns.acquire()
        thread = pool.spawn(function, item)
        try:
            thread.wait()
        finally:
            result = thread.get()
        turns.release()  # one that fails keeps its turn: no further call starts
        return result  # pyright: ignore[reportReturnType]

    # 3. Wait for all calls; the heart stops after the last.
    try:
        with GreenletGroup() as hearts:
            with GreenletGroup() as group:
                hearts.spawn(heart)
                calls = [group.spawn(call, item) for item in inputs]
            hearts.kill()
    finally:
        pool.kill()

    # 4. Return the results in input order.
    return [call.get() for call in calls]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
