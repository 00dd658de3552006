"""CPU-bound work: compute on all cores, and be able to stop.

`anyio.to_process.run_sync` makes the call in a worker process, and kills the process of
a ``cancellable`` call that is cancelled. Its own limit is the number of cores, so the
answer brings a limiter. A worker that dies raises `BrokenWorkerProcess`. AnyIO keeps
idle workers for later calls, until its loop ends. A cancellation while it starts a
worker would leave that process behind, and Ctrl-C would end the worker in its imports.
So first calls start all workers, shielded and with Ctrl-C held back. A worker loads the
file of the main module by its path, where a relative import fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anyio
import anyio.to_process
from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes
from concurrency_study.topics.signals import held_back, leave_ctrl_c

from anyio_study import run

CANNOT = {
    "showing where an error was raised": "the worker pickles an error, which loses its "
    "traceback",
    "leaving no idle process": "AnyIO keeps its idle workers until the loop ends, and "
    "has no call that ends them",
}


async def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)
    results: list[Any] = [None] * len(inputs)
    waiting = enumerate(inputs)
    processes = anyio.CapacityLimiter(workers)

    # 1. A worker: compute for one input after the other.
    # 2. Stop a worker in the middle of its computation.
    async def worker() -> None:
        for index, item in waiting:
            results[index] = await anyio.to_process.run_sync(
                function, item, cancellable=True, limiter=processes
            )

    # 3. Run the workers side by side; the first error stops the rest.
    count = min(workers, len(inputs))
    with held_back(), anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(begin_worker, processes)
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(worker)

    # 4. Return the results in input order.
    return results


async def begin_worker(processes: anyio.CapacityLimiter) -> None:
    await anyio.to_process.run_sync(leave_ctrl_c, limiter=processes)


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
