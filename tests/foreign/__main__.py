"""Run the test suites of other packages in virtual time, and print a table.

python -m tests.foreign            all of ``packages.toml``
python -m tests.foreign janus      one package

Source distributions come from the package index through pip, and are kept in a folder.
A suite fails if a test fails that is not declared, if a declared one does not, if a
declaration matches no test, or if a test takes longer than `PATIENCE` real seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 60
"""Real seconds after which a test that has not ended has hung."""
OPTIONS = """\
[pytest]
faulthandler_timeout = {}
faulthandler_exit_on_timeout = true
"""
OTHERS = ("anyio", "asyncio", "trio", "randomly", "cacheprovider")
"""The plugins that would run, order or remember the tests of a suite as well."""
COLUMNS = (
    "package",
    "world",
    "passed",
    "outside",
    "untidy",
    "fails",
    "not run",
    "skipped",
    "virtual s",
    "real s",
)


@dataclass
class Suite:
    """One table ``[[suite]]`` of ``packages.toml``, in one world."""

    package: str
    version: str
    world: str
    tests: list[str]
    declared: dict[str, dict[str, str]]
    files: dict[str, str] = field(default_factory=dict[str, str])
    """Files and folders that are not collected, and why."""
    in_wheel: bool = False

    @property
    def archive(self) -> str:
        """The name of the source distribution, without its ending."""
        return f"{self.package.replace('-', '_').lower()}-{self.version}"

    def root(self, folder: Path) -> Path:
        """Return the folder that the paths of the tests begin in."""
        if not self.in_wheel:
            return folder / self.archive
        found = importlib.util.find_spec(self.package)
        assert found, f"{self.package} is not installed"
        assert found.origin
        return Path(found.origin).parent.parent


@dataclass
class Outcome:
    """The result of a run of a suite."""

    counts: Counter[str]
    problems: list[str]
    virtual: float
    seconds: float
    output: str


def suites() -> list[Suite]:
    """Return the suites of the table, one for each world."""
    table = tomllib.loads((HERE / "packages.toml").read_text("utf-8"))
    return [
        Suite(
            each["package"],
            each["version"],
            world,
            each["tests"],
            {how: each.get(how, {}) for how in ("fails", "untidy", "not-run")},
            each.get("files-left-out", {}),
            each.get("in-wheel", False),
        )
        for each in table["suite"]
        for world in each["worlds"]
    ]


def get_sources(chosen: list[Suite], cache: Path, folder: Path) -> None:
    """Download the source distributions that are not there yet, and unpack all."""
    wanted = {suite.archive: suite for suite in chosen if not suite.in_wheel}
    missing = [s for a, s in wanted.items() if not (cache / f"{a}.tar.gz").exists()]
    if missing:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--no-binary", ",".join(s.package for s in missing)),
                *("--dest", str(cache)),
                *(f"{s.package}=={s.version}" for s in missing),
            ],
            check=True,
        )
    for archive in wanted:
        with tarfile.open(cache / f"{archive}.tar.gz") as file:
            file.extractall(folder, filter="data")


def run(suite: Suite, folder: Path, patience: float = PATIENCE) -> Outcome:
    """Run a suite in a process of its own."""
    with tempfile.TemporaryDirectory() as kept:
        found, declared = Path(kept, "found.jsonl"), Path(kept, "declared.json")
        ini = Path(kept, "pytest.ini")
        declared.write_text(json.dumps(suite.declared), "utf-8")
        ini.write_text(OPTIONS.format(patience), "utf-8")
        found.touch()
        root = suite.root(folder)
        began = time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "in_world", "-q", "--tb=short"),
                *(word for name in OTHERS for word in ("-p", f"no:{name}")),
                *("-c", str(ini), "--rootdir", str(root), "--in-world", suite.world),
                *("--declared", str(declared), "--found", str(found)),
                *(f"--ignore={name}" for name in suite.files),
                *suite.tests,
            ],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(HERE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seconds = time.perf_counter() - began
        records = [json.loads(line) for line in found.read_text("utf-8").splitlines()]
    counts, problems, virtual = judge(records)
    gone = [name for name in suite.files if not (root / name).exists()]
    problems += [f"left out, but no such file: {name}" for name in gone]
    if done.returncode and not problems:
        problems = [f"pytest ended with {done.returncode}"]
    return Outcome(counts, problems, virtual, seconds, done.stdout)


def judge(records: list[dict[str, Any]]) -> tuple[Counter[str], list[str], float]:
    """Return what the records of a run come to: counts, problems, virtual seconds."""
    counts: Counter[str] = Counter()
    problems: list[str] = []
    outcomes: dict[str, str] = {}
    virtual = 0.0
    running = ""
    for record in records:
        if "unused" in record:
            counts["not run"] += record["not_run"]
            problems += [f"declared, but no such test: {n}" for n in record["unused"]]
        elif "begins" in record:
            running = record["begins"]
        elif "test" in record:
            # A test that fails and then fails to clean up is one failure.
            if outcomes.get(record["test"]) != "failed":
                outcomes[record["test"]] = record["outcome"]
        else:
            running = ""
            virtual += record["virtual"]
            outcome = outcomes.get(record["ends"], "failed")
            counts[outcome] += 1
            if outcome == "passed":
                counts["outside"] += not record["runs"]
                counts["untidy"] += record["untidy"]
            if outcome == "failed":
                problems.append(f"failed: {record['ends']}")
    if running:
        problems.append(f"hung: {running}")
    return counts, problems, virtual


def row(suite: Suite, outcome: Outcome) -> list[str]:
    counts = [str(outcome.counts[name]) for name in COLUMNS[2:-2]]
    times = [f"{outcome.virtual:.0f}", f"{outcome.seconds:.1f}"]
    return [f"{suite.package} {suite.version}", suite.world, *counts, *times]


def show(rows: list[list[str]]) -> None:
    """Print a table, with numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        padded = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        print("  ".join(padded))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.foreign", description=__doc__)
    parser.add_argument("packages", nargs="*", help="default: all")
    parser.add_argument("--cache", type=Path, help="a folder for what is downloaded")
    args = parser.parse_args()
    known = suites()
    names = {suite.package for suite in known}
    if unknown := set(args.packages) - names:
        parser.error(f"unknown: {unknown}; there are {', '.join(sorted(names))}")
    chosen = [s for s in known if not args.packages or s.package in args.packages]
    rows = [list(COLUMNS)]
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cache: Path = args.cache or folder
        cache.mkdir(parents=True, exist_ok=True)
        get_sources(chosen, cache, folder)
        for suite in chosen:
            outcome = run(suite, folder)
            rows.append(row(suite, outcome))
            label = f"{suite.package} in the world {suite.world}"
            print(f"{label}: {'failed' if outcome.problems else 'passed'}", flush=True)
            if outcome.problems:
                failed.append(label)
                print(outcome.output, *outcome.problems, "", sep="\n", flush=True)
    show(rows)
    if failed:
        print("failed:", *failed, sep="\n  ")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
