"""CPU-bound work: compute on all cores, and be able to stop.

The usual way is one cluster for all, and `Client.map`. But `Future.cancel` forgets a
call that runs, and the call computes on. A worker process can be killed, with all that
it does for others. So the answer starts workers of its own. Each has one thread,
because threads of one worker share a GIL. A scheduler makes the calls of a dead worker
again, up to three times. Here a call whose worker dies fails at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes
from dask import config
from distributed import Client, Future, Nanny, as_completed

from .. import local_cluster, run_apart
from ..group import call_in_worker, result

NO_REPEAT = {
    "distributed.scheduler.allowed-failures": 0,  # if a worker dies in a call
    "distributed.scheduler.no-workers-timeout": "1 s",  # if it dies with a result
    "distributed.scheduler.worker-ttl": None,  # a loop in C silences a worker
}


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)
    results: dict[int, Result] = {}
    running: dict[Future[Any], tuple[int, str]] = {}
    waiting = enumerate(inputs)

    # 1. A worker: compute for one input after the other.
    def give(worker: str) -> None:
        for index, item in islice(waiting, 1):
            call = (call_in_worker, function, item)
            future = client.submit(*call, key=f"call-{index}", workers=[worker])
            running[future] = index, worker
            ended.add(future)

    with (
        config.set(NO_REPEAT),
        local_cluster(min(workers, len(inputs)), threads=1) as cluster,
        Client(cluster) as client,
    ):
        ended = as_completed(loop=client.loop)
        try:
            for nanny in cluster.workers.values():
                give(nanny.worker_address)
            for future in ended:
                index, worker = running.pop(future)
                results[index] = result(future)
                give(worker)

        # 2. Stop a worker in the middle of its computation.
        # 3. Run the workers side by side; the first error stops the rest.
        finally:
            for nanny in cluster.workers.values():
                cluster.sync(stop, nanny)

    # 4. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


async def stop(nanny: Nanny) -> None:
    if nanny.pid is not None:
        os.kill(nanny.pid, signal.SIGKILL)
    await nanny.close()  # before it starts the process again


if __name__ == "__main__":
    print(run_apart(cpu, primes, *EXAMPLE))
