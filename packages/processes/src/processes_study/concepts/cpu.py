"""CPU-bound work: compute on all cores, and be able to stop.

Each worker has a GIL of its own, and a core if one is free. The `Pool` of this study
notices that a worker has died, and raises `WorkerDied`. A computation has nothing to
clean up, so the workers are killed. That also stops a loop in C, where the handler of
SIGTERM has to wait for the end of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes

from .. import run
from ..pool import Pool


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)

    # 1. A worker: compute for one input after the other.
    with Pool(workers) as pool:
        calls = [pool.submit(function, item) for item in inputs]
        try:
            for call in pool.as_ended():
                call.result()

        # 2. Stop a worker in the middle of its computation.
        # 3. Run the workers side by side; the first error stops the rest.
        except BaseException:
            pool.kill()
            raise

    # 4. Return the results in input order.
    return [call.result() for call in calls]


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
