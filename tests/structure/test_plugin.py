"""The plugin fails the runs that must fail, tried with made-up studies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from concurrency_study.topics import TOPICS

SUITE = """
import pytest

def test_it_answers(world):
    assert world.run(world.answer) == "answered"

@pytest.mark.needs("stopping the rest")
def test_it_does_magic(world):
    assert world.run(world.answer) == "magic"
"""

MAGIC = "stopping the rest"
"""The capability that the made-up suite needs."""


class Place:
    """A folder with made-up studies, and a suite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.suite = folder / "suite"
        self.suite.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\n")
        for topic in TOPICS:
            (self.suite / f"test_{topic}.py").write_text(SUITE)

    def study(
        self, name: str, *, cannot: dict[str, str], says: str, does: str = ""
    ) -> None:
        package = self.folder / f"{name}_study"
        (package / "concepts").mkdir(parents=True)
        entry = "[tool.concurrency-study]\nworlds = ['threads']\n"
        (package / "pyproject.toml").write_text(entry)
        (package / "__init__.py").write_text(f"CANNOT = {cannot!r}\n")
        for topic in TOPICS:
            (package / "concepts" / f"{topic}.py").write_text(
                f"def {topic}():\n    {does}\n    return {says!r}\n"
            )
        info = self.folder / f"{name}_study-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}-study\nVersion: 1\n"
        )
        (info / "entry_points.txt").write_text(
            f"[concurrency_study.studies]\n{name} = {name}_study\n"
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "concurrency_study.suite",
                *arguments,
            ],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
        )


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


COMPLETE = ("--complete", "suite", "suite")


def test_a_complete_run_of_an_honest_study_passes(place):
    place.study("honest", cannot={MAGIC: "no wand"}, says="answered")
    done = place.run("--study", "honest", *COMPLETE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(TOPICS)} passed, {len(TOPICS)} xfailed" in done.stdout


def test_an_undeclared_limitation_fails(place):
    place.study("silent", cannot={}, says="answered")
    done = place.run("--study", "silent", *COMPLETE)
    assert done.returncode == 1
    assert f"{len(TOPICS)} failed" in done.stdout


def test_a_declared_limitation_that_passes_fails(place):
    place.study("modest", cannot={MAGIC: "no wand"}, says="magic")
    done = place.run("--study", "modest", *COMPLETE, "-k", "magic")
    assert done.returncode == 1
    assert "XPASS(strict)" in done.stdout


@pytest.mark.parametrize("broken", ["no_such_name", "len(3)"])
def test_broken_code_is_not_excused_by_a_declaration(place, broken):
    place.study("broken", cannot={MAGIC: "no wand"}, says="", does=broken)
    ways = [
        "world.run(world.answer)",
        "with world.raises(ValueError): world.run(world.answer)",
        "try: world.run(world.answer)\n    except Exception: pass\n    assert False",
        "world.at(1, world.answer); world.run(lambda: time.sleep(2))",
    ]
    (place.suite / "test_tasks.py").write_text(
        "import pytest, time\n\n"
        + "".join(
            f"@pytest.mark.needs({MAGIC!r})\ndef test_{i}(world):\n    {way}\n\n"
            for i, way in enumerate(ways)
        )
    )
    done = place.run("--study", "broken", "suite/test_tasks.py")
    assert done.returncode == 1
    assert f"{len(ways)} failed" in done.stdout
    assert done.stdout.count("it must fail this test, but not with this error") >= 2


def test_an_error_of_a_library_is_excused_by_a_declaration(place):
    place.study("honest", cannot={MAGIC: "no"}, says="", does="raise ValueError")
    (place.suite / "test_tasks.py").write_text(
        f"import pytest\n\n@pytest.mark.needs({MAGIC!r})\ndef test_it(world):\n"
        "    try: world.run(world.answer)\n    except Exception: pass\n"
        "    assert False\n"
    )
    done = place.run("--study", "honest", "suite/test_tasks.py")
    assert done.returncode == 0
    assert "1 xfailed" in done.stdout


def test_a_declaration_of_an_unknown_capability_is_an_error(place):
    place.study("wordy", cannot={"magic": "no wand"}, says="answered")
    done = place.run("--study", "wordy", *COMPLETE)
    assert done.returncode == 4
    assert "CANNOT of wordy_study: unknown capability 'magic'" in done.stderr
    assert "thousands at once" in done.stderr


def test_a_test_that_needs_an_unknown_capability_is_an_error(place):
    place.study("honest", cannot={MAGIC: "no wand"}, says="answered")
    suite = (place.suite / "test_tasks.py").read_text().replace(MAGIC, "magic")
    (place.suite / "test_tasks.py").write_text(suite)
    done = place.run("--study", "honest", *COMPLETE)
    assert done.returncode == 4
    assert "test_it_does_magic: unknown capability 'magic'" in done.stderr


