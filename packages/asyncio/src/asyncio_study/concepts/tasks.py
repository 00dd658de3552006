"""Tasks: start them, cancel one, and learn what became of each.

An error in a task group cancels the siblings, so each task keeps its error to itself.
It does not when the whole group is being cancelled, as nothing will be reported then.
``cancel()`` only asks: the group waits until the task has cleaned up and ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run
from ..groups import cancelled_once, cancelling, start


async def tasks(
    jobs: Mapping[str, Callable[[], Awaitable[object]]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)
    requests = dict.fromkeys(jobs, 0)
    # A task that is cancelled before its first step never gets to say so.
    outcomes: dict[str, tuple[object, ...]] = dict.fromkeys(jobs, (CANCELLED,))

    # 1. A task remembers how its job ended.
    async def remember(name: str, job: Callable[[], Awaitable[object]]) -> None:
        try:
            ended = cancelled_once(job()) if name == doomed else job()
            outcomes[name] = (RETURNED, await ended)
        except Exception as error:
            if cancelling() > requests[name]:
                raise
            outcomes[name] = (RAISED, error)

    # 2. Start every job.
    async with asyncio.TaskGroup() as group:
        running = {
            name: start(group, remember(name, job)) for name, job in jobs.items()
        }

        # 3. Cancel the chosen one, if it still runs by then.
        if doomed is not None:
            await asyncio.wait([running[doomed]], timeout=after)
            requests[doomed] += running[doomed].cancel()

        # 4. Wait for all; one job's error does not disturb the others.

    # 5. Report what became of each, in order.
    for name in jobs:
        report(name, *outcomes[name])


async def quick() -> int:
    await asyncio.sleep(0.1)
    return 1


async def clumsy() -> float:
    await asyncio.sleep(0.2)
    return 1 / 0


async def sleepyhead() -> None:
    await asyncio.sleep(3600)


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
