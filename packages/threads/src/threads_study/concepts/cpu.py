"""CPU-bound work: compute on all cores, and be able to stop.

The usual pool of threads, and the wrong tool: under the GIL one thread at a time runs
Python code, so two workers take as long as one. A build of CPython without the GIL
(free-threaded, 3.13t and later) computes in all of them at once, with this same code.
Threads also help if the function is in C and releases the GIL, as in zlib and NumPy. A
thread cannot be stopped: after an error the calls that run compute to their end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes

from .. import MOST, run
from ..group import Pool

CANNOT = {
    "computing at once": "one thread at a time holds the GIL; a free-threaded build "
    "of CPython has none, and can",
    "stopping a computation": "a running thread cannot be stopped, and a computation "
    "does not look at an event",
    "surviving a crash": "threads share one process, which ends as a whole",
}


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)

    # 1. A worker: compute for one input after the other.
    # 3. Run the workers side by side; the first error stops the rest.
    with Pool(min(workers, len(inputs), MOST) or 1) as pool:
        calls = [pool.submit(function, item) for item in inputs]

    # 4. Return the results in input order.
    return [call.result() for call in calls]


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