def test_a_declaration_that_no_test_uses_fails(place):
    cannot = {MAGIC: "no wand", "thousands at once": "no room"}
    place.study("wordy", cannot=cannot, says="answered")
    done = place.run("--study", "wordy", *COMPLETE)
    assert done.returncode == 1
    assert "declares 'thousands at once', which no test needs" in done.stdout


def test_a_test_that_was_left_out_fails_a_complete_run(place):
    place.study("lazy", cannot={MAGIC: "no wand"}, says="answered")
    done = place.run("--study", "lazy", *COMPLETE, "-k", "answers")
    assert done.returncode == 1
    assert "test_it_does_magic[threads] has not run" in done.stdout


def test_a_module_that_is_missing_fails_a_complete_run(place):
    place.study("honest", cannot={MAGIC: "no wand"}, says="answered")
    (place.suite / "test_tasks.py").unlink()
    done = place.run("--study", "honest", *COMPLETE)
    assert done.returncode == 1
    assert "has no test_tasks.py" in done.stdout


def test_a_topic_without_an_answer_is_an_error(place):
    place.study("lazy", cannot={MAGIC: "no wand"}, says="answered")
    (place.folder / "lazy_study/concepts/tasks.py").unlink()
    done = place.run("--study", "lazy", *COMPLETE)
    assert done.returncode != 0
    assert "has no answer to tasks" in done.stdout + done.stderr


def test_no_study_is_an_error_when_one_is_expected(place):
    done = place.run("--study", "honest", "suite")
    assert done.returncode == 4
    assert "--study honest: installed here: no study" in done.stderr


def test_another_study_than_the_expected_one_is_an_error(place):
    place.study("other", cannot={}, says="answered")
    done = place.run("--study", "honest", "suite")
    assert done.returncode == 4
    assert "installed here: other" in done.stderr


def test_a_second_study_beside_the_expected_one_is_an_error(place):
    place.study("honest", cannot={}, says="answered")
    place.study("other", cannot={}, says="answered")
    done = place.run("--study", "honest", "suite")
    assert done.returncode == 4
    assert "honest, other" in done.stderr


def test_without_a_study_the_world_must_be_named(place):
    test = place.folder / "test_mine.py"
    test.write_text("def test_it(world):\n    assert world.run(lambda: 3) == 3\n")
    done = place.run("test_mine.py")
    assert done.returncode != 0
    assert "Pass --world NAME" in done.stdout + done.stderr
    assert place.run("test_mine.py", "--world", "threads").returncode == 0
    (place.folder / "pytest.ini").write_text("[pytest]\nworld = threads\n")
    assert place.run("test_mine.py").returncode == 0


def test_a_world_that_is_unknown_or_lacks_its_library_says_so(place):
    (place.folder / "test_mine.py").write_text("def test_it(world):\n    pass\n")
    done = place.run("test_mine.py", "--world", "tiro")
    assert done.returncode != 0
    assert "no world 'tiro'; there are" in done.stdout + done.stderr


def test_another_fixture_of_the_same_name_is_left_alone(place):
    (place.folder / "test_mine.py").write_text(
        "import pytest\n\n"
        "@pytest.fixture\ndef world():\n    return 'mine'\n\n"
        "def test_it(world):\n    assert world == 'mine'\n"
    )
    done = place.run("test_mine.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_interrupted_run_keeps_the_last_report(place):
    place.study("honest", cannot={MAGIC: "no wand"}, says="answered")
    report = place.folder / "reports/honest.jsonl"
    place.run("--study", "honest", *COMPLETE, "--report", str(report))
    header, *_, footer = map(json.loads, report.read_text().splitlines())
    assert header["study"] == "honest"
    assert footer.pop("digest").startswith("sha256:")
    assert footer == {
        "record": "footer",
        "complete": True,
        "tests": 2 * len(TOPICS),
        "passed": len(TOPICS),
        "cannot": len(TOPICS),
        "differs": 0,
        "failed": 0,
    }
    (place.suite / "test_tasks.py").write_text(
        "def test_it(world):\n    raise KeyboardInterrupt\n"
    )
    whole = report.read_text()
    place.run("--study", "honest", *COMPLETE, "--report", str(report))
    assert report.read_text() == whole
    assert [*report.parent.iterdir()] == [report]


def test_a_report_of_a_part_says_so(place):
    place.study("honest", cannot={MAGIC: "no wand"}, says="answered")
    report = place.folder / "honest.jsonl"
    place.run("--study", "honest", "suite", "--report", str(report), "-k", "answers")
    assert '"complete": false' in report.read_text().splitlines()[-1]
