"""Timeout: a deadline within a deadline, and each knows whether it was the one.

The usual first version has an ``except TimeoutError`` around each deadline. But the job
may raise a TimeoutError itself, as a connection does that waits too long. That one
looks like an expired deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run

DIFFERS = {
    "telling a deadline from the job's own TimeoutError": "``except TimeoutError`` "
    "catches both; raise it again unless the timeout says ``expired()``"
}


async def timeout(
    job: Callable[[], Awaitable[Result]],
    instead: Callable[[], Awaitable[Result]],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)
    try:
        # 2. The outer deadline: when it cuts, all is over.
        async with asyncio.timeout(outer):
            try:
                # 3. The inner deadline; the outer one counts on.
                async with asyncio.timeout(inner):
                    return DONE, await job()
            except TimeoutError:
                # 4. If the inner deadline has expired, run the substitute.
                return INNER, await instead()
    except TimeoutError:
        return OUTER, None


async def download() -> str:
    await asyncio.sleep(60)
    return "from afar"


async def look_up() -> str:
    await asyncio.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
