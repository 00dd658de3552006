"""Race: run all at once; the first success counts.

SIGTERM stops the losers, also those that compute. If two succeed at once, the first
that the caller hears of wins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..pool import Call, Pool


def race(functions: Iterable[Callable[[], Result]]) -> Result:
    functions = check(functions)
    successes: list[Call[Result]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attend(call: Call[Result]) -> None:
        error = call.error
        if error is None:
            successes.append(call)
            pool.cancel()
        elif isinstance(error, CancelledError) or not isinstance(error, Exception):
            if not call.obeyed:
                pool.fail(error)
        elif pool.stopped and of_cleanup(error, CancelledError):
            pool.fail(error)

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
