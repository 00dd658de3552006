"""Chaining: one coroutine waits for another.

``await compute(x, y)`` runs the other coroutine inside this task. The scheduler sees
one task, which waits where the other coroutine waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.chaining import EXAMPLE, after, before, check

from .. import run
from ..scheduler import sleep


async def chaining(
    compute: Callable[[Input, Input], Awaitable[Result]],
    x: Input,
    y: Input,
    say: Callable[[str], object],
) -> None:
    check(compute, say)
    say(before(x, y))

    # 1. Call another that waits, and wait for it.
    result = await compute(x, y)

    # 2. Continue with its result.
    say(after(x, y, result))


async def add(x: float, y: float) -> float:
    await sleep(1)
    return x + y


if __name__ == "__main__":
    run(chaining, add, *EXAMPLE, print)
