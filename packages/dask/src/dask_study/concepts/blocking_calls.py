"""Blocking calls: run functions that block, and keep the heart beating.

The workers make the calls, in threads of their own processes. So a call may also
compute: the heart has a GIL of its own. The group submits a call only when it may run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from math import inf

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check

from .. import run
from ..group import Group, failure


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> list[Result]:
    inputs = check(function, inputs, beat, limit)
    errors: list[BaseException] = []
    cancelled: CancelledError | None = None

    # 1. The heart: beat, wait, beat again.
    def wait_for_one(due: float) -> float:
        if time.monotonic() >= due:
            beat()
            due += EVERY
        left = None if due == inf else max(0, due - time.monotonic())
        future = group.next(left)
        if future is not None and (error := failure(future)) is not None:
            errors.append(error)
            group.cancel()
        return due

    # 2. Run each call in a thread, at most `limit` at a time.
    with Group(limit) as group:
        due = time.monotonic()
        group.map(function, inputs)

        # 3. Wait for all calls; the heart stops after the last.
        while group.busy:
            try:
                due = wait_for_one(due)
            except CancelledError as error:
                due, cancelled = inf, error
                group.cancel()
            except BaseException as error:  # of the heart
                errors.append(error)
                due = inf
                group.cancel()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("errors of calls", errors)
    if cancelled:
        raise cancelled

    # 4. Return the results in input order.
    return group.client.gather(group.futures)


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
