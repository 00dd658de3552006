"""Timeout: a deadline within a deadline, and each knows whether it was the one.

`asyncio.timeout` cancels the task and turns its own cancellation, counted by
``uncancel()``, into a TimeoutError. A job may raise a TimeoutError as well, and
``expired()`` does not show whose it is. So the job's own error is carried past both
deadlines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run


async def timeout(
    job: Callable[[], Awaitable[Result]],
    instead: Callable[[], Awaitable[Result]],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)
    own_error: TimeoutError | None = None

    # 1. A TimeoutError of their own passes the deadlines as if it were a result.
    async def carried(function: Callable[[], Awaitable[Result]]) -> Result | None:
        nonlocal own_error
        try:
            return await function()
        except TimeoutError as error:
            own_error = error
            return None

    try:
        # 2. The outer deadline: when it cuts, all is over.
        async with asyncio.timeout(outer):
            try:
                # 3. The inner deadline; the outer one counts on.
                async with asyncio.timeout(inner):
                    outcome = DONE, await carried(job)
            except TimeoutError:
                # 4. If the inner deadline has expired, run the substitute.
                outcome = INNER, await carried(instead)
    except TimeoutError:
        return OUTER, None
    if own_error is not None:
        raise own_error
    return outcome


async def download() -> str:
    await asyncio.sleep(60)
    return "from afar"


async def look_up() -> str:
    await asyncio.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
