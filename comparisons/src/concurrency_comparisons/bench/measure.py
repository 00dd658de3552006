"""The measurement: slices of contestants, each beside a slice of asyncio.

A contestant's slice and one of asyncio are run one after the other, in an order left to
chance, on the same core; what counts is the ratio of the two. So whatever slows the
machine for a while slows both. The pairs of all contestants take turns, shuffled, round
after round. In every sitting all processes are started anew, for how the memory of a
process happens to lie is worth some per cent, too. The first slices of each process are
not counted: they find out how often a contestant must do its work to fill a slice.
"""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from .contestants import REFERENCE, Benchmark, Contestant
from .ratios import Interval, interval
from .workers import Failed, Worker

HERE = Path(__file__).parent
LEAST = 2
"""Rounds in a sitting, however long they take."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    slice: float = 0.05
    """Seconds of work that a slice takes, at least about."""
    rounds: int = 15
    sittings: int = 3
    """How often all processes are started anew; the rounds are spread over them."""
    limit: float = 60
    """Seconds after which a benchmark has had its time in a sitting."""
    patience: float = 60
    """Seconds that a process may take for one slice."""
    quick: bool = False

    def limit_for(self, benchmark: Benchmark) -> float:
        """Of topics there are many."""
        return self.limit / 4 if benchmark.topic else self.limit


QUICK = Plan(slice=0.01, rounds=5, sittings=1, limit=2, patience=20, quick=True)


@dataclass(frozen=True)
class Slice:
    """What one operation has cost."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time."""
    bytes: float = 0
    """Of memory that it holds."""
    lost: float = 0
    """Seconds in which others held the core; not in ``wall``."""

    def cost(self, benchmark: Benchmark) -> float:
        """What is compared."""
        costs = {"time": self.wall, "memory": self.bytes, "echo": self.cpu}
        return costs[benchmark.kind]


Pair = tuple[Slice, Slice]
"""A contestant's slice, and that of asyncio beside it."""


@dataclass
class Series:
    """What was measured of one idiom of a contestant."""

    contestant: str
    idiom: str
    size: int
    times: int = 1
    pairs: list[Pair] = field(default_factory=list[Pair])
    failed: str = ""

    @property
    def label(self) -> str:
        """As asyncio, or asyncio:gather."""
        return f"{self.contestant}:{self.idiom}" if self.idiom else self.contestant


@dataclass(frozen=True)
class Finding:
    """What can be said of a contestant in a benchmark."""

    series: Series
    ratio: Interval
    """How many times as fast as asyncio; of memory, how many times as small."""
    cpu_ratio: float
    slice: Slice
    """The medians."""


@dataclass
class Result:
    """What was found out in a benchmark."""

    benchmark: Benchmark
    series: list[Series] = field(default_factory=list[Series])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    """Who takes no part in it, and why."""

    def findings(self) -> dict[str, Finding]:
        """What can be said, by label; under a bare name stands the idiom that counts.

        The reference is the fastest idiom of asyncio, as it turned out in the end.
        """
        measured = [one for one in self.series if one.pairs]
        ratios = {one.label: self._ratios(one) for one in measured}
        asyncio = [
            median(ratios[one.label]) for one in measured if one.contestant == REFERENCE
        ]
        best = max(asyncio, default=1) if self.benchmark.best else 1
        found: dict[str, Finding] = {}
        for one in measured:
            finding = Finding(
                one,
                interval(ratio / best for ratio in ratios[one.label]),
                median(theirs.cpu / mine.cpu for mine, theirs in one.pairs if mine.cpu)
                if self.benchmark.kind != "memory"
                else math.nan,
                Slice(
                    median(mine.wall for mine, _ in one.pairs),
                    median(mine.cpu for mine, _ in one.pairs),
                    median(mine.bytes for mine, _ in one.pairs),
                ),
            )
            found[one.label] = finding
            counts = found.get(one.contestant)
            if counts is None or (
                self.benchmark.best and counts.ratio.middle < finding.ratio.middle
            ):
                found[one.contestant] = finding
        return found

    @property
    def lost(self) -> tuple[float, float]:
        """Seconds in which others held the core, and all seconds of slices."""
        lost = took = 0.0
        for one in self.series:
            each = one.times * self.benchmark.operations(one.size)
            for mine, _ in one.pairs:
                lost += mine.lost * each
                took += (mine.lost + mine.wall) * each
        return lost, took

    def _ratios(self, series: Series) -> list[float]:
        return [
            theirs.cost(self.benchmark) / mine.cost(self.benchmark)
            for mine, theirs in series.pairs
        ]


