"""``python -m`` of every answer prints what its topic promises, in real time."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from concurrency_study.topics import TOPICS


def lines_of(module, typed):
    """Return the lines that the program prints. It must not complain."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module],
        input=typed,
        capture_output=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    return [line for line, _ in groupby(done.stdout.decode().splitlines())]


def typed(answer):
    """Return the input that the example types, if it types any."""
    example = answer.question.EXAMPLE
    return example if isinstance(example, bytes) else b""


def test_every_program_prints_what_its_topic_promises(study):
    with ThreadPoolExecutor(4) as pool:
        printed = {
            answer: pool.submit(lines_of, answer.module, typed(answer))
            for topic in TOPICS
            for answer in study.answers(topic)
        }
    for answer, lines in printed.items():
        found, promised = lines.result(), list(answer.question.PRINTS)
        if getattr(answer.question, "ANY_ORDER", False):
            found, promised = sorted(found), sorted(promised)
        assert len(found) == len(promised), (answer.module, found)
        for line, promise in zip(found, promised, strict=True):
            assert line.startswith(promise), (answer.module, found)
