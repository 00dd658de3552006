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
from typing import Any

import pytest
from concurrency_study.registry import project_of
from concurrency_study.study import installed_studies
from concurrency_study.topics import TOPICS, VIRTUAL

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
    folder: Path, *tests: str, only: str = NO_VARIANTS, limit: int = 60
) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy until the first failure; each may take `limit` seconds."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "--study", STUDY.name),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "-k", only),
            *("-o", f"faulthandler_timeout={limit}"),  # a mistake may hang
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


def asked(folder: Path, topic: str) -> subprocess.CompletedProcess[str]:
    """Run the topic's tests on the copy, then the common questions if they pass."""
    return suite_on(
        folder,
        f"tests/conformance/test_{topic}.py",
        "tests/conformance/test_common_questions.py",
        only=f"(test_{topic}.py and {NO_VARIANTS}) "
        f"or (test_common_questions.py and :{topic})",
    )


OURS = STUDY.name == "asyncio"


@pytest.mark.parametrize("topic", TOPICS if OURS else ())
def test_every_planted_mistake_fails_a_test(topic, tmp_path):
    mistakes = mistakes_in(topic)
    assert mistakes
    # Tests in real time wait for processes and for the ends of hangs as well.
    with ThreadPoolExecutor(2 if topic in VIRTUAL else 4) as pool:
        runs = {}
        for number, (name, (old, new)) in enumerate(mistakes.items()):
            folder = tmp_path / str(number)
            plant(f"*/{topic}.py", old, new, folder)
            runs[name] = pool.submit(asked, folder, topic)
    survivors = [name for name, run in runs.items() if run.result().returncode == 0]
    assert not survivors
    for run in runs.values():
        done = run.result()
        assert failed(done), done.stdout + done.stderr


OF_STUDY = mistakes_in(STUDY.name) if (HERE / f"{STUDY.name}.py").exists() else {}


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """By name, the run of the suite on each mistake. Two runs are concurrent."""
    # Made here: the factory's first use is not safe in two threads at once.
    base = tmp_path_factory.mktemp("planted")

    def run(at: int, name: str) -> subprocess.CompletedProcess[str]:
        file, old, new, test = OF_STUDY[name]
        folder = base / str(at)
        plant(file, old, new, folder)
        topic = Path(file).stem
        of_topic = "test_common_questions" in test and topic in TOPICS
        return suite_on(folder, test, only=f":{topic}" if of_topic else "")

    asking = [item for item in request.session.items if "runs" in item.fixturenames]
    names = [item.callspec.params["name"] for item in asking]
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(run, at, name) for at, name in enumerate(names)}


@pytest.mark.parametrize("name", OF_STUDY)
def test_every_mistake_in_a_study_fails_its_test(name, runs):
    done = runs[name].result()
    assert failed(done), done.stdout + done.stderr


CLIENTS = mistakes_in("obstacles") if OURS else {}


@pytest.fixture(scope="module")
def clients(request, tmp_path_factory):
    """By name, the run of the course with each wrong client. Three are concurrent."""
    base = tmp_path_factory.mktemp("clients")

    def run(at: int, name: str) -> subprocess.CompletedProcess[str]:
        file, old, new, *tests, _ = CLIENTS[name]
        plant(file, old, new, base / str(at))
        # In real time, which may be short. What is stuck ends after PATIENCE.
        paths = [f"tests/obstacles/{test}" for test in tests]
        return suite_on(base / str(at), *paths, limit=600)

    asking = [item for item in request.session.items if "clients" in item.fixturenames]
    names = [item.callspec.params["name"] for item in asking]
    with ThreadPoolExecutor(3) as pool:  # they wait more than they compute
        yield {name: pool.submit(run, at, name) for at, name in enumerate(names)}


@pytest.mark.parametrize("name", CLIENTS)
def test_every_wrong_client_is_caught_for_the_right_reason(name, clients):
    done = clients[name].result()
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(CLIENTS[name][-1], done.stdout), done.stdout
