"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A deadline ends the caller's wait, and SIGTERM then ends the job, also one that computes
in Python. A long call in C delays it. The job is killed if it has not ended `PATIENCE`
seconds later. The start of its process counts as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run
from ..pool import Call, Pool


def timeout(
    job: Callable[[], Result],
    instead: Callable[[], Result],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)

    def call_within(function: Callable[[], Result], seconds: float) -> Call[Result]:
        call = pool.submit(function)
        if pool.next(seconds) is None:
            pool.cancel(call)
            pool.next()
        return call

    with Pool(1) as pool:
        # 2. The outer deadline: when it cuts, all is over.
        deadline = time.monotonic() + outer

        # 3. The inner deadline; the outer one counts on.
        call = call_within(job, min(inner, outer))
        if not call.obeyed:
            return DONE, call.result()

        # 4. If the inner deadline has expired, run the substitute.
        left = deadline - time.monotonic()
        if left > 0:
            call = call_within(instead, left)
            if not call.obeyed:
                return INNER, call.result()
    return OUTER, None


def download() -> str:
    time.sleep(60)
    return "from afar"


def look_up() -> str:
    time.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
