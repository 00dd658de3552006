"""Blocking calls: run functions that block, and keep the heart beating.

`ThreadPool.spawn` takes one task more than it has threads, which nobody can take back,
so a semaphore keeps the promise of ``limit``. A thread cannot be interrupted: whoever
is killed while one works waits for it in ``finally``.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check
from gevent.lock import BoundedSemaphore
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from .. import run
from .._stop import stop


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    turns = BoundedSemaphore(limit)

    # 1. The heart: beat, wait, beat again.
    def heart() -> None:
        while True:
            beat()
            gevent.sleep(EVERY)

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        turns.acquire()
        thread = pool.spawn(function, item)
        try:
            thread.wait()
        finally:
            thread.wait()
        result = thread.get()
        turns.release()  # one that fails keeps its turn: no further call starts
        return result  # pyright: ignore[reportReturnType]

    # 3. Wait for all calls; the heart stops after the last.
    hearts, group, pool = Group(), Group(), ThreadPool(limit)
    with contextlib.ExitStack() as last:
        last.callback(pool.kill)
        last.callback(stop, hearts)
        last.callback(stop, group)
        beating = hearts.spawn(heart)
        calls = [group.spawn(call, item) for item in inputs]
        gevent.joinall([beating, *calls], raise_error=True, count=len(calls))

    # 4. Return the results in input order.
    return [call.get() for call in calls]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