class Station(Protocol):
    """Where the slices of a series are run."""

    def slice(self, times: int) -> Slice:
        """What an operation costs when the work is done so many times."""
        ...

    def close(self) -> None:
        """No more slices are wanted."""


class Bench:
    """The processes of all contestants, and what they are asked to do.

    Args:
        field: The contestants, with the interpreter in which each runs.
        plan: How much to measure.
        seed: For the order of things; None: any.
    """

    def __init__(
        self,
        field: Sequence[tuple[Contestant, str]],
        plan: Plan,
        seed: int | None = None,
    ) -> None:
        self.field = {contestant.name: contestant for contestant, _ in field}
        self.plan = plan
        cores = sorted(os.sched_getaffinity(0))
        self.core, self.client_core = cores[-1], cores[0]
        self.known: dict[str, dict[str, Any]] = {}
        """What each contestant says of itself."""
        self.broken: dict[str, str] = {}
        """Who could not even say that, and why."""
        self._python = {contestant.name: python for contestant, python in field}
        self._workers = {name: self._worker(name) for name in self.field}
        self._random = random.Random(seed)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.stop()

    def _worker(self, name: str) -> Worker:
        path = self.field[name].path
        program = (str(HERE / "worker.py"), str(path.parent), path.stem, str(self.core))
        return Worker([self._python[name], "-I", *program], self.plan.patience)

    def run(
        self,
        results: Mapping[str, Result],
        tell: Callable[[str], object] = lambda name: None,
    ) -> None:
        """Measure all, and add what is found to the results as it comes.

        Args:
            results: By name of the benchmark; what they hold already is kept.
            tell: Is told the name of each benchmark before it begins in a sitting.
        """
        for name in self.field:
            try:
                self.known[name] = self._workers[name].ask({"do": "describe"})
            except Failed as failure:
                self.broken[name] = str(failure)
        for result in results.values():
            self._enter(result)
        for sitting in range(self.plan.sittings):
            self.stop()
            for name, result in results.items():
                tell(name)
                self._sit(result, sitting)

    def _enter(self, result: Result) -> None:
        """Note who takes part, and who does not."""
        benchmark = result.benchmark
        for name in self.field:
            if name in self.broken:
                result.absent[name] = self.broken[name]
                continue
            known, oldest = self.known[name], self.field[name].python
            if tuple(map(int, known["python"].split(".")[: len(oldest)])) < oldest:
                result.absent[name] = f"it needs Python {'.'.join(map(str, oldest))}"
                continue
            if benchmark.topic:
                idioms = [""] if benchmark.topic in known["topics"] else []
                why = "it is no study, and has no answers"
            else:
                begin = benchmark.called
                idioms = [
                    function.removeprefix(begin).removeprefix("_")
                    for function in known["functions"]
                    if function == begin or function.startswith(f"{begin}_")
                ]
                why = known["cannot"].get(begin, f"its file has no {begin}")
            if not idioms:
                result.absent[name] = why
            most = known["sizes"].get(benchmark.topic or benchmark.name, benchmark.size)
            if benchmark.topic and most < benchmark.size:
                result.absent[name] = f"it can bear {most:,} at once"
                continue
            size = min(benchmark.size, most)
            result.series += [Series(name, idiom, size) for idiom in idioms]

    def _sit(self, result: Result, sitting: int) -> None:
        """Measure one benchmark for a while."""
        end = time.monotonic() + self.plan.limit_for(result.benchmark)
        with ExitStack() as closing:
            running: dict[str, tuple[Series, Station]] = {}
            for series in result.series:
                if not series.failed:
                    station = self._station(result.benchmark, series)
                    closing.callback(station.close)
                    running[series.label] = series, station
            warm = {
                label: slice
                for label, (series, station) in running.items()
                if (slice := self._warm(result.benchmark, series, station, sitting))
            }
            reference = self._reference(result, warm)
            if reference is None:
                return
            weighs = result.benchmark.kind == "memory"
            rounds = math.ceil(self.plan.rounds / self.plan.sittings)
            if weighs:
                rounds = min(rounds, math.ceil(6 / self.plan.sittings))
            for number in range(rounds):
                if number >= LEAST and time.monotonic() > end:
                    return
                labels = [label for label in warm if label != reference] or [reference]
                self._random.shuffle(labels)
                beside: Slice | None = None
                for label in labels:
                    if running[reference][0].failed or running[label][0].failed:
                        continue
                    pair = self._pair(running[label], running[reference], beside)
                    if pair and weighs:  # one will do: memory does not drift
                        beside = pair[1]

    def _reference(self, result: Result, warm: Mapping[str, Slice]) -> str | None:
        """The idiom of asyncio that is paired with all others."""
        for series in result.series:  # that of the sittings before
            if series.contestant == REFERENCE and any(
                mine is theirs for mine, theirs in series.pairs
            ):
                return series.label if series.label in warm else None
        mine = [
            series.label
            for series in result.series
            if series.contestant == REFERENCE and series.label in warm
        ]
        if not mine:
            return None
        if not result.benchmark.best:
            return mine[0]
        return min(mine, key=lambda label: warm[label].cost(result.benchmark))

    def _warm(
        self, benchmark: Benchmark, series: Series, station: Station, sitting: int
    ) -> Slice | None:
        """Find out how often the work must be done to fill a slice; the last slice."""
        if benchmark.kind == "memory":
            return Slice(0, 0)
        # With a hundred connections it takes a while until all are in step.
        fill = self.plan.slice * (4 if benchmark.kind == "echo" else 1)
        operations = benchmark.operations(series.size)
        try:
            slice = station.slice(series.times)
            while not sitting:
                seconds = slice.wall * series.times * operations
                if seconds > fill * 0.7:
                    break
                more = fill / max(seconds, fill / 20)
                series.times = math.ceil(series.times * more)
                slice = station.slice(series.times)
        except Failed as failure:
            series.failed = str(failure)
            return None
        return slice

    def _pair(
        self,
        mine: tuple[Series, Station],
        reference: tuple[Series, Station],
        beside: Slice | None,
    ) -> Pair | None:
        """One slice of each, unless there is one of the reference already."""
        both = [mine]
        if mine is not reference and beside is None:
            both.append(reference)
        self._random.shuffle(both)
        slices: dict[str, Slice] = {}
        for series, station in both:
            try:
                slices[series.label] = station.slice(series.times)
            except Failed as failure:
                series.failed = str(failure)
                return None
        theirs = beside or slices[reference[0].label]
        if beside is None:
            reference[0].pairs.append((theirs, theirs))
        if mine is reference:
            return theirs, theirs
        mine[0].pairs.append((slices[mine[0].label], theirs))
        return mine[0].pairs[-1]

    def _station(self, benchmark: Benchmark, series: Series) -> Station:
        function = "_".join(filter(None, (benchmark.called, series.idiom)))
        operations = benchmark.operations(series.size)
        request: dict[str, Any] = {"do": "measure", "size": series.size}
        if benchmark.kind == "echo":
            return _Served(
                self._worker(series.contestant),
                {"do": "serve", "function": function},
                (str(series.size), str(self.client_core)),
            )
        if benchmark.kind == "memory":
            request |= {"function": function, "weigh": True}
            return _Weighed(self._worker(series.contestant), request, operations)
        if benchmark.topic:
            request["topic"] = benchmark.topic
        else:
            request["function"] = function
        return _Timed(self._workers[series.contestant], request, operations)


