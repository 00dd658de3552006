"""Costs of virtual time: of an empty run and of a sleep, in each world and elsewhere.

``python -m tests.worlds.overhead`` measures all of them in one process: in turn,
several times. The best figure of each counts. looptime is a virtual clock for asyncio,
``trio.testing.MockClock`` that of trio. Neither replaces the clocks of other modules,
which takes a large part of an empty run. The last line tells how large.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import anyio
import gevent
import looptime
import trio
from concurrency_study import make_world
from concurrency_study.worlds.threads.patches import replacing
from generators_study import kernel
from trio.testing import MockClock

DELAY = 0.01
RUNS = 100
now = time.perf_counter


def nothing():
    pass


async def empty():
    pass


def empty_generator():
    yield from ()


def thread_sleeps(times):
    for _ in range(times):
        time.sleep(DELAY)


def gevent_sleeps(times):
    for _ in range(times):
        gevent.sleep(DELAY)


def generator_sleeps(times):
    for _ in range(times):
        yield from kernel.sleep(DELAY)


async def asyncio_sleeps(times):
    for _ in range(times):
        await asyncio.sleep(DELAY)


async def trio_sleeps(times):
    for _ in range(times):
        await trio.sleep(DELAY)


async def anyio_sleeps(times):
    for _ in range(times):
        await anyio.sleep(DELAY)


def with_looptime(function, *args):
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.get_loop().setup_looptime(start=0)
        runner.run(function(*args))


def with_mock_clock(function, *args):
    trio.run(function, *args, clock=MockClock(autojump_threshold=0))


def in_world(name, function, *args):
    make_world(name).run(function, *args)


class Contestant(NamedTuple):
    """A way to run code in virtual time, and the one that it is compared with."""

    run: Callable[..., Any]
    empty: Callable[..., Any]
    sleeps: Callable[..., Any]
    beside: str = ""


def contestants() -> dict[str, Contestant]:
    """Return all contestants; those without a ``beside`` come first."""
    found = {
        "looptime": Contestant(with_looptime, empty, asyncio_sleeps),
        "MockClock": Contestant(with_mock_clock, empty, trio_sleeps),
    }
    for name, *rest in (
        ("generators", empty_generator, generator_sleeps),
        ("threads", nothing, thread_sleeps),
        ("gevent", nothing, gevent_sleeps),
        ("asyncio", empty, asyncio_sleeps, "looptime"),
        ("anyio-on-asyncio", empty, anyio_sleeps, "looptime"),
        ("trio", empty, trio_sleeps, "MockClock"),
        ("anyio-on-trio", empty, anyio_sleeps, "MockClock"),
    ):
        found[name] = Contestant(partial(in_world, name), *rest)
    return found


def measure_names() -> float:
    """Return the seconds that it takes to replace all clocks and waits, and back."""
    best = float("inf")
    for _ in range(20):
        begin = now()
        for _ in range(RUNS):
            with replacing(greenlets=False):
                pass
        best = min(best, (now() - begin) / RUNS)
    return best


def measure(rounds: int, sleeps: int) -> dict[tuple[str, str], float]:
    """Return the seconds that each takes for a run and a sleep, at its best."""
    best: dict[tuple[str, str], float] = {}
    for _ in range(rounds):
        for name, each in contestants().items():
            begin = now()
            for _ in range(RUNS):
                each.run(each.empty)
            middle = now()
            each.run(each.sleeps, sleeps)
            costs = {"run": (middle - begin) / RUNS, "sleep": (now() - middle) / sleeps}
            for what, cost in costs.items():
                best[name, what] = min(cost, best.get((name, what), cost))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of measuring, 5 unless told"
    )
    parser.add_argument("--sleeps", type=int, default=100_000, help="sleeps of one run")
    options = parser.parse_args()
    best = measure(options.rounds, options.sleeps)
    print(f"{'':17} {'an empty run':30} a sleep")
    for name, each in contestants().items():
        row = f"{name:17}"
        for what in ("run", "sleep"):
            text = f"{best[name, what] * 1e6:.1f} us"
            if each.beside:
                ratio = best[name, what] / best[each.beside, what]
                text += f", {ratio:.2f} of {each.beside}"
            row += f" {text:30}"
        print(row.rstrip())
    print(f"Of each run, {measure_names() * 1e6:.1f} us replace the clocks and waits.")


if __name__ == "__main__":
    main()
