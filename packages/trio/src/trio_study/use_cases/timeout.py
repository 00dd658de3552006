"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A scope ends silently when its own deadline expires. A cancellation of another scope
passes through it. No deadline raises a TimeoutError here, so a TimeoutError can only be
the job's. (`trio.fail_after` raises TooSlowError.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
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

    # 2. The outer deadline: when it cuts, all is over.
    with trio.move_on_after(outer):
        # 3. The inner deadline; the outer one counts on.
        with trio.move_on_after(inner):
            return DONE, await job()

        # 4. If the inner deadline has expired, run the substitute.
        return INNER, await instead()
    return OUTER, None


async def download() -> str:
    await trio.sleep(60)
    return "from afar"


async def look_up() -> str:
    await trio.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
