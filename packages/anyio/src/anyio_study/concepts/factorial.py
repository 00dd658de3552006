"""Factorial: several tasks take turns.

Another task may run at every ``await``, and none runs between two of them. The backend
chooses the order of tasks that are due at the same instant: asyncio keeps the order of
starting, trio chooses at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run


async def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> list[int]:
    numbers = check(numbers, say)
    jobs: list[anyio.TaskHandle[int]] = []

    # 1. One number: say the step, pause, multiply.
    async def multiply(number: int) -> int:
        product = 1
        for step in range(2, number + 1):
            say(number, step)
            await anyio.sleep(1)
            product *= step
        return product

    # 2. Start a task for every number.
    async with anyio.create_task_group() as group:
        for number in numbers:
            jobs.append(group.start_soon(multiply, number))

    # 3. Return the results in input order.
    return [job.return_value for job in jobs]


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
