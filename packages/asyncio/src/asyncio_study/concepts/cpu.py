"""CPU-bound work: compute on all cores, and be able to stop.

`loop.run_in_executor` with a `ProcessPoolExecutor` computes as well, but cannot stop: a
call that runs is not cancelled, and only from Python 3.14 on has the pool a public way
to kill its workers. So each worker here is a process of its own, with a pipe that the
loop watches. "spawn" starts a fresh interpreter. A fork would copy the loop, and locks
of threads in the middle of what they do.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from concurrency_study.topics import Input, Result, Unrequested
from concurrency_study.topics.cpu import EXAMPLE, WorkerDied, check, primes, serve
from concurrency_study.topics.signals import start

from .. import run


async def cpu(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    workers: int,
) -> list[Result]:
    inputs = check(function, inputs, workers)
    results: dict[int, Result] = {}
    waiting = enumerate(inputs)
    spawn = multiprocessing.get_context("spawn")

    # 1. A worker: compute for one input after the other.
    async def worker() -> None:
        pipe, theirs = spawn.Pipe()
        process = spawn.Process(target=serve, args=(function, theirs))
        with pipe, theirs:
            try:
                start(process)
                theirs.close()  # the pipe is to end when the process does
                for index, item in waiting:
                    results[index] = await call(process, pipe, item)

            # 2. Stop a worker in the middle of its computation.
            finally:
                if process.pid is not None:  # it has started
                    stop(process)
                process.close()

    # 3. Run the workers side by side; the first error stops the rest.
    async with asyncio.TaskGroup() as group:
        for _ in range(min(workers, len(inputs))):
            group.create_task(worker())

    # 4. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


async def call(process: BaseProcess, pipe: Connection, item: Any) -> Any:
    try:
        pipe.send(item)
        await readable(pipe)
        result, error = pipe.recv()
    except (EOFError, OSError):
        stop(process)
        raise WorkerDied(process.exitcode) from None
    if isinstance(error, asyncio.CancelledError):  # a group would swallow it
        raise Unrequested from error
    if error is not None:
        raise error
    return result


async def readable(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(pipe.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(pipe.fileno())


def stop(process: BaseProcess) -> None:
    process.kill()
    process.join()  # at once: SIGKILL cannot be put off


if __name__ == "__main__":
    print(run(cpu, primes, *EXAMPLE))
