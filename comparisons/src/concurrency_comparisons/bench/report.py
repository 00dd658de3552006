"""The figures as JSON for machines, and as tables for a terminal."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..figures import duration
from .contestants import CORE, REFERENCE, Benchmark
from .measure import Bench, Finding, Plan, Result
from .ratios import CONFIDENCE, Interval, geometric_mean

MEAN = frozenset(one.name for one in CORE)


def figures(results: Mapping[str, Result]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the figures by benchmark and contestant.

    The ratio to asyncio is above 1 if the contestant is faster (for memory: smaller).
    Seconds per operation are processor time for servers. They are null for memory,
    which has ``bytes``.
    """
    return {
        name: {
            label: _figure(result.benchmark, finding)
            for label, finding in result.findings().items()
        }
        for name, result in results.items()
        if any(series.pairs for series in result.series)
    }


def _figure(benchmark: Benchmark, finding: Finding) -> dict[str, Any]:
    figure: dict[str, Any] = {
        "ratio_to_asyncio": _rounded(finding.ratio.middle),
        "low": _rounded(finding.ratio.low),
        "high": _rounded(finding.ratio.high),
        "per_operation_s": None,
    }
    if benchmark.kind == "memory":
        return figure | {"bytes": round(finding.slice.bytes)}
    return figure | {"per_operation_s": _rounded(finding.slice.cost(benchmark))}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def about(
    results: Mapping[str, Result], bench: Bench, plan: Plan, seconds: float
) -> dict[str, Any]:
    """Return how the figures were made: machine, versions, sizes, idioms, absentees."""
    details: dict[str, Any] = {}
    for name, result in results.items():
        benchmark, findings = result.benchmark, result.findings()
        details[name] = {
            "operation": benchmark.what,
            "topic": benchmark.topic,
            "size": benchmark.size,
            "compared": {"time": "wall", "memory": "bytes", "echo": "server's cpu"}[
                benchmark.kind
            ],
            "contestants": {
                label: {
                    "idiom": finding.series.idiom,
                    "size": finding.series.size,
                    "times": finding.series.times,
                    "pairs": len(finding.series.pairs),
                    "confidence": _rounded(finding.ratio.confidence),
                    "undecided": finding.ratio.undecided and label != REFERENCE,
                    "wall_s": _rounded(finding.slice.wall),
                    "cpu_s": _rounded(finding.slice.cpu),
                    "cpu_ratio_to_asyncio": None
                    if math.isnan(finding.cpu_ratio)
                    else _rounded(finding.cpu_ratio),
                }
                for label, finding in findings.items()
            },
            "absent": result.absent,
            "failed": {one.label: one.failed for one in result.series if one.failed},
        }
    known = bench.known.values()
    builds: list[dict[str, str]] = [one["build"] for one in known]
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d"),
        "took_s": round(seconds),
        "quick": plan.quick,
        "plan": {
            "slice_s": plan.slice,
            "rounds": plan.rounds,
            "sittings": plan.sittings,
        },
        "machine": machine(),
        "lost": _rounded(lost(results.values())),
        "python": next((one["python"] for one in known), ""),
        "build": builds[0] if builds else {},
        "contestants": {
            name: {
                "title": bench.field[name].title,
                "libraries": bench.known.get(name, {}).get("libraries", {}),
            }
            for name in bench.field
        },
        "mean_of": sorted(MEAN),
        "geometric_means": {
            name: {"ratio": _rounded(mean), "of": count}
            for name, (mean, count) in means(figures(results)).items()
        },
        "benchmarks": details,
    }


def lost(results: Iterable[Result]) -> float:
    """Return the share of the time in which other processes held the core.

    It is 0 on a quiet machine.
    """
    seconds = [result.lost for result in results]
    took = sum(all_of_it for _, all_of_it in seconds)
    return sum(gone for gone, _ in seconds) / took if took else 0


