"""Does a suite fail when what is declared of its tests is untrue?"""

from __future__ import annotations

import pytest

from .__main__ import Suite, judge, run

SUITE = """
import threading
import time
import pytest

@pytest.fixture
def at_ten():
    time.sleep(10)
    yield time.monotonic()
    time.sleep(5)

def test_passes(at_ten):
    time.sleep(3600)
    assert (at_ten, time.monotonic()) == (10, 3610)

def test_fails():
    assert not time.monotonic()
    time.sleep(1)
    assert not time.monotonic()

def test_leaves_a_thread():
    threading.Thread(target=time.sleep, args=[60], daemon=True).start()

def test_hangs():
    rounds = 0
    while True:  # a loop that only looks would be refused at once
        rounds += 1
"""
TRUE = {
    "fails": {"test_fails": ""},
    "untidy": {"test_leaves_a_thread": ""},
    "not-run": {"test_hangs": ""},
}


def outcome(tmp_path, declared, **options):
    suite = Suite("some", "1", "threads", ["test_some.py"], declared, **options)
    root = suite.root(tmp_path)
    root.mkdir()
    (root / "test_some.py").write_text(SUITE, "utf-8")
    return run(suite, tmp_path, patience=2)


def test_a_suite_passes_if_all_declarations_are_true(tmp_path):
    found = outcome(tmp_path, TRUE)
    assert found.problems == [], found.output
    counted = {name: count for name, count in found.counts.items() if count}
    assert counted == {"passed": 2, "fails": 1, "untidy": 1, "not run": 1}
    assert found.virtual == 3616


@pytest.mark.parametrize(
    ("how", "name", "problem"),
    [
        ("fails", "test_passes", "failed: test_some.py::test_passes"),
        ("untidy", "test_passes", "failed: test_some.py::test_passes"),
        ("fails", "test_gone", "declared, but no such test: test_gone"),
        ("not-run", "some.py", "declared, but no such test: some.py"),
    ],
)
def test_an_untrue_declaration_fails_the_suite(tmp_path, how, name, problem):
    declared = {**TRUE, how: {**TRUE[how], name: ""}}
    assert outcome(tmp_path, declared).problems == [problem]


def test_a_file_that_is_left_out_must_exist(tmp_path):
    problems = outcome(tmp_path, TRUE, files={"gone.py": ""}).problems
    assert problems == ["left out, but no such file: gone.py"]


def test_a_failure_that_is_not_declared_fails_the_suite(tmp_path):
    problems = outcome(tmp_path, {"not-run": TRUE["not-run"]}).problems
    assert problems == [
        "failed: test_some.py::test_fails",
        "failed: test_some.py::test_leaves_a_thread",
    ]


def test_a_test_that_hangs_is_ended_and_named(tmp_path):
    declared = {**TRUE, "not-run": {}}
    assert outcome(tmp_path, declared).problems == ["hung: test_some.py::test_hangs"]


def test_an_error_after_the_test_is_one_failure():
    node = {"ends": "t", "seconds": 0, "virtual": 0, "runs": 1, "untidy": False}
    failed = {"test": "t", "outcome": "failed"}
    counts, problems, _ = judge([{"begins": "t"}, failed, failed, node])
    assert counts["failed"] == 1
    assert problems == ["failed: t"]
