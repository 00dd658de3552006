"""Results as we go: hand over each result the instant it is ready.

A channel without a buffer carries the results to the caller, in order of completion.
The group cancels the rest at the first error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run
from ..kernel import Channel, Group, Wait, open_group, sleep


def results_as_we_go(
    function: Callable[[Input], Wait[Result]],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> Wait[None]:
    inputs = check(function, inputs, handle)
    results: Channel[Result] = Channel()

    # 1. A job puts its result in line when it ends.
    def job(item: Input) -> Wait[None]:
        yield from results.put((yield from function(item)))

    def body(group: Group) -> Wait[None]:
        # 2. Start a job for every input.
        for item in inputs:
            group.spawn(job, item)

        # 3. Hand over each result as it comes.
        for _ in inputs:
            handle((yield from results.get()))

    # 4. The first error stops the rest.
    yield from open_group(body)


def snooze(seconds: float) -> Wait[str]:
    yield from sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
