"""Does the suite bite? Each mistake that is planted in an answer must fail a test.

``tests/teeth/<topic>.py`` holds the mistakes of a topic: by name, the text of the
asyncio answer that is replaced, and what takes its place. ``obstacles.py`` holds those
of clients of the obstacle course.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import asyncio_study
import pytest
from concurrency_study.topics import TOPICS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGE = Path(asyncio_study.__file__).parent


def mistakes_in(topic: str) -> dict[str, tuple[str, ...]]:
    """The mistakes that are planted in the answer to a topic."""
    spec = spec_from_file_location(f"mistakes_in_{topic}", HERE / f"{topic}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MISTAKES


def plant(answer: str, old: str, new: str, folder: Path) -> None:
    """A copy of the study in which one file is wrong."""
    shutil.copytree(PACKAGE, folder / PACKAGE.name)
    (path,) = (folder / PACKAGE.name).glob(answer)
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {answer}"
    path.write_text(text.replace(old, new), "utf-8")


def suite_on(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy; the first failure ends it."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "--study", "asyncio"),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "-k", "not asyncio:"),
            *("--timeout", "60", "--timeout-method", "thread"),
            *tests,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("topic", TOPICS)
def test_every_planted_mistake_fails_a_test(topic, tmp_path):
    mistakes = mistakes_in(topic)
    assert mistakes
    with ThreadPoolExecutor(2) as pool:
        runs = {}
        for number, (name, (old, new)) in enumerate(mistakes.items()):
            folder = tmp_path / str(number)
            plant(f"*/{topic}.py", old, new, folder)
            suite = f"tests/conformance/test_{topic}.py"
            runs[name] = pool.submit(suite_on, folder, suite)
    survivors = [name for name, run in runs.items() if run.result().returncode == 0]
    assert not survivors
    for run in runs.values():
        done = run.result()
        # 1 is a test that failed; an answer that cannot be imported gives another.
        assert done.returncode == 1, done.stdout + done.stderr


CLIENTS = mistakes_in("obstacles")


@pytest.mark.parametrize("name", CLIENTS)
def test_every_wrong_client_is_caught_for_the_right_reason(name, tmp_path):
    file, old, new, *tests, reason = CLIENTS[name]
    plant(file, old, new, tmp_path)
    done = suite_on(tmp_path, *(f"tests/obstacles/{test}" for test in tests))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(reason, done.stdout), done.stdout
