"""Run the bench. ``nox -s bench`` runs this module with ``python -m``."""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from ..answers import NotFound, Tree
from . import environments, report
from .contestants import REFERENCE, Unknown, benchmarks, chosen, contestants
from .measure import QUICK, Bench, Plan, Result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    The status is 0 if everything was measured, 1 if something failed, 2 if a name is
    unknown, and 130 after Ctrl-C.
    """
    asked = _parser().parse_args(arguments)
    plan = QUICK if asked.quick else Plan()
    if asked.rounds:
        plan = replace(
            plan, rounds=asked.rounds, sittings=min(plan.sittings, asked.rounds)
        )
    try:
        root = Tree.above(Path.cwd()).root
        known = contestants(root)
        names = chosen(asked.contestants, known, "contestant")
        wanted = benchmarks(quick=asked.quick)
        picked = chosen(asked.only, wanted, "benchmark")
    except (NotFound, Unknown) as error:
        print(f"bench: {error.args[0]}", file=sys.stderr)
        return 2
    if sys.platform != "linux":
        print(
            f"bench: {sys.platform} cannot pin and weigh processes; run it on Linux",
            file=sys.stderr,
        )
        return 1
    if REFERENCE not in names:
        names = [REFERENCE, *names]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = Console(stderr=True)
    try:
        with _progress(screen, len(names), "Environments") as tell:
            pythons = environments.prepare(
                root, [known[name] for name in names], asked.python, tell
            )
    except environments.NotMade as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    results = {name: Result(wanted[name]) for name in picked}
    begin = time.monotonic()
    interrupted = False
    with Bench([(known[name], pythons[name]) for name in names], plan) as bench:
        try:
            with _progress(screen, len(results) * plan.sittings, "Measuring") as tell:
                bench.run(results, tell)
        except KeyboardInterrupt:
            interrupted = True
    seconds = time.monotonic() - begin
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    report.show(console, results, names)
    python = next((k["python"] for k in bench.known.values()), asked.python)
    print(f"Measured for {seconds:.0f} s, on Python {python}.")
    if interrupted:
        unwritten = f"; {asked.json} was not written" if asked.json else ""
        print(f"bench: stopped before the end{unwritten}", file=sys.stderr)
        return 130
    if asked.json:
        beside = report.write(asked.json, results, bench, plan, seconds)
        print(f"The figures are in {asked.json}, and how they were made in {beside}.")
    failed = any(one.failed for result in results.values() for one in result.series)
    return 1 if failed or bench.broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s bench --",
        description="Measure what each way of waiting costs, next to asyncio.",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="measure everything roughly, at small sizes, within two minutes",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="PATH",
        help="write the figures to x.json, and to x.about.json next to it how they "
        "were made",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="BENCH",
        help="measure only these benchmarks; the name of a topic means all its sizes",
    )
    parser.add_argument(
        "--contestants",
        nargs="+",
        default=(),
        metavar="NAME",
        help=f"measure only these contestants, and {REFERENCE}, the reference of all",
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        metavar="N",
        help="measure N pairs of slices for each contestant (default: "
        f"{Plan().rounds}, or {QUICK.rounds} with --quick)",
    )
    parser.add_argument(
        "--python",
        default=platform.python_version(),
        metavar="VERSION",
        help="run on this Python: a version, as 3.13, or the path of an interpreter "
        "(default: %(default)s)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of 1 or more; give one, as in --rounds 5"
        )
    return number


@contextmanager
def _progress(
    screen: Console, total: int, title: str
) -> Generator[Callable[[str], object]]:
    """Yield a function that reports progress: a bar in a terminal, else lines."""
    begin = time.monotonic()
    if not screen.is_terminal:
        yield lambda name: print(
            f"{title} {time.monotonic() - begin:.0f} s {name}",
            file=sys.stderr,
            flush=True,
        )
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[name]}"),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(title, total=total, name="")
        told = False

        def tell(name: str) -> None:
            nonlocal told
            progress.update(task, name=name, advance=1 if told else 0)
            told = True

        yield tell


if __name__ == "__main__":
    sys.exit(main())
