"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A deadline ends the caller's wait. The job is then asked to stop, by an event of its
own. A job that does not look at its event keeps running, and the caller waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check
from distributed import Event, Future

from .. import run
from ..group import Group, failure, result


def timeout(
    job: Callable[[Event], Result],
    instead: Callable[[Event], Result],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)

    def call_within(
        function: Callable[[Event], Result], seconds: float
    ) -> tuple[Future[Result], bool]:
        stop = group.new_stop()
        future = group.submit(function, stop)
        expired = group.next(seconds) is None
        if expired:
            stop.set()
            group.next()
        return future, expired and isinstance(failure(future), CancelledError)

    with Group() as group:
        # 2. The outer deadline: when it cuts, all is over.
        deadline = time.monotonic() + outer

        # 3. The inner deadline; the outer one counts on.
        future, cut = call_within(job, min(inner, outer))
        if not cut:
            return DONE, result(future)

        # 4. If the inner deadline has expired, run the substitute.
        left = deadline - time.monotonic()
        if left > 0:
            future, cut = call_within(instead, left)
            if not cut:
                return INNER, result(future)
    return OUTER, None


def download(stop: Event) -> str:
    if stop.wait(60):
        raise CancelledError
    return "from afar"


def look_up(stop: Event) -> str:
    time.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
