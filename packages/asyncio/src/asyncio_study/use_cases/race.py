"""Race: run all at once; the first success counts.

A task group ends early only by an error. So the winner raises one, and the group
cancels the others, each once: a second cancellation does not cut their cleanup short.
(Before Python 3.13 the group forgets the second one: python/cpython#116720.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.race import EXAMPLE, FAILED, check, of_cleanup

from .. import run
from ..groups import Won, cancelling, requested, start


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
            if cancelling() and of_cleanup(error, asyncio.CancelledError):
                raise
            failures[number] = error
        else:
            if not cancelling():
                raise Won

    # 2. Start all.
    # 3. Wait for all. Those that were stopped clean up first.
    try:
        async with asyncio.TaskGroup() as group:
            for number, function in enumerate(functions):
                start(group, attempt(number, function))
    except* Won:
        pass

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def snooze(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(race, [partial(snooze, seconds) for seconds in EXAMPLE]))
