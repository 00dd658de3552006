"""Race: run all at once; the first success counts.

The winner has the group kill the others. A greenlet that is ``dying`` has lost, and the
group keeps the error of its cleanup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..group import GreenletGroup


def race(functions: Iterable[Callable[[], Result]]) -> Result:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, BaseException] = {}

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
    # 3. Wait for all. Those that were stopped clean up first.
    with GreenletGroup() as group:
        for number, function in enumerate(functions):
            group.spawn(attempt, number, function)

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
