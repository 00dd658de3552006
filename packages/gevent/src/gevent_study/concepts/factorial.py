"""Factorial: several tasks take turns.

Another greenlet may run at every call that waits. The text of the caller does not show
which calls wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run
from ..group import GreenletGroup


def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> list[int]:
    numbers = check(numbers, say)

    # 1. One number: say the step, pause, multiply.
    def multiply(number: int) -> int:
        product = 1
        for step in range(2, number + 1):
            say(number, step)
            gevent.sleep(1)
            product *= step
        return product

    # 2. Start a task for every number.
    with GreenletGroup() as group:
        jobs = [group.spawn(multiply, number) for number in numbers]

    # 3. Return the results in input order.
    return [job.get() for job in jobs]


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
