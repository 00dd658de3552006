"""Hedge: ask once more when the answer is late; the first one counts.

`gevent.joinall` returns when all attempts have ended, or when the time is up. It kills
no greenlet. The winner has the group do that. The group keeps the error of a cleanup.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run
from ..group import GreenletGroup


def hedge(function: Callable[[int], Result], after: float, most: int) -> Result:
    check(function, after, most)
    successes: list[Result] = []
    failures: dict[int, BaseException] = {}
    attempts: list[gevent.Greenlet[[int], None]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(number: int) -> None:
        try:
            successes.append(function(number))
        except (Exception, gevent.Timeout) as error:
            lost = gevent.getcurrent() in group.dying
            if lost and of_cleanup(error, gevent.GreenletExit):
                raise
            failures[number] = error
        else:
            group.kill(block=False)

    with GreenletGroup() as group:
        # 2. Start the next one when it is time, or when all so far have failed.
        while len(attempts) < most and not group.stopping:
            attempts.append(group.spawn(attempt, len(attempts)))
            gevent.joinall(attempts, timeout=after)

        # 3. Wait for all. Those that were stopped clean up first.

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        ordered = [failures[number] for number in sorted(failures)]
        raise BaseExceptionGroup(FAILED, ordered)
    return successes[0]


def ask(number: int) -> str:
    gevent.sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
