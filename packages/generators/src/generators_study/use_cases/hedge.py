"""Hedge: ask once more when the answer is late; the first one counts.

The event says that all attempts so far have failed. The wait for it ends after
``after`` seconds at the latest. A success cancels the whole group, and so this wait.
"""

from __future__ import annotations

from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run
from ..kernel import (
    Cancelled,
    Event,
    Group,
    Wait,
    current_task,
    move_on_after,
    open_group,
    sleep,
)


def hedge(
    function: Callable[[int], Wait[Result]], after: float, most: int
) -> Wait[Result]:
    check(function, after, most)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}
    started = 0
    all_failed = Event()

    # 1. The first to succeed wins and stops the others; a failure is kept.
    def attempt(group: Group, number: int) -> Wait[None]:
        try:
            successes.append((yield from function(number)))
        except Exception as error:
            if current_task().doomed and of_cleanup(error, Cancelled):
                raise
            failures[number] = error
            if len(failures) == started:
                all_failed.set()
        else:
            group.cancel()

    # 2. Start the next one when it is time, or when all so far have failed.
    def start(group: Group) -> Wait[None]:
        nonlocal started, all_failed
        while started < most:
            all_failed = Event()
            group.spawn(attempt, group, started)
            started += 1
            with move_on_after(after):
                yield from all_failed.wait()

    # 3. Wait for all. Those that were stopped clean up first.
    yield from open_group(start)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


def ask(number: int) -> Wait[str]:
    yield from sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
