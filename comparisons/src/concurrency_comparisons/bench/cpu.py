"""CPU-bound work with 1, 2 and 4 workers in every study, beside threads.

``nox -s cpu`` runs this module. Every study does the same work in an environment of its
own. The studies and the numbers of workers take turns in each round, in random order.
So a machine that is busy for a while slows all of them alike. The fastest round counts,
because other programs can make a call only slower.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

FILE = "comparisons/cpu.json"

Seconds = Mapping[str, Mapping[str, float]]
"""The seconds of the work, by study and number of workers."""


@dataclass(frozen=True)
class Measured:
    """The seconds of every study, and how they were measured."""

    about: Mapping[str, Any]
    seconds: Seconds

    @property
    def titles(self) -> list[str]:
        """The titles of the columns."""
        return [f"{workers} worker{'s' * (workers > 1)}" for workers in WORKERS]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The cells of each study, as in: 2.51 s, 1.96 ×."""
        study, workers = REFERENCE
        base = self.seconds[study][f"{workers}"]
        return [
            (name, [f"{s:.2f} s, {base / s:.2f} ×" for s in taken.values()])
            for name, taken in self.seconds.items()
        ]


def read(root: Path) -> Measured | None:
    """Return what was measured of a checkout, or None if nothing was."""
    path = root / FILE
    return Measured(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    The status is 1 if a call failed, or if two processes are not `GAIN` times as fast
    as two threads although there are two cores.
    """
    parser = argparse.ArgumentParser(prog="nox -s cpu --", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures")
    parser.add_argument("--python", default=sys.executable, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    try:
        tree = Tree.above(Path.cwd())
        entries = tree.entries.items()
        studies = [name for name, entry in entries if TOPIC not in entry.leaves_out]
        wanted = [
            Contestant(f"study-{name}", WORKER, needs=(f"./packages/{name}",))
            for name in studies
        ]
        made = environments.prepare(tree.root, wanted, asked.python)
        pythons = {name.removeprefix("study-"): path for name, path in made.items()}
        seconds = measured(pythons, asked.rounds)
    except (NotFound, environments.NotMade, subprocess.CalledProcessError) as error:
        print(f"cpu: {error}", getattr(error, "stderr", ""), file=sys.stderr)
        return 1
    about = {
        "when": f"{datetime.date.today()}",
        "python": _version(pythons["threads"]),
        "rounds": asked.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "calls": CALLS,
        "limit": LIMIT,
    }
    found = Measured(about, {study: seconds[study] for study in studies})
    show(found)
    if asked.json:
        asked.json.write_text(f"{json.dumps(asdict(found), indent=1)}\n", "utf-8")
    return verdict(found)


def measured(pythons: Mapping[str, str], rounds: int) -> Seconds:
    """Return the seconds of the fastest round, by study and number of workers."""
    best: dict[str, dict[str, float]] = {
        study: dict.fromkeys(map(str, WORKERS), math.inf) for study in pythons
    }
    cases = [(study, f"{workers}") for study in pythons for workers in WORKERS]
    limits = [f"{LIMIT}"] * CALLS
    for number in range(1, rounds + 1):
        begin = time.monotonic()
        for study, workers in random.sample(cases, len(cases)):
            seconds = float(
                _printed(pythons[study], "-I", f"{WORKER}", workers, *limits)
            )
            best[study][workers] = min(seconds, best[study][workers])
        spent = time.monotonic() - begin
        print(f"round {number} of {rounds}: {spent:.0f} s", file=sys.stderr)
    return best


def _version(python: str) -> str:
    code = "import platform; print(platform.python_version())"
    return _printed(python, "-c", code).strip()


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def show(found: Measured) -> None:
    """Print the table: seconds, and how many times as fast as the reference."""
    calls = f"{CALLS} calls that count primes below {LIMIT:,}"
    table = Table(title=calls, caption=f"times as fast as {REFERENCE[0]} with 1 worker")
    table.add_column("study")
    for title in found.titles:
        table.add_column(title, justify="right")
    for study, cells in found.rows:
        table.add_row(study, *cells)
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


def verdict(found: Measured) -> int:
    """Say what two processes gain over two threads; return the exit status."""
    gain = found.seconds["threads"]["2"] / found.seconds["processes"]["2"]
    print(f"Two processes are {gain:.2f} times as fast as two threads.")
    if found.about["cores"] < 2:
        print("This machine gives them one core only.")
        return 0
    if gain < GAIN:
        print(f"That is less than {GAIN}; are the other cores busy?", file=sys.stderr)
    return int(gain < GAIN)


if __name__ == "__main__":
    sys.exit(main())
