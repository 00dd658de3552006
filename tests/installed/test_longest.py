"""Every answer accepts the largest number of seconds, in real time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("longest.py")


WAITING = ("timeout", "hedge", "tasks", "periodic")
"""The topics whose calls can wait for years."""
ENDING = (*WAITING, "futures")
"""The topics whose calls take a number of seconds."""


def modules(study, topics):
    return [answer.module for topic in topics for answer in study.answers(topic)]


def lines_of(which):
    """Return the outcome of each call. The program must not fail."""
    done = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, which],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_deadline_of_31_years_does_not_disturb_a_call_that_ends_at_once(
    study, without_noise
):
    ended, complaints = lines_of("ending")
    assert without_noise(complaints) == ""
    called = [each["module"] for each in ended]
    assert sorted(called) == sorted(modules(study, ENDING))
    for each in ended:
        assert each["errors"] == [], each
        if each["module"].endswith(".timeout"):
            assert each["value"] == ["done", "0 s"], each


def test_a_wait_of_31_years_begins_without_an_error(study):
    ended, complaints = lines_of("waiting")
    called = [each["module"] for each in ended]
    assert sorted(called) == sorted(modules(study, WAITING))
    for each in ended:
        assert set(each["errors"]) == {"KeyboardInterrupt"}, each
    assert "Overflow" not in complaints, complaints
