"""Race: run all at once; the first success counts.

A task that was cancelled does not disturb its group, so the winner cancels the others
one by one. An error would: the group would cancel all once more, in the middle of their
cleanup. So errors are kept until all have ended; unless it is the caller that was
cancelled (``cancelling()``), for then the group has done so already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from concurrency_study.topics import Result
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run


async def race(functions: Iterable[Callable[[], Awaitable[Result]]]) -> Result:
    functions = check(functions)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}

    # 1. The first to succeed wins and stops the others; a failure is kept.
    async def attempt(number: int, function: Callable[[], Awaitable[Result]]) -> None:
        try:
            successes.append(await function())
        except Exception as error:
            if attempts[number].cancelling() and not successes:
                raise
            if successes and not of_cleanup(error, asyncio.CancelledError):
                return
            failures[number] = error
        else:
            if len(successes) == 1:
                failures.clear()
                for other in attempts:
                    if other is not attempts[number]:
                        other.cancel()

    # 2. Start all.
    # 3. Wait for all; whoever is stopped gets to clean up.
    async with asyncio.TaskGroup() as group:
        attempts = [
            group.create_task(attempt(number, function))
            for number, function in enumerate(functions)
        ]

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if failures or not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
