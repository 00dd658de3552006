"""gevent: a worker that is killed drops the job that it has taken.

The job has left the queue, and it is not done. The fix puts it back before the worker
ends. It catches BaseException, because neither GreenletExit nor Timeout is an
Exception.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.pool import Group
from gevent.queue import Queue

from .. import run


def operate(worker: Callable[[], object]) -> None:
    """Run the worker, and an operator who kills it after 0.5 s."""

    def operator() -> None:
        gevent.sleep(0.5)
        first.kill()

    group = Group()
    first = group.spawn(worker)
    group.spawn(operator)
    group.join(raise_error=True)


def send(job: str, done: list[str]) -> None:
    gevent.sleep(0.1)
    done.append(job)


def broken() -> None:
    jobs: Queue[str] = Queue(items=["letter"])
    done: list[str] = []

    def worker() -> None:
        job = jobs.get()
        send(job, done)

    operate(worker)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


def fixed() -> None:
    jobs: Queue[str] = Queue(items=["letter"])
    done: list[str] = []

    def worker() -> None:
        job = jobs.get()
        try:
            send(job, done)
        except BaseException:
            jobs.put(job)
            raise

    operate(worker)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
