"""Hedge: ask once more when the answer is late; the first one counts.

`asyncio.wait` returns when all attempts have ended, or when the time is up, and cancels
nothing. An attempt keeps its error to itself, because an error would make the group
cancel the others. The winner raises `Won` to cancel them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run
from ..groups import Won, cancelling, requested, start


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
            successes.append(await requested(function, number))
        except Unrequested:
            raise
        except Exception as error:
            if cancelling() and of_cleanup(error, asyncio.CancelledError):
                raise
            failures[number] = error
        else:
            if not cancelling():
                raise Won

    try:
        async with asyncio.TaskGroup() as group:
            # 2. Start the next one when it is time, or when all so far have failed.
            while len(attempts) < most:
                attempts.append(start(group, attempt(len(attempts))))
                await asyncio.wait(attempts, timeout=after)

            # 3. Wait for all. Those that were stopped clean up first.
    except* Won:
        pass

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def ask(number: int) -> str:
    await asyncio.sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