def machine() -> dict[str, Any]:
    """Return a description of the machine, as far as the system provides one."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "processor": model or platform.machine(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "libc": " ".join(platform.libc_ver()),
    }


def means(
    found: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> dict[str, tuple[float, int]]:
    """Return the geometric mean of each contestant's ratios, and their number.

    Only the ten benchmarks in `CORE` count.
    """
    ratios: dict[str, list[float]] = {}
    for name in found:
        for label, figure in found[name].items():
            if name in MEAN and ":" not in label:
                ratios.setdefault(label, []).append(figure["ratio_to_asyncio"])
    return {name: (geometric_mean(each), len(each)) for name, each in ratios.items()}


def write(
    path: Path, results: Mapping[str, Result], bench: Bench, plan: Plan, seconds: float
) -> Path:
    """Write the figures, and how they were made into a second file. Return its path."""
    beside = beside_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures(results), indent=1) + "\n", "utf-8")
    told = json.dumps(about(results, bench, plan, seconds), indent=1)
    beside.write_text(told + "\n", "utf-8")
    return beside


def beside_of(path: Path) -> Path:
    """Return the path of the file that says how the figures in a file were made."""
    return path.with_suffix(".about.json")


# In a terminal


def show(
    console: Console, results: Mapping[str, Result], contestants: Iterable[str]
) -> None:
    """Print notes and tables. The geometric means come last."""
    found = figures(results)
    average = means(found)
    others = [
        name
        for name in contestants
        if name != REFERENCE and any(name in figure for figure in found.values())
    ]
    others.sort(key=lambda name: -average[name][0] if name in average else 0)
    widest = max(map(len, [*found, "geometric mean"]))
    room = max(2, (console.width - widest - 10) // 11)
    parts = (
        (
            "Answers to topics",
            [name for name in found if results[name].benchmark.topic],
        ),
        ("Building blocks", [n for n in found if not results[n].benchmark.topic]),
    )
    for line in _notes(results, average):
        console.print(line, highlight=False, markup=False)
    console.print("?  undecided: the interval spans 1")
    for title, names in parts:
        for start in range(0, max(1, len(others)) if names else 0, room):
            table = _table(results, found, names, others[start : start + room])
            table.title = (
                f"\n{title}: speed relative to asyncio (memory: times smaller)"
            )
            if MEAN & {*names}:
                table.add_section()
                cells = (
                    f"{average[name][0]:.2f}" if name in average else ""
                    for name in others[start : start + room]
                )
                table.add_row("geometric mean", "", *cells, style="bold")
            console.print(table)


def _table(
    results: Mapping[str, Result],
    found: Mapping[str, Mapping[str, Mapping[str, Any]]],
    names: Iterable[str],
    others: Iterable[str],
) -> Table:
    table = Table(box=None, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("benchmark", no_wrap=True)
    table.add_column("asyncio", justify="right", no_wrap=True)
    for other in others:
        table.add_column(other.replace("-", " "), justify="right", width=10)
    for name in names:
        table.add_row(
            name,
            _asyncio(results[name].benchmark, found[name]),
            *(_cell(found[name].get(other)) for other in others),
        )
    return table


def _asyncio(benchmark: Benchmark, found: Mapping[str, Mapping[str, Any]]) -> str:
    figure = found.get(REFERENCE)
    if figure is None:
        return ""
    if benchmark.kind == "memory":
        return f"{figure['bytes']} B"
    return duration(figure["per_operation_s"]).replace("µ", "u")


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    ratio, low, high = (figure[key] for key in ("ratio_to_asyncio", "low", "high"))
    undecided = "?" if Interval(ratio, low, high, 1).undecided else " "
    return f"{ratio:.3g}{undecided}"


def _notes(
    results: Mapping[str, Result], average: Mapping[str, tuple[float, int]]
) -> list[str]:
    """Return the lines of text that belong to the tables."""
    lines: list[str] = []
    smaller: dict[tuple[str, int], list[str]] = {}
    absent: dict[tuple[str, str], list[str]] = {}
    sure = 1.0
    for name, result in results.items():
        idioms: dict[str, list[str]] = {}
        for label, finding in result.findings().items():
            if label != REFERENCE:
                sure = min(sure, finding.ratio.confidence)
            if finding.series.idiom and ":" not in label:
                idioms.setdefault(finding.series.idiom, []).append(label)
        if idioms:
            told = (f"{idiom} ({', '.join(who)})" for idiom, who in idioms.items())
            lines.append(f"{name}, the fastest idiom: {', '.join(told)}")
        for contestant, why in result.absent.items():
            absent.setdefault((contestant, why), []).append(name)
        for one in result.series:
            if one.size != result.benchmark.size:
                smaller.setdefault((one.contestant, one.size), []).append(name)
            if one.failed:
                lines.append(f"FAILED: {one.label} in {name}: {one.failed}")
    lines += [
        f"{who}: only {size:,} at once in {', '.join(dict.fromkeys(names))}"
        for (who, size), names in smaller.items()
    ]
    lines += [
        f"{who} takes no part in {', '.join(_short(names))}: {why}"
        for (who, why), names in absent.items()
    ]
    most = max((count for _, count in average.values()), default=0)
    lines += [
        f"{name}: the geometric mean is of {count} benchmarks only"
        for name, (_, count) in average.items()
        if count < most
    ]
    if (part := lost(results.values())) > 0.02:
        lines.append(
            f"Other processes held the core for {part:.0%} of the time. The machine "
            "was busy; run the bench again when it is idle."
        )
    if sure < CONFIDENCE:
        lines.append(
            "There were few rounds. With the fewest, an interval holds the true ratio "
            f"in {sure:.0%} of all cases. Use --rounds for more."
        )
    return lines


def _short(names: Iterable[str]) -> Iterable[str]:
    """Return the names without the sizes of topics, each once."""
    return dict.fromkeys(name.partition(" at ")[0] for name in names)
