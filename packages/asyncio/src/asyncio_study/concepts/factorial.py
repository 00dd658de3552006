"""Factorial: several tasks take turns.

Another task may run at every ``await``, and none runs between two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run
from ..groups import start


async def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> list[int]:
    numbers = check(numbers, say)

    # 1. One number: say the step, pause, multiply.
    async def multiply(number: int) -> int:
        product = 1
        for step in range(2, number + 1):
            say(number, step)
            await asyncio.sleep(1)
            product *= step
        return product

    # 2. Start a task for every number.
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, multiply(number)) for number in numbers]

    # 3. Return the results in input order.
    return [job.result() for job in jobs]


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
