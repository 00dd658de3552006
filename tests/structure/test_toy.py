"""A study from outside is found, proven and compared as the others are.

It is in the folder ``toy``, with a world of its own. It is installed beside this
checkout, and put under ``packages`` in a copy of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_text import ROOT, tracked

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
AGAIN = ("imports", "readme", "registry", "sections", "text")
"""The modules here whose outcome depends on the studies that there are."""
STUDY = ("-c", "from concurrency_comparisons.cli import main; main()")
WORLDS = """
from pathlib import Path
from concurrency_study.inputs import worlds
from concurrency_study.registry import registered
print(*worlds(Path.cwd(), [registered()["toy"]]), sep="\\n")
"""
PYTEST = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def python(*arguments: str, root: Path, paths: list[str]) -> str:
    """Run Python on the sources of a checkout, and return what it printed."""
    sources = [str(root / each / "src") for each in ("shared", "comparisons")]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sources, *paths])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copied(to: Path) -> Path:
    """Copy this checkout, as far as git knows its files."""
    for path in tracked():
        (to / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to / path.relative_to(ROOT))
    return to


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, toy_paths):
    """A copy in which the suite has run, with the toy study installed beside it."""
    root = copied(tmp_path_factory.mktemp("beside"))
    suite = "tests/conformance"
    python(
        *(*PYTEST, "--study", "toy", "--complete", suite),
        *("--report", f"reports/toy-{HERE}.jsonl"),
        *(suite, "tests/worlds/test_every_world.py"),
        root=root,
        paths=toy_paths,
    )
    return root


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A copy with the toy study under ``packages``; no other file is touched."""
    root = copied(tmp_path_factory.mktemp("grown"))
    toy = root / "tests/structure/toy"
    shutil.copytree(toy, root / "packages/toy", dirs_exist_ok=True)
    return root


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("topics timeout", "toy"),
        ("show toy timeout", "with Deadline(inner):"),
        ("diff timeout toy trio", "> only trio"),
    ],
)
def test_an_installed_study_is_listed_shown_and_compared(toy_paths, command, said):
    assert said in python(*STUDY, *command.split(), root=ROOT, paths=toy_paths)


def test_the_matrix_includes_the_report_of_an_installed_study(checkout, toy_paths):
    printed = python(*STUDY, "matrix", "--json", root=checkout, paths=toy_paths)
    outcomes = [test["outcome"] for test in json.loads(printed)["toy"]["tests"]]
    assert outcomes.count("passed") > 50
    assert outcomes.count("cannot") == 1
    assert outcomes.count("differs") == 1
    matrix = python(*STUDY, "matrix", "timeout", root=checkout, paths=toy_paths)
    assert "toy" in matrix


def test_the_report_of_an_installed_study_depends_on_its_own_world(toy_paths):
    printed = python("-c", WORLDS, root=ROOT, paths=toy_paths)
    names = {"/".join(Path(line).parts[-2:]) for line in printed.splitlines()}
    assert {"toy_study/world.py", "toy_study/scheduler.py", "world/loop.py"} <= names


def test_a_study_among_the_others_has_a_nox_session(grown):
    listed = python("-m", "nox", "-l", root=grown, paths=[])
    assert f"* toy-{HERE} -> " in listed


def test_a_study_among_the_others_passes_the_tests_of_the_structure(grown):
    folder = grown / "tests/structure"
    wheel = "test_packages.py::test_the_wheel_holds_the_expected_files[toy]"
    modules = [f"{folder}/test_{name}.py" for name in AGAIN]
    python(*PYTEST, *modules, f"{folder}/{wheel}", root=grown, paths=[])
