"""Results at the end: run a function many times, and look when all are done.

Bare threads: nothing comes back from a thread, neither result nor error, so each has a
place to leave its result in, and a group that takes the errors. There is no bound: ten
thousand inputs are ten thousand threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..group import ThreadGroup


def results_at_end(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    results: dict[int, Result] = {}

    def job(index: int, item: Input) -> None:
        results[index] = function(item, group.stop)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    with ThreadGroup() as group:
        for index, item in enumerate(inputs):
            group.start(job, index, item)

    # 3. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
