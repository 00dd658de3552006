"""Factorial: several tasks take turns.

Another thread may run between any two instructions, not only where this thread waits.
The lock keeps two threads from calling ``say`` at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from concurrency_study.topics.factorial import EXAMPLE, check

from .. import run
from ..group import ThreadGroup


def factorial(
    numbers: Iterable[int],
    say: Callable[[int, int], object],
) -> list[int]:
    numbers = check(numbers, say)
    products = [1] * len(numbers)
    speaking = threading.Lock()

    # 1. One number: say the step, pause, multiply.
    def multiply(index: int, number: int) -> None:
        for step in range(2, number + 1):
            with speaking:
                say(number, step)
            if group.stop.wait(1):
                return
            products[index] *= step

    # 2. Start a task for every number.
    with ThreadGroup() as group:
        for index, number in enumerate(numbers):
            group.start(multiply, index, number)

    # 3. Return the results in input order.
    return products


if __name__ == "__main__":
    print(run(factorial, EXAMPLE, print))
