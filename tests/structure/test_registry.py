"""The registry: studies describe themselves, and are found wherever they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from concurrency_study.registry import (
    BadEntry,
    answers_in,
    entry_of,
    registered,
    topic_of,
)

ROOT = Path(__file__).parent.parent.parent
TABLE = """\
[project]
requires-python = ">=3.12"

[tool.concurrency-study]
order = 2.5
libraries = ["toy"]
worlds = ["toy", "toy-eager >=3.99"]
plain = true
waits.calls = ["wait"]

[tool.concurrency-study.leaves-out]
race = "a toy runs one job at a time"
"""


def make_study(package: Path, table: str) -> Path:
    package.mkdir(parents=True)
    (package / "pyproject.toml").write_text(table)
    return package


def test_a_study_has_the_place_that_its_table_says(monkeypatch, toy_paths):
    for path in toy_paths:
        monkeypatch.syspath_prepend(path)
    names = [*registered(ROOT)]
    assert names[0] == "generators"
    assert names[-1] == "toy"


def test_an_entry_holds_what_its_table_says(tmp_path):
    entry = entry_of(make_study(tmp_path / "some_study", TABLE))
    assert entry.order == 2.5
    assert entry.libraries == ("toy",)
    assert entry.worlds == ("toy",)
    assert [*entry.every_world] == ["toy", "toy-eager"]
    assert entry.pythons == ">=3.12"
    assert entry.leaves_out == {"race": "a toy runs one job at a time"}
    assert entry.waits.plain
    assert entry.waits.calls == {"wait"}


def test_a_study_without_a_table_comes_last(tmp_path):
    package = tmp_path / "a/b/c/bare_study"
    package.mkdir(parents=True)
    entry = entry_of(package)
    assert (entry.name, entry.worlds, entry.order) == ("bare", ("bare",), 1000)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tool.concurrency-study]\nordr = 1\n", "no key 'ordr'; there are leaves-out"),
        ("[tool.concurrency-study]\norder = 'one'\n", "order is 'one'"),
        ("[tool.concurrency-study]\nworlds = ['a >= x']\n", "like >=3.12"),
        ("[tool.concurrency-study]\nwaits.call = []\n", "waits has no key 'call'"),
        ("[tool.concurrency-study]\nlibraries = [1]\n", "a list of names"),
        ("[tool.", "pyproject.toml"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_file_and_key(tmp_path, table, said):
    make_study(tmp_path / "bad_study", table)
    with pytest.raises(BadEntry, match=r"pyproject\.toml") as raised:
        entry_of(tmp_path / "bad_study")
    assert said in str(raised.value)


def test_a_study_that_cannot_be_imported_costs_one_line(toy_paths, tmp_path):
    (tmp_path / "toy_study").mkdir()  # it hides the one that works
    (tmp_path / "toy_study/__init__.py").write_text("import nothing_here\n")
    (tmp_path / "test_some.py").write_text("def test_it(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("-p", "concurrency_study.suite", "test_some.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *toy_paths])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "nothing_here" in line]
    assert line.startswith("the study toy is left out: it cannot be imported:")


def test_the_longest_topic_name_that_fits_is_answered(tmp_path):
    topics = ("event", "event_loop", "race")
    assert topic_of("event_loop", topics) == "event_loop"
    assert topic_of("event_loop_callbacks", topics) == "event_loop"
    assert topic_of("event_first", topics) == "event"
    assert topic_of("eventually", topics) is None
    (tmp_path / "concepts").mkdir()
    for stem in ("event_loop", "event", "eventually", "_event"):
        (tmp_path / f"concepts/{stem}.py").touch()
    found = [(t, p.stem) for t, p in answers_in(tmp_path, {"concepts": topics})]
    assert found == [("event", "event"), ("event_loop", "event_loop")]
