"""Tasks: start them, cancel one, and learn what became of each.

A scope is cancelled, not a task. So each job gets a scope of its own. The deadline of a
scope may be set from anywhere, at any time, and has no effect when the job has ended.
The scope is inside ``try``: it takes its own cancellation out of a group of errors, and
the rest is the job's error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.lowlevel
from concurrency_study.topics import Unrequested
from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run
from ..requested import cancelled, requested


async def tasks(
    jobs: Mapping[str, Callable[[], Awaitable[object]]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> None:
    check(jobs, doomed, after, report)
    outcomes: dict[str, tuple[object, ...]] = dict.fromkeys(jobs, (CANCELLED,))
    scopes = {name: anyio.CancelScope() for name in jobs}

    # 1. A task remembers how its job ended.
    async def remember(name: str, job: Callable[[], Awaitable[object]]) -> None:
        try:
            with scopes[name]:
                outcomes[name] = (RETURNED, await requested(job))
        except Unrequested:
            pass
        except Exception as error:
            if cancelled():
                raise
            outcomes[name] = (RAISED, error)

    # 2. Start every job.
    async with anyio.create_task_group() as group:
        for name, job in jobs.items():
            group.start_soon(remember, name, job)

        # 3. Cancel the chosen one, if it still runs by then.
        if doomed is not None:
            scopes[doomed].deadline = anyio.current_time() + after

        # 4. Wait for all; one job's error does not disturb the others.
    await anyio.lowlevel.checkpoint_if_cancelled()

    # 5. Report what became of each, in order.
    for name in jobs:
        report(name, *outcomes[name])


async def quick() -> int:
    await anyio.sleep(0.1)
    return 1


async def clumsy() -> float:
    await anyio.sleep(0.2)
    return 1 / 0


async def sleepyhead() -> None:
    await anyio.sleep_forever()


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
