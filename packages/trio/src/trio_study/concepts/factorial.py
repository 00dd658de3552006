"""Factorial: several tasks take turns.

Another task may run at every ``await``, and none runs between two of them. The order of
tasks that are due at the same instant is random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run


async def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> list[int]:
    numbers = check(numbers, say)
    results = [1] * len(numbers)

    # 1. One number: say the step, pause, multiply.
    async def multiply(index: int, number: int) -> None:
        for step in range(2, number + 1):
            say(number, step)
            await trio.sleep(1)
            results[index] *= step

    # 2. Start a task for every number.
    async with trio.open_nursery() as nursery:
        for index, number in enumerate(numbers):
            nursery.start_soon(multiply, index, number)

    # 3. Return the results in input order.
    return results


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
