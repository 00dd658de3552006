"""Race: run all at once; the first success counts.

SIGTERM stops the losers, also those that compute in Python. If two succeed at once, the
first that the caller hears of wins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check

from .. import run
from ..pool import Call, Pool


def race(functions: Iterable[Callable[[], Result]]) -> Result:
    functions = check(functions)
    successes: list[Call[Result]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attend(call: Call[Result]) -> None:
        if not pool.failed(call):
            successes.append(call)
            pool.cancel()

    with Pool(len(functions)) as pool:
        # 2. Start all.
        calls = [pool.submit(function) for function in functions]

        # 3. Wait for all. Those that were stopped clean up first.
        for call in pool.as_ended():
            attend(call)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(
            FAILED, [c.error for c in calls if isinstance(c.error, Exception)]
        )
    return successes[0].result()


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
