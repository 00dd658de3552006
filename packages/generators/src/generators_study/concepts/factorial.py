"""Factorial: several tasks take turns.

Another task may run at every ``yield``, and none runs between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run
from ..kernel import Wait, open_group, sleep


def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> Wait[list[int]]:
    numbers = check(numbers, say)

    # 1. One number: say the step, pause, multiply.
    def multiply(number: int) -> Wait[int]:
        product = 1
        for step in range(2, number + 1):
            say(number, step)
            yield from sleep(1)
            product *= step
        return product

    # 2. Start a task for every number.
    jobs = yield from open_group(
        lambda group: [group.spawn(multiply, number) for number in numbers]
    )

    # 3. Return the results in input order.
    return [job.result for job in jobs]


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
