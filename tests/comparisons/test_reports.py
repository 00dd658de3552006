"""Are reports believed that say what a run found out, and only those?"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import jsonschema
import pytest
from concurrency_comparisons.reports import Refused, read, read_all
from concurrency_study.report import SCHEMA
from concurrency_study.topics import TOPICS

ROOT = Path(__file__).parents[2]

SUITE = """
import pytest

def test_the_example(world):
    say = world.recorder()

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)

    world.run(world.answer, job, say)
    assert say == [(1.5, "done\\u2028\\u00fc")]

@pytest.mark.needs("magic")
def test_it_does_magic(world):
    assert world.run(world.answer, lambda seconds: None, print) == "magic"
"""

# Other studies may be installed where this runs; the run is to see its own alone.
RUN = """
import sys, concurrency_study.study as s
every = s.installed_studies
s.installed_studies = lambda: [one for one in every() if one.name == "honest"]
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def run_of_a_made_up_study(root: Path, *more: str) -> None:
    suite = root / "tests/conformance"
    suite.mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\n")
    source = root / "packages/honest/src"
    (source / "honest_study/concepts").mkdir(parents=True)
    cannot = {"magic": "no wand"}
    (source / "honest_study/__init__.py").write_text(
        f"WORLDS = ('threads',)\nCANNOT = {cannot!r}\n"
    )
    for topic in TOPICS:
        (suite / f"test_{topic}.py").write_text(SUITE)
        (source / f"honest_study/concepts/{topic}.py").write_text(
            f"def {topic}(job, say):\n    job(1.5)\n    say('done\\u2028\\u00fc')\n"
        )
    info = source / "honest_study-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: honest-study\nVersion: 1\n"
        "Requires-Dist: concurrency-study\nRequires-Dist: pytest>=8\n"
    )
    (info / "entry_points.txt").write_text(
        "[concurrency_study.studies]\nhonest = honest_study\n"
    )
    report = ("--report", "reports/honest-3.11.jsonl", "--study", "honest")
    done = subprocess.run(
        [
            *(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r})"),
            *report,
        ][:0]
        or [
            *(sys.executable, "-c", RUN, "-q", "-p", "no:cacheprovider", *report),
            *("--complete", "tests/conformance", "tests/conformance", *more),
        ],
        cwd=root,
        env={**__import__("os").environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if more else 0), done.stdout + done.stderr
