"""The command that runs the obstacle course, the same for all studies."""

from __future__ import annotations

import argparse
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from ...referees.racer import Racer, allow_open_files, running
from . import Exchange
from .course import MANY, RIGHT, TITLES

SPARE = 500
"""Files that may be open beside the connections of obstacle 3."""
WIDTH = max(map(len, TITLES.values()))


@dataclass(frozen=True)
class Run:
    """The result at one obstacle."""

    result: str
    seconds: float


def main(
    name: str,
    obstacles: Sequence[Callable[..., Any]],
    run: Callable[..., str],
    backends: Sequence[str] = (),
) -> int:
    """Run the command; return its exit status.

    Args:
        name: The module that is the command.
        obstacles: The eleven obstacles, native functions of a base URL.
        run: The study's ``run``, which calls them.
        backends: The values of ``backend`` that ``run`` takes, the default first.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description="Run the obstacle course: eleven races of HTTP requests, each of "
        f"which must give {RIGHT!r}.",
        epilog="Exit status: 0 if all are right, 1 if not, 2 if an argument is wrong, "
        "130 after Ctrl-C.",
    )
    parser.add_argument(
        "url",
        nargs="?",
        help="base URL of a server with the rules of Easy Racer (default: start a "
        "referee and print its counts)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        type=int,
        choices=range(1, len(obstacles) + 1),
        metavar="N",
        help="run only these obstacles, 1 to 11; write the URL before this option",
    )
    if backends:
        parser.add_argument(
            "--backend",
            choices=backends,
            default=backends[0],
            help="the library that it runs on (default: %(default)s)",
        )
    options = parser.parse_args()
    door = partial(run, backend=options.backend) if backends else run
    course = [partial(door, obstacle) for obstacle in obstacles]
    numbers: list[int] = sorted(set(options.only or TITLES))
    try:
        if options.url is None:
            runs = _with_referee(course, numbers)
        else:
            url: str = options.url.rstrip("/")
            try:
                address = Exchange(url).address
            except ValueError as error:
                parser.error(str(error))
            if "#" in url:  # everything after it, so the obstacle, would not be sent
                parser.error(f"a base URL cannot have a fragment (#): {url}")
            if why := _no_connection(address):
                print(f"no server answers at {url}: {why}", file=sys.stderr)
                return 1
            runs = _run(course, numbers, url)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except RuntimeError as error:  # of the referee
        print(error, file=sys.stderr)
        return 1
    right = sum(run.result == RIGHT for run in runs)
    seconds = sum(run.seconds for run in runs)
    print(f"\n{right} of {len(runs)} right, in {seconds:.1f} s")
    return int(right < len(runs))


def _with_referee(
    course: Sequence[Callable[[str], str]], numbers: list[int]
) -> list[Run]:
    many = MANY if 3 in numbers and not _too_few_files() else 1
    with running(many=many) as racer:
        print(f"a referee is at {racer.url}", flush=True)
        return _run(course, numbers, racer.url, racer)


def _run(
    course: Sequence[Callable[[str], str]],
    numbers: list[int],
    url: str,
    racer: Racer | None = None,
) -> list[Run]:
    problem = _too_few_files() if 3 in numbers else ""
    runs: list[Run] = []
    for number in numbers:
        # A terminal shows the line at once, and its end when the obstacle ends.
        print(f"{number:>2}  {TITLES[number]:<{WIDTH}}", end="  ", flush=True)
        began = time.monotonic()
        if number == 3 and problem:
            result = problem
        else:
            result = _outcome(course[number - 1], url)
        seconds = time.monotonic() - began
        print(f"{seconds:6.2f} s  {result:<5}", end="  ", flush=True)
        print(_verdict(racer, number) if racer else "", flush=True)
        runs.append(Run(result, seconds))
    return runs


def _too_few_files() -> str:
    """Return why obstacle 3 cannot have its connections, or an empty string."""
    return allow_open_files(MANY + SPARE)


def _outcome(obstacle: Callable[[str], str], url: str) -> str:
    """Return the result of an obstacle, or the errors that it raised."""
    try:
        result = obstacle(url)
    except BaseException as error:
        leaves = list(_leaves(error))
        for leaf in leaves:
            if isinstance(leaf, KeyboardInterrupt | SystemExit):
                raise leaf from None
        counted = Counter(f"{type(leaf).__name__}: {leaf}" for leaf in leaves)
        return "; ".join(
            f"{times} x {text}" if times > 1 else text
            for text, times in counted.most_common(5)
        )
    return result if result == RIGHT else repr(result)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for each in group.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _verdict(racer: Racer, number: int) -> str:
    """Return what the referee counted at that obstacle."""
    stats = racer.stats(settled=5)
    tally = stats.obstacles[number]
    counts = {
        "requests": tally.begun,
        "answered": tally.answered,
        "broken": tally.broken,
        "dropped": tally.dropped,
    }
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    left = "" if stats.settled else f"; STILL OPEN: {stats.connections + stats.silent}"
    held = f"; STILL HELD: {tally.held}" if tally.held else ""
    return f"{said}{left}{held}{''.join(f'; {fault}' for fault in tally.faults)}"


def _no_connection(address: tuple[str, int]) -> str:
    """Return why there is no connection to that address, or an empty string."""
    try:
        socket.create_connection(address, timeout=10).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""
