"""CPU-bound work: compute on all cores, and be able to stop.

The usual way is one cluster for all, and `Client.map`. But `Future.cancel` forgets a
call that runs, and the call computes on. A worker process can be killed, with all that
it does for others. So the answer starts workers of its own. Each has one thread,
because threads of one worker share a GIL. A scheduler that knows of no better makes the
calls of a dead worker again, so ours is told to give them up.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import islice
from typing import Any

import dask
from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes
from distributed import Client, Future, LocalCluster, Nanny, as_completed

from .. import cancelled_by_signal, local_cluster
from ..group import call_in_worker, result

NO_REPEAT = {
    "distributed.scheduler.allowed-failures": 0,  # a dead worker may be the fault
    "distributed.scheduler.no-workers-timeout": "1 s",  # of a call, or of its result
    "distributed.scheduler.worker-ttl": None,  # a loop in C may keep a worker silent
}


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)
    results: dict[int, Result] = {}
    waiting = enumerate(inputs)
    running: dict[Future[Any], tuple[int, str]] = {}

    # 1. A worker: compute for one input after the other.
    def give(worker: str) -> None:
        for index, item in islice(waiting, 1):
            call = client.submit(
                *(call_in_worker, function, item),
                key=f"call-{index}",
                workers=[worker],
            )
            running[call] = index, worker
            ended.add(call)

    # 3. Run the workers side by side; the first error stops the rest.
    with computers(min(workers, len(inputs))) as client:
        ended = as_completed()
        for worker in client.nthreads():
            give(worker)
        for call in ended:
            index, worker = running.pop(call)
            results[index] = result(call)
            give(worker)

    # 4. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


@contextmanager
def computers(count: int) -> Generator[Any]:
    with (
        dask.config.set(NO_REPEAT),
        local_cluster(count, threads=1) as cluster,
        Client(cluster) as client,
    ):
        try:
            yield client

        # 2. Stop a worker in the middle of its computation.
        finally:
            cluster.sync(stop, cluster)


async def stop(cluster: LocalCluster) -> None:
    async def kill(worker: Nanny) -> None:
        if worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
        await worker.close()  # before it notices, and starts the process again

    await asyncio.gather(*map(kill, cluster.workers.values()))


if __name__ == "__main__":
    with cancelled_by_signal():
        print(cpu(primes, *EXAMPLE))