class _Timed:
    """In the process of the contestant, one slice after the other."""

    def __init__(
        self, worker: Worker, request: dict[str, Any], operations: int
    ) -> None:
        self.worker = worker
        self.request = request
        self.operations = operations

    def slice(self, times: int) -> Slice:
        answer = self.worker.ask({**self.request, "times": times})
        each = times * self.operations
        return Slice(
            answer["wall"] / each,
            answer["cpu"] / each,
            answer["resident"] / each,
            answer["lost"] / each,
        )

    def close(self) -> None:
        pass


class _Weighed(_Timed):
    """Each slice in a process of its own, whose memory nobody has used before."""

    def slice(self, times: int) -> Slice:
        try:
            return super().slice(times)
        finally:
            self.worker.stop()


class _Served:
    """A server in one process, and in another a client, which reads both clocks."""

    def __init__(
        self, server: Worker, request: dict[str, Any], arguments: tuple[str, str]
    ) -> None:
        self.server = server
        self.request = request
        self.arguments = arguments
        self.client: Worker | None = None

    def slice(self, times: int) -> Slice:
        if self.client is None:
            port = self.server.ask(self.request)["port"]
            program = (str(HERE / "client.py"), str(port), str(self.server.pid))
            self.client = Worker(
                [sys.executable, "-I", *program, *self.arguments], self.server.patience
            )
        answer = self.client.ask({"times": times})
        each = times * int(self.arguments[0])
        return Slice(answer["wall"] / each, answer["cpu"] / each)

    def close(self) -> None:
        if self.client is not None:
            self.client.stop()
        self.server.stop()
