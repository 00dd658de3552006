"""Race: run all at once; the first success counts.

The winner has the group kill the others. Whoever is ``dying`` has lost: an error of its
cleanup stays in the greenlet until somebody looks there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup
from gevent.pool import Group

from .. import run
from .._stop import stop


def race(functions: Iterable[Callable[[], Result]]) -> Result:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, BaseException] = {}
    group = Group()

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(number: int, function: Callable[[], Result]) -> None:
        try:
            successes.append(function())
        except (Exception, gevent.Timeout) as error:
            lost = gevent.getcurrent() in group.dying
            if lost and of_cleanup(error, gevent.GreenletExit):
                raise
            failures[number] = error
        else:
            group.kill(block=False)

    # 2. Start all.
    attempts = [group.spawn(attempt, *numbered) for numbered in enumerate(functions)]

    # 3. Wait for all; whoever is stopped gets to clean up.
    try:
        gevent.joinall(attempts, raise_error=True)
    finally:
        stop(group)
        if errors := [one.exception for one in attempts if one.exception is not None]:
            raise BaseExceptionGroup("errors in greenlets", errors)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        ordered = [failures[number] for number in sorted(failures)]
        raise BaseExceptionGroup(FAILED, ordered)
    return successes[0]


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
