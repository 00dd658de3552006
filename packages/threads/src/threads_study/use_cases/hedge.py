"""Hedge: ask once more when the answer is late; the first one counts.

``wait`` returns when all attempts have ended, or when the time is up. An attempt that
is late keeps running until the winner asks it to stop. The pool waits for it in the
end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait

from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run
from ..group import Pool, Stop


def hedge(function: Callable[[int, Stop], Result], after: float, most: int) -> Result:
    check(function, after, most)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}
    attempts: list[Future[None]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(number: int) -> None:
        try:
            successes.append(function(number, pool.stop))
        except CancelledError:
            raise
        except Exception as error:
            if pool.stop.is_set() and of_cleanup(error, CancelledError):
                raise
            failures[number] = error
        else:
            pool.cancel()

    with Pool(most) as pool:
        # 2. Start the next one when it is time, or when all so far have failed.
        while len(attempts) < most and not pool.stop.is_set():
            attempts.append(pool.submit(attempt, len(attempts)))
            wait(attempts, timeout=after)

        # 3. Wait for all. Those that were stopped clean up first.

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


def ask(number: int, stop: threading.Event) -> str:
    stop.wait(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
