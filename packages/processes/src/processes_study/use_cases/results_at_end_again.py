"""Results at the end: run a function many times, and look when all are done.

A call whose process has died is made again, in another process. So each call is made
at least once, and part of it perhaps twice. That is right for calls that may be
repeated. A call that kills its process each time gets `TIMES` attempts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..pool import Call, Pool, WorkerDied

TIMES = 3
"""The number of processes that a call may cost."""


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    calls: dict[Call[Result], int] = {}
    results: dict[int, Result] = {}
    attempts = [0] * len(inputs)

    # 1. Start a job for every input.
    def start(index: int) -> None:
        attempts[index] += 1
        calls[pool.submit(function, inputs[index])] = index

    with Pool(len(inputs)) as pool:
        for index in range(len(inputs)):
            start(index)

        # 2. Wait for all; the first error stops the rest.
        for call in pool.as_ended():
            index = calls.pop(call)
            if isinstance(call.error, WorkerDied) and attempts[index] < TIMES:
                start(index)
            else:
                results[index] = call.result()

    # 3. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
