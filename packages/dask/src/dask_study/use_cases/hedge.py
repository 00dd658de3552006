"""Hedge: ask once more when the answer is late; the first one counts.

Each attempt is a call that may run on another worker. ``next`` returns an attempt that
has ended, or None when the time is up. An attempt that is late keeps running
until the winner asks it to stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from distributed import Event, Future

from .. import run
from ..group import Group, failure


def hedge(function: Callable[[int, Event], Result], after: float, most: int) -> Result:
    check(function, after, most)
    successes: list[Future[Result]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attend(future: Future[Result]) -> None:
        if not group.failed(future):
            successes.append(future)
            group.cancel()

    with Group() as group:
        # 2. Start the next one when it is time, or when all so far have failed.
        attempts = group.futures
        while len(attempts) < most and not group.stopped:
            group.submit(function, len(attempts), group.stop)
            due = time.monotonic() + after
            while group.busy:
                future = group.next(max(0, due - time.monotonic()))
                if future is None:
                    break
                attend(future)

        # 3. Wait for all. Those that were stopped clean up first.
        for future in group.as_ended():
            attend(future)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        errors = map(failure, attempts)
        raise ExceptionGroup(FAILED, [e for e in errors if isinstance(e, Exception)])
    return successes[0].result()


def ask(number: int, stop: Event) -> str:
    stop.wait(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
