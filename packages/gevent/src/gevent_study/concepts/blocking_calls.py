"""Blocking calls: run functions that block, and keep the heart beating.

`ThreadPool.spawn` takes one task more than it has threads, and cannot take it back, so
a semaphore counts the calls. A thread cannot be interrupted: a greenlet that is killed
waits for its thread in ``finally``. `joinall` raises one error, so the calls keep
theirs. A call that raises GreenletExit would count as successful.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result, Unrequested
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
    limit = min(limit, len(inputs) + 1)
    turns = BoundedSemaphore(limit)
    errors: list[BaseException] = []

    # 1. The heart: beat, wait, beat again.
    def heart() -> None:
        while True:
            beat()
            gevent.sleep(EVERY)

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        turns.acquire()
        thread = pool.spawn(in_thread, item)
        try:
            thread.wait()
        finally:
            thread.wait()
        result = thread.get()
        turns.release()  # one that fails keeps its turn: no further call starts
        return result  # pyright: ignore[reportReturnType]

    def in_thread(item: Input) -> Result:
        try:
            try:
                return function(item)
            except gevent.GreenletExit as error:
                raise Unrequested from error
        except BaseException as error:
            errors.append(error)
            raise

    # 3. Wait for all calls; the heart stops after the last.
    hearts, group, pool = Group(), Group(), ThreadPool(limit)
    try:
        with contextlib.ExitStack() as last:
            last.callback(pool.kill)
            last.callback(stop, hearts)
            last.callback(stop, group)
            beating = hearts.spawn(heart)
            calls = [group.spawn(call, item) for item in inputs]
            gevent.joinall([beating, *calls], raise_error=True, count=len(calls))
    except BaseException as error:
        others = [other for other in errors if other is not error]
        if not others:
            raise
        raise BaseExceptionGroup("errors of calls", [error, *others]) from None

    # 4. Return the results in input order.
    return [call.get() for call in calls]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
