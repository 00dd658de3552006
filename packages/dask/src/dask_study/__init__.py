"""Dask: functions that the workers of a cluster run.

A client submits a call to the scheduler, and gets a future. The scheduler gives the
call to a worker with a free thread, on this machine or another one. Functions,
arguments and results are pickled and copied, and a closure travels by cloudpickle. A
call whose worker dies is made again on another worker: it runs at least once. A call
that runs cannot be stopped from outside. ``Future.cancel`` only forgets it. It can be
asked to stop, by a `distributed.Event` that it looks at (``stop``). It says that it
gave up by raising `concurrent.futures.CancelledError`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from concurrency_study.topics import Result
from distributed import Client, LocalCluster

CANNOT = {
    "sharing memory with jobs": "arguments, closures and results are copies",
    "thousands at once": "every call takes a thread of a worker, so that their number "
    "is bounded; the rest wait for their turn",
    "cancelling a call within a job": "a job that runs can only be asked to stop, and "
    "a call that it makes does not look",
    "leaving no idle thread": "a scheduler in the caller's process unpickles in a "
    "thread that dask keeps for later clusters",
    "thousands in a race": "a function beyond the bound starts only when another ends",
}

MOST = 200
"""The number of threads in the workers of a cluster of our own."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that cancel a call of `run`."""

LEAVE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""A program that each worker runs first. Its caller gets Ctrl-C, and cancels."""


def run(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` with a client as the default one: the front door.

    The client is one of the cluster whose address follows ``--scheduler`` on the
    command line, or else of a cluster of processes on this machine. SIGTERM cancels the
    call. The call asks its jobs to stop then, and raises CancelledError.
    """
    with connected(), cancelled_by_signal():
        return function(*args)


@contextmanager
def connected() -> Generator[Client]:
    """Yield a client, of another cluster or of one that lives as long as the block."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--scheduler", metavar="ADDRESS")
    address = parser.parse_known_args()[0].scheduler
    if address is not None:
        with Client(address) as client:
            client.wait_for_workers(1)  # their threads are counted
            yield client
        return
    workers = min(os.cpu_count() or 1, 4)
    with (
        TemporaryDirectory() as folder,
        LocalCluster(
            n_workers=workers,
            threads_per_worker=MOST // workers,
            dashboard_address=":0",
            local_directory=folder,
            scheduler_kwargs={"local_directory": folder},
            silence_logs=logging.CRITICAL,  # errors of calls reach the client
            preload=[LEAVE_CTRL_C],
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


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


@contextmanager
def held_back() -> Generator[None]:
    """Let Ctrl-C and SIGTERM wait until the end of the block.

    A signal that raises while a call is submitted would leave a call that nothing
    waits for.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def cancel(*_: object) -> NoReturn:
    """Handle a signal: cancel what the main thread does."""
    raise CancelledError
