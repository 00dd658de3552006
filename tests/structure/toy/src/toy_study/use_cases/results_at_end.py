"""Results at the end: run a function many times, and look when all are done.

`together` waits for all calls, and cancels the rest at the first error. It returns the
results in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..scheduler import sleep, together


async def results_at_end(
    function: Callable[[Input], Coroutine[Any, Any, Result]],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    # 3. Return the results in input order.
    return await together(*[partial(function, item) for item in inputs])


async def snooze(seconds: float) -> str:
    await sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
