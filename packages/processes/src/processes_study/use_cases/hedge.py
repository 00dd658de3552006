"""Hedge: ask once more when the answer is late; the first one counts.

Each attempt is a process. ``next`` returns an attempt that has ended, or None when the
time is up. An attempt that is late keeps running until the winner stops it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check

from .. import run
from ..pool import Call, Pool


def hedge(function: Callable[[int], Result], after: float, most: int) -> Result:
    check(function, after, most)
    successes: list[Call[Result]] = []
    attempts: list[Call[Result]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attend(call: Call[Result]) -> None:
        if not pool.failed(call):
            successes.append(call)
            pool.cancel()

    with Pool(most) as pool:
        # 2. Start the next one when it is time, or when all so far have failed.
        while len(attempts) < most and not pool.stopped:
            attempts.append(pool.submit(function, len(attempts)))
            due = time.monotonic() + after
            while not all(attempt.ended for attempt in attempts):
                call = pool.next(max(0, due - time.monotonic()))
                if call is None:
                    break
                attend(call)

        # 3. Wait for all. Those that were stopped clean up first.
        for call in pool.as_ended():
            attend(call)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(
            FAILED, [c.error for c in attempts if isinstance(c.error, Exception)]
        )
    return successes[0].result()


def ask(number: int) -> str:
    time.sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
