"""The fuzz test of the kernel: it finds no difference, and it finds planted mistakes.

`compare` describes the comparison. `mutants` are mistakes planted in a copy of the
kernel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import generators_study
import pytest

HERE = Path(__file__).parent
PACKAGE = Path(generators_study.__file__).parent
PROGRAMS = 300
ENOUGH = 1500
"""Programs within which each mutant has to be found."""


def load_mutants():
    spec = spec_from_file_location("mutants", HERE / "mutants.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTANTS


MUTANTS = load_mutants()


def fuzz(*options, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", HERE, *options],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
    )


def plant(mutant, folder):
    """Make a copy of the study in which the kernel is wrong."""
    file, old, new = mutant
    shutil.copytree(PACKAGE, folder / PACKAGE.name)
    path = folder / PACKAGE.name / "kernel" / file
    text = path.read_text("utf-8")
    count = text.count(old)
    assert count == 1, f"{old!r} is {count} times in {file}: adapt the mutant"
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def runs(pool, tmp_path_factory):
    """The runs with each mutant, under way."""

    def run(mutant, folder):
        plant(mutant, folder)
        options = ("--programs", str(ENOUGH), "--seed", "1", "--quick")
        return fuzz(*options, PYTHONPATH=str(folder))

    return {
        name: pool.submit(run, mutant, tmp_path_factory.mktemp("mutant"))
        for name, mutant in MUTANTS.items()
    }


def test_kernel_and_trio_agree_on_random_programs():
    done = fuzz("--programs", str(PROGRAMS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", MUTANTS)
def test_planted_mistake_is_found(name, runs):
    done = runs[name].result()
    assert "The kernel and trio differ" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
