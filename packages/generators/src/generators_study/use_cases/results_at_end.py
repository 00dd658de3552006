"""Results at the end: run a function many times, and look when all are done.

A group waits for all, and cancels the rest at the first error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import run
from ..kernel import Wait, open_group, sleep


def results_at_end(
    function: Callable[[Input], Wait[Result]],
    inputs: Iterable[Input],
) -> Wait[list[Result]]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    jobs = yield from open_group(
        lambda group: [group.spawn(function, item) for item in inputs]
    )

    # 3. Return the results in input order.
    return [job.result for job in jobs]


def snooze(seconds: float) -> Wait[str]:
    yield from sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
