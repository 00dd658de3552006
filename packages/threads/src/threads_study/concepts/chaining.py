"""Chaining: one coroutine waits for another.

A plain call is enough: it blocks this thread, and no other, until it has a result.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.chaining import EXAMPLE, after, before, check

from .. import run


def chaining(
    compute: Callable[[Input, Input], Result],
    x: Input,
    y: Input,
    say: Callable[[str], object],
) -> None:
    check(compute, say)
    say(before(x, y))

    # 1. Call another that waits, and wait for it.
    result = compute(x, y)

    # 2. Continue with its result.
    say(after(x, y, result))


def add(x: float, y: float) -> float:
    time.sleep(1)
    return x + y


if __name__ == "__main__":
    run(chaining, add, *EXAMPLE, print)
