"""Blocking calls: run functions that block, and keep the heart beating.

The calling thread beats the heart. It waits for the calls, but no longer than to the
next beat. A worker of the pool may take its next call before the caller learns that the
last one failed, so calls look at ``stop`` first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check

from .. import run


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    stop = threading.Event()
    errors: list[BaseException] = []

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Result:
        if stop.is_set():
            raise CancelledError
        try:
            return function(item)
        except BaseException as error:
            stop.set()
            errors.append(error)
            raise

    # 3. Wait for all calls; the heart stops after the last.
    with ThreadPoolExecutor(limit) as pool:
        calls = [pool.submit(call, item) for item in inputs]
        running = set(calls)
        try:
            while running:
                beat()
                _, running = wait(running, timeout=EVERY)
        except BaseException as error:  # of the heart
            stop.set()
            errors.append(error)
    if errors:
        raise BaseExceptionGroup("errors of calls", errors)

    # 4. Return the results in input order.
    return [call.result() for call in calls]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
