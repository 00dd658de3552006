"""Race: run all at once; the first success counts.

The winner asks the others to stop. The race waits for them, and takes as long as the
last of them needs to look at ``stop``. Two threads may succeed at once. Then the first
in the list of successes wins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..group import Stop, ThreadGroup


def race(functions: Iterable[Callable[[Stop], Result]]) -> Result:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(number: int, function: Callable[[Stop], Result]) -> None:
        try:
            successes.append(function(group.stop))
        except CancelledError:
            raise
        except Exception as error:
            if group.stop.is_set() and of_cleanup(error, CancelledError):
                raise
            failures[number] = error
        else:
            group.cancel()

    # 2. Start all.
    # 3. Wait for all. Those that were stopped clean up first.
    with ThreadGroup() as group:
        for number, function in enumerate(functions):
            group.start(attempt, number, function)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
