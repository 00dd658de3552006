"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A `Deadline` cancels its task with an exception object of its own. The block ends
silently if that object reaches its end, so any other cancellation passes through it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run
from ..scheduler import Deadline, sleep


async def timeout(
    job: Callable[[], Awaitable[Result]],
    instead: Callable[[], Awaitable[Result]],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)

    # 2. The outer deadline: when it cuts, all is over.
    with Deadline(outer):
        # 3. The inner deadline; the outer one counts on.
        with Deadline(inner):
            return DONE, await job()

        # 4. If the inner deadline has expired, run the substitute.
        return INNER, await instead()
    return OUTER, None


async def download() -> str:
    await sleep(60)
    return "from afar"


async def look_up() -> str:
    await sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
