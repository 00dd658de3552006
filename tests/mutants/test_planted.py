"""A test of the suite: each mistake planted in an answer must fail a test.

``planted/<topic>.py`` holds the mistakes of a topic: by name, the old text of asyncio's
answer and the new text. ``planted/<study>.py`` holds the mistakes of a whole study: by
name, the file, the old text, the new text, and the test that must fail. The file
``planted/obstacles.py`` holds those of asyncio's clients of the obstacle course.

Mistakes are planted in a copy of the installed study: ``nox -s planted -- trio``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from concurrency_study.registry import project_of
from concurrency_study.study import installed_studies
from concurrency_study.topics import TOPICS

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).with_name("planted")
(STUDY,) = installed_studies()
PACKAGE = Path(import_module(f"{STUDY.name}_study").__file__).parent
NO_VARIANTS = " and ".join(f"not {world}:" for world in STUDY.worlds)


def mistakes_in(name: str) -> dict[str, Any]:
    """Return the mistakes in a file of this folder."""
    spec = spec_from_file_location(f"mistakes_in_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MISTAKES


def plant(answer: str, old: str, new: str, folder: Path) -> None:
    """Make a copy of the study in which one file is wrong."""
    shutil.copytree(PACKAGE, folder / PACKAGE.name)
    project = project_of(PACKAGE)
    assert project is not None
    shutil.copy(project, folder / PACKAGE.name)
    (path,) = (folder / PACKAGE.name).glob(answer)
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} is found {text.count(old)} times in {answer}"
    path.write_text(text.replace(old, new), "utf-8")


def suite_on(
    folder: Path, *tests: str, only: str = NO_VARIANTS
) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy until the first failure."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "--study", STUDY.name),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "-k", only),
            *("-o", "faulthandler_timeout=60"),  # a mistake may hang
            *tests,
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATIENCE": "20",  # seconds, for clients that a mistake makes stuck
        },
        capture_output=True,
        text=True,
    )


def failed(done: subprocess.CompletedProcess[str]) -> bool:
    """Return whether a test failed: code 1.

    An answer that cannot be imported gives another code. So may a hang, as the
    interpreter may crash while faulthandler writes where its threads are.
    """
    return done.returncode == 1 or "Timeout (" in done.stderr


class Mistake(NamedTuple):
    """One mistake: where it is planted, and which tests are run on it."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str


def in_topic(topic: str) -> dict[str, Mistake]:
    """Return the topic's mistakes: its tests are run, then the common questions."""
    tests = (
        f"tests/conformance/test_{topic}.py",
        "tests/conformance/test_common_questions.py",
    )
    only = f"(test_{topic}.py and {NO_VARIANTS}) "
    only += f"or (test_common_questions.py and :{topic})"
    return {
        name: Mistake(f"*/{topic}.py", old, new, tests, only)
        for name, (old, new) in mistakes_in(topic).items()
    }


def in_study(file: str, old: str, new: str, test: str) -> Mistake:
    """Return a mistake for which one test is run."""
    topic = Path(file).stem
    of_topic = "test_common_questions" in test and topic in TOPICS
    return Mistake(file, old, new, (test,), f":{topic}" if of_topic else "")


def in_client(file: str, old: str, new: str, *tests: str) -> Mistake:
    """Return a mistake for which some tests of the obstacle course are run."""
    paths = tuple(f"tests/obstacles/{test}" for test in tests)
    return Mistake(file, old, new, paths, NO_VARIANTS)


OURS = STUDY.name == "asyncio"
OF_STUDY = mistakes_in(STUDY.name) if (HERE / f"{STUDY.name}.py").exists() else {}
CLIENTS = mistakes_in("obstacles") if OURS else {}


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """By mistake, the run of the suite on it, for all tests that were chosen."""
    # Made here: the factory's first use is not safe in two threads at once.
    base = tmp_path_factory.mktemp("planted")

    def run(number: int, mistake: Mistake) -> subprocess.CompletedProcess[str]:
        folder = base / str(number)
        plant(mistake.file, mistake.old, mistake.new, folder)
        return suite_on(folder, *mistake.tests, only=mistake.only)

    chosen = [item for item in request.session.items if "runs" in item.fixturenames]
    given = [item.callspec.params["mistakes"] for item in chosen]
    # A test without mistakes is skipped; it has no mapping.
    mistakes = [m for each in given if isinstance(each, dict) for m in each.values()]
    with ThreadPoolExecutor(3) as pool:  # one more than two cores: some of them wait
        yield {m: pool.submit(run, number, m) for number, m in enumerate(mistakes)}


def of_each(mistakes: dict[str, Mistake]) -> pytest.MarkDecorator:
    """Parametrize a test with one mistake at a time."""
    cases = [pytest.param({name: m}, id=name) for name, m in mistakes.items()]
    return pytest.mark.parametrize("mistakes", cases)


@pytest.mark.parametrize(
    "mistakes",
    [pytest.param(in_topic(topic), id=topic) for topic in TOPICS] if OURS else (),
)
def test_every_planted_mistake_fails_a_test(mistakes, runs):
    assert mistakes
    done = {name: runs[mistake].result() for name, mistake in mistakes.items()}
    assert not [name for name, run in done.items() if run.returncode == 0]
    for run in done.values():
        assert failed(run), run.stdout + run.stderr


@of_each({name: in_study(*mistake) for name, mistake in OF_STUDY.items()})
def test_every_mistake_in_a_study_fails_its_test(mistakes, runs):
    (mistake,) = mistakes.values()
    done = runs[mistake].result()
    assert failed(done), done.stdout + done.stderr


@of_each({name: in_client(*mistake[:-1]) for name, mistake in CLIENTS.items()})
def test_every_wrong_client_is_caught_for_the_right_reason(mistakes, runs):
    ((name, mistake),) = mistakes.items()
    done = runs[mistake].result()
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(CLIENTS[name][-1], done.stdout), done.stdout
