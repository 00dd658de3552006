"""Ctrl-C ends every answer while it waits, in real time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from concurrency_study.topics import TOPICS

PROGRAM = Path(__file__).with_name("interrupted.py")


def test_ctrl_c_ends_every_answer_and_reaches_the_caller(study, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM, tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    ended = [json.loads(line) for line in done.stdout.splitlines()]
    called = {each["module"] for each in ended}
    answers = [answer for topic in TOPICS for answer in study.answers(topic)]
    assert called >= {answer.module for answer in answers if answer.question.JOBS}
    for each in ended:
        assert each["errors"].count("KeyboardInterrupt") == 1, each
        assert set(each["errors"]) == {"KeyboardInterrupt"}, each
        assert not each["left"], each
