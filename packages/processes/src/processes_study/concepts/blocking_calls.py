"""Blocking calls: run functions that block, and keep the heart beating.

`ProcessPoolExecutor` makes the calls. Beside those that run, it takes up to one more
than it has workers, and none of these can be taken back. So a new call is given to it
only when one has ended.
A call may also compute: the heart has a GIL of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    wait,
)
from math import inf

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check
from concurrency_study.topics.signals import held_back

from .. import MOST, begin_worker, run


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    limit = min(limit, len(inputs), MOST)
    errors: list[BaseException] = []
    calls: list[Future[Result]] = []
    running: set[Future[Result]] = set()
    cancelled: CancelledError | None = None
    if not inputs:
        return []

    def more() -> bool:
        return not (errors or cancelled) and len(calls) < len(inputs)

    # 1. The heart: beat, wait, beat again.
    def wait_for_one(due: float) -> float:
        nonlocal running
        if time.monotonic() >= due:
            beat()
            due += EVERY
        left = None if due == inf else max(0, due - time.monotonic())
        done, running = wait(running, left, FIRST_COMPLETED)
        errors.extend(error for call in done if (error := call.exception()))
        return due

    # 2. Run each call in a thread, at most `limit` at a time.
    pool = ProcessPoolExecutor(limit, initializer=begin_worker)
    due = time.monotonic()
    try:
        while running or more():
            try:
                while len(running) < limit and more():
                    with held_back():
                        calls.append(pool.submit(function, inputs[len(calls)]))
                        running.add(calls[-1])

                # 3. Wait for all calls; the heart stops after the last.
                due = wait_for_one(due)
            except CancelledError as error:
                due, cancelled = inf, error
            except BaseException as error:  # of the heart
                errors.append(error)
                due = inf
    finally:
        with held_back():
            pool.shutdown()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("errors of calls", errors)

    if cancelled:
        raise cancelled

    # 4. Return the results in input order.
    return [call.result() for call in calls]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
