"""The program of every answer prints what its topic promises, in real time.

There are two: ``python -m`` of the answer, and the script that people paste.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from concurrency_study.pasted import pasteable
from concurrency_study.topics import TOPICS

ALONE = Path(__file__).with_name("alone.py")


def lines_of(command, typed):
    """Return the lines that the program prints, and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        input=typed,
        capture_output=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = [line for line, _ in groupby(done.stdout.decode().splitlines())]
    return lines, done.stderr.decode()


def typed(answer):
    """Return the input that the example types, if it types any."""
    example = answer.question.EXAMPLE
    return example if isinstance(example, bytes) else b""


def keeps_promise(answer, lines):
    """Return whether these lines are those that the topic promises."""
    promised = list(answer.question.PRINTS)
    if getattr(answer.question, "ANY_ORDER", False):
        lines, promised = sorted(lines), sorted(promised)
    return len(lines) == len(promised) and all(map(str.startswith, lines, promised))


def assert_promised(commands, without_noise):
    """Run the command of every answer, and compare what it prints with the topic.

    The deadlines of an example are real ones, and what misses them on a busy machine
    says nothing. So a program that prints other lines is run again, alone.
    """
    with ThreadPoolExecutor(4) as pool:
        printed = {
            answer: pool.submit(lines_of, command, typed(answer))
            for answer, command in commands.items()
        }
    for answer, lines in printed.items():
        found, complaints = lines.result()
        for _ in range(3):
            if not keeps_promise(answer, found):
                found, complaints = lines_of(commands[answer], typed(answer))
        assert keeps_promise(answer, found), (answer.module, found)
        assert without_noise(complaints) == "", answer.module


def test_every_program_prints_what_its_topic_promises(study, without_noise):
    answers = [answer for topic in TOPICS for answer in study.answers(topic)]
    commands = {answer: ("-m", answer.module) for answer in answers}
    assert_promised(commands, without_noise)


def test_every_pasted_answer_prints_what_its_topic_promises(
    study, refused, without_noise, tmp_path
):
    commands = {}
    for answer in (answer for topic in TOPICS for answer in study.answers(topic)):
        section, stem = answer.module.split(".")[1:]
        script = tmp_path / f"{stem}.py"
        script.write_text(pasteable(study.folder / section / script.name), "utf-8")
        commands[answer] = ("-I", ALONE, script, *refused)
    assert_promised(commands, without_noise)
