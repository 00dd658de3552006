"""generators: a worker that is cancelled drops the job that it has taken.

A cancelled ``get`` never loses an item, but here the cancellation comes after it. The
fix puts the job back before the worker ends. That ``put`` cannot be cancelled, because
the channel has no bound, so that no ``put`` waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .. import run
from ..kernel import CancelScope, Channel, Closed, Group, Wait, open_group, sleep


def operate(work: Callable[[Channel[str]], Wait[None]]) -> Wait[int]:
    """Run a worker with one job, and cancel it after 0.5 s; return the jobs left."""
    jobs: Channel[str] = Channel(math.inf)
    yield from jobs.put("letter")
    scope = CancelScope()

    def worker() -> Wait[None]:
        with scope:
            yield from work(jobs)

    def operator() -> Wait[None]:
        yield from sleep(0.5)
        scope.cancel()

    def start(group: Group) -> None:
        group.spawn(worker)
        group.spawn(operator)

    yield from open_group(start)
    jobs.close()
    left = 0
    try:
        while True:
            yield from jobs.get()
            left += 1
    except Closed:
        return left


def send(job: str, done: list[str]) -> Wait[None]:
    yield from sleep(0.1)
    done.append(job)


def broken() -> Wait[None]:
    done: list[str] = []

    def work(jobs: Channel[str]) -> Wait[None]:
        job = yield from jobs.get()
        yield from send(job, done)

    left = yield from operate(work)
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


def fixed() -> Wait[None]:
    done: list[str] = []

    def work(jobs: Channel[str]) -> Wait[None]:
        job = yield from jobs.get()
        try:
            yield from send(job, done)
        except BaseException:
            yield from jobs.put(job)
            raise

    left = yield from operate(work)
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
