"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A `gevent.Timeout` with ``False`` is raised where the job waits, and silently ends its
own block. It passes through the blocks of others. It is neither an Exception nor a
GreenletExit, so it skips a cleanup in ``except GreenletExit``.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run


def timeout(
    job: Callable[[], Result],
    instead: Callable[[], Result],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)

    # 2. The outer deadline: when it cuts, all is over.
    with gevent.Timeout(outer, False):  # pyright: ignore[reportArgumentType]
        # 3. The inner deadline; the outer one counts on.
        with gevent.Timeout(inner, False):  # pyright: ignore[reportArgumentType]
            return DONE, job()

        # 4. If the inner deadline has expired, run the substitute.
        return INNER, instead()
    return OUTER, None


def download() -> str:
    gevent.sleep(60)
    return "from afar"


def look_up() -> str:
    gevent.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
