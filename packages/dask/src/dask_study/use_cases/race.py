"""Race: run all at once; the first success counts.

The winner asks the others to stop. The race waits for them, and takes as long as the
last of them needs to look at ``stop``. If two succeed at once, the first that the
client hears of wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat
from operator import call

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check
from distributed import Event, Future

from .. import run
from ..group import Group, failure


def race(functions: Iterable[Callable[[Event], Result]]) -> Result:
    functions = check(functions)
    successes: list[Future[Result]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attend(future: Future[Result]) -> None:
        if not group.failed(future):
            successes.append(future)
            group.cancel()

    with Group() as group:
        # 2. Start all.
        group.map(call, functions, repeat(group.stop))

        # 3. Wait for all. Those that were stopped clean up first.
        for future in group.as_ended():
            attend(future)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        errors = map(failure, group.futures)
        raise ExceptionGroup(FAILED, [e for e in errors if isinstance(e, Exception)])
    return successes[0].result()


def snooze(seconds: float, stop: Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
