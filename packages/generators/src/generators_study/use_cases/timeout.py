"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A scope ends silently when its own deadline expires. A cancellation of another scope
passes through it. No deadline raises a TimeoutError here, so a TimeoutError can only be
the job's.
"""

from __future__ import annotations

from collections.abc import Callable

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run
from ..kernel import Wait, move_on_after, sleep


def timeout(
    job: Callable[[], Wait[Result]],
    instead: Callable[[], Wait[Result]],
    outer: float,
    inner: float,
) -> Wait[tuple[str, Result | None]]:
    check(job, instead, outer, inner)

    # 2. The outer deadline: when it cuts, all is over.
    with move_on_after(outer):
        # 3. The inner deadline; the outer one counts on.
        with move_on_after(inner):
            return DONE, (yield from job())

        # 4. If the inner deadline has expired, run the substitute.
        return INNER, (yield from instead())
    return OUTER, None


def download() -> Wait[str]:
    yield from sleep(60)
    return "from afar"


def look_up() -> Wait[str]:
    yield from sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
