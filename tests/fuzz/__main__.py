"""Compare the generators' kernel with trio on random programs.

    nox -s fuzz -- --programs 20000
    nox -s fuzz -- --programs 500 --seed 123      the same programs again
    nox -s fuzz -- --replay "(('group', False, (('fail', 'failure'),)),)"

If the two differ, prints the smallest program found that shows it, and exits with 1.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
import time
from collections.abc import Callable

from compare import Difference, compare, line
from hypothesis import HealthCheck, Phase, given, seed, settings
from programs import programs

CHUNK = 500
"""The number of programs made from one seed."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="nox -s fuzz --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--programs", type=int, default=CHUNK, metavar="N")
    parser.add_argument("--seed", type=int, help="the seed of the first programs")
    parser.add_argument("--replay", metavar="PROGRAM", help="play only this program")
    parser.add_argument("--quick", action="store_true", help="do not shrink programs")
    given_options = parser.parse_args()
    if given_options.replay:
        return replay(ast.literal_eval(given_options.replay))
    return fuzz(given_options.programs, given_options.seed, not given_options.quick)


def replay(program: tuple[object, ...]) -> int:
    """Play one program and print its history or the difference."""
    try:
        history = compare(program)
    except Difference as difference:
        print(difference)
        return 1
    print(*map(line, history), sep="\n")
    print("The kernel and trio agree.")
    return 0


def fuzz(count: int, first: int | None, shrink: bool) -> int:
    """Compare on ``count`` programs and report the first difference."""
    if first is None:
        first = random.SystemRandom().randrange(10**6)
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    begin = time.monotonic()
    print(f"{count} programs from seed {first}", flush=True)
    for number in range(0, count, CHUNK):
        chunk = min(CHUNK, count - number)
        now = first + number // CHUNK
        limits = settings(
            max_examples=chunk,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        check: Callable[[], None] = seed(now)(limits(given(programs)(compare_quietly)))
        try:
            check()
        except Difference as difference:
            print(difference)
            print(f"To reproduce: nox -s fuzz -- --programs {chunk} --seed {now}")
            return 1
        seconds = time.monotonic() - begin
        print(f"{number + chunk:8} programs agree, {seconds:4.0f} s", flush=True)
    return 0


def compare_quietly(program: tuple[object, ...]) -> None:
    compare(program)


if __name__ == "__main__":
    sys.exit(main())
