"""Chaining: one coroutine waits for another.

``yield from compute(x, y)`` runs the other generator inside this task. Its yields pass
through to the kernel, and its return value is the value of the expression.
"""

from __future__ import annotations

from collections.abc import Callable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.chaining import EXAMPLE, after, before, check

from .. import run
from ..kernel import Wait, sleep


def chaining(
    compute: Callable[[Input, Input], Wait[Result]],
    x: Input,
    y: Input,
    say: Callable[[str], object],
) -> Wait[None]:
    check(compute, say)
    say(before(x, y))

    # 1. Call another that waits, and wait for it.
    result = yield from compute(x, y)

    # 2. Continue with its result.
    say(after(x, y, result))


def add(x: float, y: float) -> Wait[float]:
    yield from sleep(1)
    return x + y


if __name__ == "__main__":
    run(chaining, add, *EXAMPLE, print)
