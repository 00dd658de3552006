"""CPU-bound work: compute on all cores, and be able to stop.

gevent's own pool of threads is for calls that block. It does not help a computation,
because its threads share one GIL. So a worker is a process with a pipe, and `wait_read`
lets the other greenlets run until the pipe has the result. "spawn" starts a fresh
interpreter. A fork would copy the hub, with its loop and its threads.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from concurrency_study.topics import Input, Result
from concurrency_study.topics.cpu import EXAMPLE, WorkerDied, check, primes, serve
from concurrency_study.topics.signals import start
from gevent.socket import wait_read

from .. import run
from ..group import GreenletGroup


def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)
    results: dict[int, Result] = {}
    waiting = enumerate(inputs)
    spawn = multiprocessing.get_context("spawn")

    # 1. A worker: compute for one input after the other.
    def worker() -> None:
        pipe, theirs = spawn.Pipe()
        process = spawn.Process(target=serve, args=(function, theirs))
        with pipe, theirs:
            try:
                start(process)
                theirs.close()  # the pipe is to end when the process does
                for index, item in waiting:
                    results[index] = call(process, pipe, item)

            # 2. Stop a worker in the middle of its computation.
            finally:
                if process.pid is not None:  # it has started
                    stop(process)
                process.close()

    # 3. Run the workers side by side; the first error stops the rest.
    with GreenletGroup() as group:
        for _ in range(min(workers, len(inputs))):
            group.spawn(worker)

    # 4. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


def call(process: BaseProcess, pipe: Connection, item: Any) -> Any:
    try:
        pipe.send(item)
        wait_read(pipe.fileno())
        result, error = pipe.recv()
    except (EOFError, OSError):
        stop(process)
        raise WorkerDied(process.exitcode) from None
    if error is not None:
        raise error
    return result


def stop(process: BaseProcess) -> None:
    process.kill()
    process.join()  # at once: SIGKILL cannot be put off


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
