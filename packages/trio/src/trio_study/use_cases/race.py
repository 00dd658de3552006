"""Race: run all at once; the first success counts.

The winner cancels the nursery's scope, which then ends silently. In a cancelled scope
the effective deadline is past, so a task can find out that it has lost. If its cleanup
raises an error, the nursery raises that error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import trio
from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..requested import cancelled, requested


async def race(functions: Iterable[Callable[[], Awaitable[Result]]]) -> Result:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}

    # 1. The first to succeed wins and stops the others; a failure is kept.
    async def attempt(number: int, function: Callable[[], Awaitable[Result]]) -> None:
        try:
            successes.append(await requested(function))
        except Unrequested:
            raise
        except Exception as error:
            if cancelled() and of_cleanup(error, trio.Cancelled):
                raise
            failures[number] = error
        else:
            nursery.cancel_scope.cancel()

    # 2. Start all.
    # 3. Wait for all. Those that were stopped clean up first.
    async with trio.open_nursery() as nursery:
        for number, function in enumerate(functions):
            nursery.start_soon(attempt, number, function)

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def snooze(seconds: float) -> str:
    await trio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
