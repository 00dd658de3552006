"""Hedge: ask once more when the answer is late; the first one counts.

`asyncio.wait` returns when all have ended, or when the time is up, and cancels nobody.
An attempt keeps its error to itself, for its group would cancel the others; the winner
cancels them one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from concurrency_study.topics import Result
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run


async def hedge(
    function: Callable[[int], Awaitable[Result]], after: float, most: int
) -> Result:
    check(function, after, most)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}
    attempts: list[asyncio.Task[None]] = []

    # 1. The first to succeed wins and stops the others; a failure is kept.
    async def attempt(number: int) -> None:
        try:
            successes.append(await function(number))
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

    async with asyncio.TaskGroup() as group:
        # 2. Start the next one when it is time, or when all so far have failed.
        while len(attempts) < most and not successes:
            attempts.append(group.create_task(attempt(len(attempts))))
            await asyncio.wait(attempts, timeout=after)

        # 3. Wait for all; whoever is stopped gets to clean up.

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if failures or not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def ask(number: int) -> str:
    await asyncio.sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
