"""Measure pools of two workers: threads, processes of each start method, and dask.

``python -m concurrency_comparisons.bench.pools [--json PATH]``, or ``nox -s pools``.
The pools take turns, so that what disturbs the machine disturbs them all. A figure is
the median of the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from concurrency_study.topics.cpu import primes

from ..figures import microseconds

WORKERS = 2
ROUNDS = 5
CALLS = 200
"""Calls of one round that are made one after the other."""
MEGABYTES = 16

FILE = "comparisons/pools.json"

COLUMNS = {
    "start": "Start the pool, until each worker has slept for 10 ms",
    "call": "A call, alone",
    "hundred": "A call, of 100 at once",
    "many": "A call, of 10,000 at once",
    "compute": "Count the primes below 100,000, four times",
    "bytes": f"Send {MEGABYTES} MB to a worker and back",
}
"""The titles of the figures, all of which are seconds."""


Opened = tuple[Executor, Callable[[bytes], object]]
"""A pool, and a function that sends bytes to a worker and back."""


@contextmanager
def _threads() -> Generator[Opened]:
    with ThreadPoolExecutor(WORKERS) as pool:
        yield pool, lambda block: pool.submit(same, block).result()


@contextmanager
def _processes(method: str) -> Generator[Opened]:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        yield pool, lambda block: pool.submit(same, block).result()


@contextmanager
def _dask() -> Generator[Opened]:
    distributed: Any = importlib.import_module("distributed")
    cluster = distributed.LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0"
    )
    with cluster, distributed.Client(cluster) as client:

        def send(block: bytes) -> object:
            # As an argument of a call it would pass through the scheduler.
            there = client.scatter(block)
            return client.submit(same, there, pure=False).result()

        yield client.get_executor(pure=False), send


POOLS: dict[str, Callable[[], Any]] = {
    "threads": _threads,
    "processes by fork": lambda: _processes("fork"),
    "processes by forkserver": lambda: _processes("forkserver"),
    "processes by spawn": lambda: _processes("spawn"),
    "dask": _dask,
}
"""The pools, and a block in which each is open. The first one is the reference."""


def same(value: Any) -> Any:
    """Return the value: the call that is made."""
    return value


def nap(seconds: float) -> None:
    """Keep a worker busy, so that the next call gets another one."""
    time.sleep(seconds)


def measure(open_pool: Callable[[], Any]) -> dict[str, float]:
    """Return the seconds of each column, of one round."""
    begin = time.perf_counter()
    with open_pool() as (pool, send):
        wait([pool.submit(nap, 0.01) for _ in range(WORKERS)])
        found = {"start": time.perf_counter() - begin}

        def timed(name: str, count: int, work: Callable[[], object]) -> None:
            begin = time.perf_counter()
            work()
            found[name] = (time.perf_counter() - begin) / count

        def at_once(count: int) -> list[object]:
            return list(pool.map(same, range(count)))

        pool.submit(same, 0).result()
        one_by_one = [lambda: pool.submit(same, 0).result()] * CALLS
        timed("call", CALLS, lambda: [call() for call in one_by_one])
        timed("hundred", 100, lambda: at_once(100))
        timed("many", 10_000, lambda: at_once(10_000))
        timed("compute", 1, lambda: list(pool.map(primes, [100_000] * 4)))
        block = os.urandom(MEGABYTES * 1_000_000)
        timed("bytes", 1, lambda: send(block))
    return found


def read(root: Path) -> dict[str, Any] | None:
    """Return the figures of a checkout, or None if nothing was measured."""
    path = root / FILE
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all pools, print a table and return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s pools --", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="5 by default")
    asked = parser.parse_args(arguments)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in POOLS}
    for number in range(asked.rounds):
        for name, open_pool in POOLS.items():
            print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
            rounds[name].append(measure(open_pool))
    figures = {
        name: {column: median(each[column] for each in done) for column in COLUMNS}
        for name, done in rounds.items()
    }
    for column, title in COLUMNS.items():
        print(title)
        for name, found in figures.items():
            ratio = found[column] / figures[next(iter(POOLS))][column]
            print(f"  {name:<26}{microseconds(found[column]):>10}{ratio:>10.2g} x")
    if asked.json:
        about = {
            "when": f"{datetime.date.today()}",
            "python": platform.python_version(),
            "distributed": version("distributed"),
            "rounds": asked.rounds,
            "cores": os.cpu_count(),
            "columns": COLUMNS,
        }
        text = json.dumps({"about": about, "figures": figures}, indent=1)
        asked.json.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
