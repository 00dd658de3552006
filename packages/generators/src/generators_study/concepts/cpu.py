"""CPU-bound work: compute on all cores, and be able to stop.

Generators take turns in one thread, on one core. A call that computes does not yield,
so nothing else runs until it ends. Between two calls a checkpoint lets other tasks run,
and a cancellation arrive. Generators cannot compute elsewhere: that needs processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, check, primes

from .. import run
from ..kernel import Wait, checkpoint

CANNOT = {
    "computing at once": "all tasks share one thread",
    "stopping a computation": "a cancellation arrives where a task waits, and a "
    "computation does not wait",
    "surviving a crash": "the calls run in the caller's own process",
}


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> Wait[list[Result]]:
    inputs = check(function, inputs, workers)
    results: list[Result] = []

    # 1. A worker: compute for one input after the other.
    for item in inputs:
        yield from checkpoint()
        results.append(function(item))

    # 4. Return the results in input order.
    return results


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
