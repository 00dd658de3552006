"""Threads: a worker that is asked to stop drops the job that it has taken.

A thread cannot be stopped from outside. The worker itself gives up, when it looks at
``stop`` in the middle of a job. By then the job has left the queue. The fix puts
it back before the worker ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Queue
from threading import Event, Thread

from .. import run


def operate(worker: Callable[[], object], stop: Event) -> None:
    """Run the worker in a thread, and an operator who stops it after 0.5 s."""

    def operator() -> None:
        time.sleep(0.5)
        stop.set()

    threads = [
        Thread(target=worker, name="worker"),
        Thread(target=operator, name="operator"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def broken() -> None:
    jobs: Queue[str] = Queue()
    jobs.put("letter")
    done: list[str] = []
    stop = Event()

    def worker() -> None:
        job = jobs.get()
        if stop.wait(0.1):  # the job takes 0.1 s
            return
        done.append(job)

    operate(worker, stop)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


def fixed() -> None:
    jobs: Queue[str] = Queue()
    jobs.put("letter")
    done: list[str] = []
    stop = Event()

    def worker() -> None:
        job = jobs.get()
        if stop.wait(0.1):  # the job takes 0.1 s
            jobs.put(job)
            return
        done.append(job)

    operate(worker, stop)
    left = jobs.qsize()
    assert len(done) + left == 1, f"1 job, but {len(done)} done and {left} left"


if __name__ == "__main__":
    run(fixed)
