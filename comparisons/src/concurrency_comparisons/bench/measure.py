"""The measurement: slices of contestants, each next to a slice of asyncio.

A slice is a stretch of work of about `Plan.slice` seconds. A contestant's slice and one
of asyncio run one after the other, in random order, on the same core. What counts is
the ratio of the two, so a disturbance that slows the machine for a while slows both.

The pairs of all contestants take turns in shuffled order, round after round. Every
sitting starts all processes again, because the memory layout of a process alone shifts
a figure by some per cent. The first slices of each process do not count: they find out
how often a contestant must do its work to fill a slice.
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
"""Rounds in a sitting at least, however long they take."""


@dataclass(frozen=True)
class Plan:
    """The amount of work in a measurement."""

    slice: float = 0.05
    """Seconds of work in a slice, as a lower bound to aim at."""
    rounds: int = 15
    """Pairs of slices for each contestant, spread over the sittings."""
    sittings: int = 3
    """The number of times that all processes are started."""
    limit: float = 60
    """Seconds after which a benchmark begins no further round in a sitting."""
    patience: float = 60
    """Seconds that a process may take for one slice."""
    quick: bool = False

    def limit_for(self, benchmark: Benchmark) -> float:
        """Return the limit of a benchmark. Topics get less, as there are many."""
        return self.limit / 4 if benchmark.topic else self.limit


QUICK = Plan(slice=0.01, rounds=5, sittings=1, limit=2, patience=20, quick=True)


@dataclass(frozen=True)
class Slice:
    """The cost of one operation, measured in one slice."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time."""
    bytes: float = 0
    """Bytes of memory that it holds."""
    lost: float = 0
    """Seconds in which other processes held the core; not part of ``wall``."""

    def cost(self, benchmark: Benchmark) -> float:
        """Return the figure that the benchmark compares."""
        costs = {"time": self.wall, "memory": self.bytes, "echo": self.cpu}
        return costs[benchmark.kind]


Pair = tuple[Slice, Slice]
"""A contestant's slice, and the slice of asyncio that was run next to it."""


@dataclass
class Series:
    """All pairs of slices of one idiom of a contestant."""

    contestant: str
    idiom: str
    size: int
    times: int = 1
    pairs: list[Pair] = field(default_factory=list[Pair])
    failed: str = ""

    @property
    def label(self) -> str:
        """The contestant, and a colon and the idiom if it has a name."""
        return f"{self.contestant}:{self.idiom}" if self.idiom else self.contestant


@dataclass(frozen=True)
class Finding:
    """The statistics of a contestant in a benchmark."""

    series: Series
    ratio: Interval
    """Speed relative to asyncio; for memory, how many times as small."""
    cpu_ratio: float
    """The same for processor time; NaN for memory."""
    slice: Slice
    """The medians of all slices."""


@dataclass
class Result:
    """All that was measured in a benchmark."""

    benchmark: Benchmark
    series: list[Series] = field(default_factory=list[Series])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    """The contestants that take no part in it, each with the reason."""

    def findings(self) -> dict[str, Finding]:
        """Return the statistics by label.

        A bare name has the finding of the idiom that counts. The reference is the
        idiom of asyncio with the best median over the whole measurement.
        """
        measured = [one for one in self.series if one.pairs]
        ratios = {one.label: self._ratios(one) for one in measured}
        asyncio = [
            median(ratios[one.label]) for one in measured if one.contestant == REFERENCE
        ]
        # All ratios are to the idiom that was paired. Dividing makes them relative to
        # the best idiom, which is known only now.
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
        """Seconds in which other processes held the core, and seconds of all slices."""
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
    """A process, or a pair of processes, that runs the slices of a series."""

    def slice(self, times: int) -> Slice:
        """Do the work ``times`` times and return the cost of one operation."""
        ...

    def close(self) -> None:
        """Release the processes. No slice may follow."""


class Bench:
    """The processes of all contestants, and the requests that they get.

    Args:
        field: The contestants, each with the interpreter that runs it.
        plan: The amount of work.
        seed: The seed of the random order; None: a new one in each run.
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
        """The description that each contestant's worker returned."""
        self.broken: dict[str, str] = {}
        """The contestants without a description, each with the reason."""
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
        """Measure everything, and add each pair to the results as it is measured.

        Args:
            results: The results by name of the benchmark. Pairs in them are kept.
            tell: Called with the name of each benchmark before it begins in a sitting.
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
        """Add a series for each idiom, and note the contestants that are absent."""
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
                why = "there is no study of it, so it has no answers"
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
        """Measure one benchmark for one sitting."""
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
            if weighs:  # a new process per slice is slow, and six pairs give 95 %
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
                    # Memory does not drift, so one slice of asyncio serves all pairs.
                    if pair and weighs:
                        beside = pair[1]

    def _reference(self, result: Result, warm: Mapping[str, Slice]) -> str | None:
        """Return the label of asyncio's idiom that is paired with all others."""
        for series in result.series:  # the reference of earlier sittings is kept
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
        """Find out how often the work must be done to fill a slice.

        Returns the last slice, or None if the series failed.
        """
        if benchmark.kind == "memory":
            return Slice(0, 0)
        # A hundred connections take a while to get in step: echo's slices are longer.
        fill = self.plan.slice * (4 if benchmark.kind == "echo" else 1)
        operations = benchmark.operations(series.size)
        try:
            slice = station.slice(series.times)
            while not sitting:  # later sittings use the number found in the first
                seconds = slice.wall * series.times * operations
                if seconds > fill * 0.7:
                    break
                # A very short slice says little, so grow at most twentyfold at once.
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
        """Run one slice of each, unless ``beside`` is a slice of the reference."""
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
    """A station in the contestant's process, which runs one slice after the other."""

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
    """A station that runs each slice in a new process, whose memory is still unused."""

    def slice(self, times: int) -> Slice:
        try:
            return super().slice(times)
        finally:
            self.worker.stop()


class _Served:
    """A station of two processes: a server, and a client that reads both clocks."""

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
