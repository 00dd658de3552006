"""CPU-bound work with 1, 2 and 4 workers in every study, beside threads.

``nox -s cpu`` runs this module. Every study does the same work in an environment of its
own. The studies and the numbers of workers take turns in each round, in random order.
So a machine that is busy for a while slows all of them alike. The fastest round counts,
because other programs can make a call only slower.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..answers import NotFound, Tree
from . import environments
from .contestants import Contestant

WORKER = Path(__file__).with_name("cpu_worker.py")
TOPIC = "cpu"
WORKERS = (1, 2, 4)
LIMIT = 160_000
"""The limit below which a call counts primes, which takes some 0.4 s."""
CALLS = 8
REFERENCE = ("threads", 1)
"""The study and the number of workers that the ratios refer to."""
GAIN = 1.7
"""The least speed of two processes on two cores, where two threads have 1."""

Seconds = Mapping[tuple[str, int], float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    The status is 1 if a call failed, or if two processes are not `GAIN` times as fast
    as two threads although there are two cores.
    """
    parser = argparse.ArgumentParser(prog="nox -s cpu --", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--python", default=sys.executable, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    try:
        tree = Tree.above(Path.cwd())
        wanted = [
            Contestant(f"study-{name}", WORKER, needs=(f"./packages/{name}",))
            for name, entry in tree.entries.items()
            if TOPIC not in entry.leaves_out
        ]
        made = environments.prepare(tree.root, wanted, asked.python)
        pythons = {name.removeprefix("study-"): path for name, path in made.items()}
        seconds = measured(pythons, asked.rounds)
    except (NotFound, environments.NotMade, subprocess.CalledProcessError) as error:
        print(f"cpu: {error}", getattr(error, "stderr", ""), file=sys.stderr)
        return 1
    show([name for name in tree.entries if name in pythons], seconds)
    return verdict(seconds, len(os.sched_getaffinity(0)))


def measured(pythons: Mapping[str, str], rounds: int) -> Seconds:
    """Return the seconds of the fastest round, by study and number of workers."""
    best: dict[tuple[str, int], float] = {}
    cases = [(study, workers) for study in pythons for workers in WORKERS]
    limits = [f"{LIMIT}"] * CALLS
    for number in range(1, rounds + 1):
        begin = time.monotonic()
        for study, workers in random.sample(cases, len(cases)):
            done = subprocess.run(
                [pythons[study], "-I", WORKER, f"{workers}", *limits],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds = float(done.stdout)
            best[study, workers] = min(seconds, best.get((study, workers), seconds))
        spent = time.monotonic() - begin
        print(f"round {number} of {rounds}: {spent:.0f} s", file=sys.stderr)
    return best


def show(studies: Sequence[str], seconds: Seconds) -> None:
    """Print the table: seconds, and how many times as fast as the reference."""
    title = f"{CALLS} calls that count primes below {LIMIT:,}"
    table = Table(title=title, caption=f"times as fast as {REFERENCE[0]} with 1 worker")
    table.add_column("study")
    for workers in WORKERS:
        table.add_column(f"{workers} worker{'s' * (workers > 1)}", justify="right")
    for study in studies:
        taken = [seconds[study, workers] for workers in WORKERS]
        cells = [f"{seconds[REFERENCE] / each:.2f} × ({each:.2f} s)" for each in taken]
        table.add_row(study, *cells)
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


def verdict(seconds: Seconds, cores: int) -> int:
    """Say what two processes gain over two threads; return the exit status."""
    if not {("threads", 2), ("processes", 2)} <= {*seconds}:
        return 0
    gain = seconds["threads", 2] / seconds["processes", 2]
    print(f"Two processes are {gain:.2f} times as fast as two threads.")
    if cores < 2:
        print("This machine gives them one core only.")
        return 0
    if gain < GAIN:
        print(f"That is less than {GAIN}; are the other cores busy?", file=sys.stderr)
    return int(gain < GAIN)


if __name__ == "__main__":
    sys.exit(main())
