"""Results as we go: hand over each result the instant it is ready.

A memory channel without a buffer carries the results to the caller, in order of
completion. A job ends when its result has been taken. The caller knows how many results
come, so the channel is not closed: closing it would only signal the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import trio
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run
from ..requested import requested


async def results_as_we_go(
    function: Callable[[Input], Awaitable[Result]],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)
    outlet, results = trio.open_memory_channel[Result](0)

    # 1. A job puts its result in line when it ends.
    async def job(item: Input) -> None:
        await outlet.send(await requested(function, item))

    async with trio.open_nursery() as nursery:
        # 2. Start a job for every input.
        for item in inputs:
            nursery.start_soon(job, item)

        # 3. Hand over each result as it comes.
        for _ in inputs:
            handle(await results.receive())


async def snooze(seconds: float) -> str:
    await trio.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
