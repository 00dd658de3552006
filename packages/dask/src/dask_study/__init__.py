"""Dask: functions that the workers of a cluster run.

A client submits a call to the scheduler, and gets a future. The scheduler gives the
call to a worker with a free thread, on this machine or another one. Functions,
arguments and results are pickled and copied, and a closure travels by cloudpickle. Only
a result that another call on the same worker takes as input is not copied. A call whose
worker dies is made again on another worker: it runs at least once. A call that runs
cannot be stopped from outside. ``Future.cancel`` only forgets it. It can be asked to
stop, by a `distributed.Event` that it looks at (``stop``). It says that it gave up by
raising `concurrent.futures.CancelledError`.

The workers of a `LocalCluster` start by ``spawn``, and import the main module. So the
code that starts it needs the guard ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from concurrency_study.topics import Result
from concurrency_study.topics.signals import held_back
from dask import config
from distributed import Client, LocalCluster

CANNOT = {
    "sharing memory with jobs": "arguments, closures and results are copies",
    "thousands at once": "every call takes a thread of a worker, so that their number "
    "is bounded; the rest wait for their turn",
    "cancelling a call within a job": "a job that runs can only be asked to stop, and "
    "an answer that it calls does not look; called by the main program, it is "
    "cancelled",
    "leaving no idle thread": "a scheduler in the caller's process unpickles in a "
    "thread that dask keeps for later clusters",
    "thousands in a race": "a function beyond the bound starts only when another ends",
}

MOST = 200
"""The number of threads in the workers of a cluster of our own."""

BEGIN_WORKER = """
import os, signal
os.setpgrp()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
"""
"""A program that each worker runs first: it leaves the process group of its caller.

So Ctrl-C and the SIGTERM of `timeout` reach the caller only, which cancels. What has
come before is ignored. It is text, as a worker of a pasted answer has no function of
this package.
"""

OWN_CLUSTER = {
    "distributed.deploy.lost-worker-timeout": "24 h",
    "distributed.scheduler.no-workers-timeout": "60 s",
}
"""Settings of a cluster of our own, in which a worker that dies starts again.

By default, LocalCluster looks at a worker 15 s after its death, and gives it up if it
is starting then, as one does that has died again. If all workers have been given up,
calls wait for ever.
"""

ABOUT_SCHEDULER = "such as tcp://10.0.0.1:8786; by default a cluster starts here"

FIRST_WORKER = 30.0
"""Seconds in which the first worker of another cluster has to come."""


def run(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` with a client as the default one: the front door.

    The client is one of the cluster whose address follows ``--scheduler`` on the
    command line, or else of a cluster of processes on this machine. SIGTERM cancels the
    call. The call asks its jobs to stop then, and raises CancelledError.
    """
    with cancelled_by_signal(), connected():
        return function(*args)


def run_apart(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function that starts workers of its own; SIGTERM cancels it as in `run`.

    Raises:
        SystemExit: There is ``--scheduler`` on the command line.
    """
    parser = options(argparse.SUPPRESS)
    if parser.parse_known_args()[0].scheduler is not None:
        parser.error("this answer starts workers of its own, so that it may kill them")
    with cancelled_by_signal():
        return function(*args)


def options(about_scheduler: str = ABOUT_SCHEDULER) -> argparse.ArgumentParser:
    """Return the parser of the options that `run` knows."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--scheduler", metavar="ADDRESS", help=about_scheduler)
    return parser


@contextmanager
def connected() -> Generator[Client]:
    """Yield a client, of another cluster or of one that lives as long as the block.

    Raises:
        TimeoutError: The other cluster has no worker.
    """
    address = options().parse_known_args()[0].scheduler
    if address is not None:
        with Client(address) as client:
            try:
                client.wait_for_workers(1, FIRST_WORKER)  # their threads are counted
            except TimeoutError:
                why = f"{address} has no worker; an adaptive cluster needs a minimum"
                raise TimeoutError(why) from None
            yield client
        return
    workers = min(os.cpu_count() or 1, 4)
    with (
        config.set(OWN_CLUSTER),
        local_cluster(workers, threads=MOST // workers) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def local_cluster(workers: int, threads: int) -> Generator[LocalCluster]:
    """Yield a cluster on this machine, of processes with a number of threads each.

    Ctrl-C and SIGTERM wait until it has started, and while it closes.
    """
    stack = ExitStack()
    try:
        with held_back(spawns=True):
            folder = stack.enter_context(TemporaryDirectory())
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=threads,
                dashboard_address=":0",
                local_directory=folder,
                scheduler_kwargs={"local_directory": folder, "dashboard": False},
                silence_logs=logging.CRITICAL,  # errors of calls reach the client
                preload=[BEGIN_WORKER],
            )
            stack.push(cluster)
        yield cluster
    finally:
        with held_back():  # or its workers and its folder might be left
            stack.close()


@contextmanager
def cancelled_by_signal() -> Generator[None]:
    """Let SIGTERM cancel the block, if it runs in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    before = signal.signal(signal.SIGTERM, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def cancel(*_: object) -> NoReturn:
    """Handle a signal: cancel what the main thread does."""
    raise CancelledError
