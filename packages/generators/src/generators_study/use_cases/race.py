"""Race: run all at once; the first success counts.

The winner cancels the group, which then ends silently. A task whose scope is cancelled
has lost. If its cleanup raises an error, the group raises that error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..kernel import Cancelled, Group, Wait, current_task, open_group, sleep


def race(functions: Iterable[Callable[[], Wait[Result]]]) -> Wait[Result]:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(
        group: Group, number: int, function: Callable[[], Wait[Result]]
    ) -> Wait[None]:
        try:
            successes.append((yield from function()))
        except Exception as error:
            if current_task().doomed and of_cleanup(error, Cancelled):
                raise
            failures[number] = error
        else:
            group.cancel()

    # 2. Start all.
    def start(group: Group) -> None:
        for number, function in enumerate(functions):
            group.spawn(attempt, group, number, function)

    # 3. Wait for all. Those that were stopped clean up first.
    yield from open_group(start)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


def snooze(seconds: float) -> Wait[str]:
    yield from sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
