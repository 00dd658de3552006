"""Print the answers that change between two versions of a library or of Python.

Each side gets a new environment: one with the pinned versions, one with those that are
named. Both measure every answer, and only what differs is printed.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

ROOT = Path(__file__).parents[2]
MEASURE = "concurrency_study.behaviours"
HERE = platform.python_version().rpartition(".")[0]


class Failed(Exception):
    """A study cannot be installed with these versions, or not be measured."""


def libraries(study: str) -> set[str]:
    """Return the names of a study's distributions and libraries."""
    path = ROOT / f"packages/{study}/pyproject.toml"
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    needs = [Requirement(line) for line in project["dependencies"]]
    found = {name for need in needs for name in (need.name, *need.extras)}
    return (found | {study}) - {"concurrency-study", "http"}


def measured(
    folder: Path, studies: list[str], python: str, libraries: list[Requirement]
) -> dict[str, Any]:
    """Return what each study says, in an environment of its own.

    The value of a study that cannot be installed or measured is a `Failed`.
    """
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    named = {library.name for library in libraries}
    kept = [pin for pin in pins if pin.partition("==")[0] not in named]
    (folder / "constraints.txt").write_text("\n".join(kept), "utf-8")
    found: dict[str, Any] = {}
    for study in studies:
        try:
            interpreter = install(folder, study, python, libraries)
            print(f"{study}: measuring with Python {python} ...", file=sys.stderr)
            said = output(interpreter, "-W", "ignore", "-m", MEASURE)
            (found[study],) = json.loads(said.splitlines()[-1])
        except Failed as error:
            found[study] = error
    return found


def install(folder: Path, study: str, python: str, libraries: list[Requirement]) -> str:
    """Make an environment with one study, and return its interpreter."""
    uv = (sys.executable, "-m", "uv")
    place = folder / study
    output(*uv, "venv", "-q", "--python", python, str(place))
    interpreter = place / "bin/python"
    if not interpreter.exists():
        interpreter = place / "Scripts/python.exe"
    output(
        *(*uv, "pip", "install", "-q", "--python", str(interpreter)),
        *("-c", str(folder / "constraints.txt"), "pytest", *map(str, libraries)),
        *("-e", str(ROOT / "shared"), "-e", str(ROOT / f"packages/{study}")),
    )
    return str(interpreter)


def output(*command: str) -> str:
    """Return the output of a command, or raise what it says on stderr."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return done.stdout


def versions(of: dict[str, Any]) -> str:
    """Return the versions that were measured, as one reads them."""
    used = {"Python": of["python"], **of["libraries"]}
    return ", ".join(f"{name} {version}" for name, version in used.items())


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return a line for each answer that is another one after the change."""
    old = {(a["function"], a["world"]): a for a in before["answers"]}
    new = {(a["function"], a["world"]): a for a in after["answers"]}
    lines: list[str] = []
    worlds = [{world for _, world in side} for side in (old, new)]
    for world in sorted(worlds[0] ^ worlds[1]):
        lines.append(f"  {world}: only {'before' if world in worlds[0] else 'after'}")
    for key in old | new:
        if key[1] not in worlds[0] & worlds[1]:
            continue
        was, now = old.get(key), new.get(key)
        here: Any = was or now
        said = [each["measured"] if each else "not there" for each in (was, now)]
        if said[0] != said[1]:
            way = f", {here['way']}" if here["way"] else ""
            lines.append(
                f"  {here['number']}. {here['question']}\n"
                f"     {here['world']}{way}: {said[0]} -> {said[1]}"
            )
    return lines


def main() -> None:
    """Compare the pinned versions with those that are named."""
    parser = argparse.ArgumentParser(prog="nox -s drift --", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="LIBRARY==VERSION|STUDY",
        help="a version to compare the pinned one with, or a study (default: those "
        "that use the library, or all)",
    )
    parser.add_argument(
        "--python", default=HERE, help=f"the Python to compare with (default: {HERE})"
    )
    parser.add_argument(
        "--from-python", default=HERE, help=f"the Python before (default: {HERE})"
    )
    options = parser.parse_args()
    known = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
    asked = [name for name in options.names if name in known]
    try:
        others = [Requirement(name) for name in options.names if name not in known]
    except InvalidRequirement as error:
        parser.error(f"{error}; name a study ({', '.join(known)}) or trio==0.30")
    using = [s for s in known if {r.name for r in others} & libraries(s)]
    studies = asked or (using if others else known)
    if not studies:
        parser.error(f"no study uses {', '.join(map(str, others))}")
    if not others and options.python == options.from_python:
        parser.error("name a version, as trio==0.30, or another Python: --python 3.12")
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        ThreadPoolExecutor(2) as pool,
    ):
        sides = (
            pool.submit(measured, Path(one), studies, options.from_python, []),
            pool.submit(measured, Path(other), studies, options.python, others),
        )
        before, after = (side.result() for side in sides)
    if all(isinstance(after[study], Failed) for study in studies):
        sys.exit("\n".join(f"{study}: {after[study]}" for study in studies))
    for study in studies:
        failed = [e for e in (before[study], after[study]) if isinstance(e, Failed)]
        if failed:
            print(f"{study}: left out, for it cannot be installed:\n{failed[0]}")
            continue
        lines = changes(before[study], after[study])
        print(f"{study}: {versions(before[study])} -> {versions(after[study])}")
        print("\n".join(lines) or "  no answer changes")


if __name__ == "__main__":
    main()
