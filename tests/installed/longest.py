"""Hand the largest number of seconds to every answer that takes one, in real time.

A program for test_longest.py, which needs a free main thread for Ctrl-C. It prints a
line of JSON for each call: the module, the call, its value and the errors that the
caller got. A library that cannot wait that long raises or complains on stderr.
"""

from __future__ import annotations

import importlib
import inspect
import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from concurrency_study.study import installed_studies
from concurrency_study.topics import LONGEST
from concurrency_study.world import leaves

SOON = 0.3
"""Seconds of a short job, and until Ctrl-C ends a call that waits for years."""


@dataclass
class Job:
    """A job of any topic, which may be sent to another process."""

    snooze: Callable
    seconds: float

    def __call__(self, *given):
        numbers = [each for each in given if isinstance(each, int)]
        stop = given[len(numbers) :]
        if "stop" in inspect.signature(self.snooze).parameters and not stop:
            stop = (threading.Event(),)
        return self.snooze(self.seconds, *stop)


def calls(job, reported):
    """The calls that end by themselves, and those that wait, as (topic, arguments)."""
    ending = [
        ("timeout", (job(0), job(0), LONGEST, LONGEST)),
        ("hedge", (job(SOON), LONGEST, 2)),
        ("tasks", ({"a": job(SOON)}, "a", LONGEST, reported)),
        ("futures", (job(SOON), [("a", 0, LONGEST)], reported)),
        ("periodic", (job(0), LONGEST, 1)),
    ]
    waiting = [
        ("timeout", (job(LONGEST), job(0), LONGEST, LONGEST)),
        ("hedge", (job(LONGEST), LONGEST, 2)),
        ("tasks", ({"a": job(LONGEST)}, "a", LONGEST, reported)),
        ("periodic", (job(0), LONGEST, 2)),
    ]
    return ending, waiting


def try_(study, answer, arguments):
    """Call the answer, and print how the call ended."""
    value, errors = None, []
    try:
        value = study.package.run(answer.function, *arguments)
    except BaseException as error:
        errors = [type(leaf).__name__ for leaf in leaves(error)]
    line = {"module": answer.module, "value": value, "errors": errors}
    print(json.dumps(line), flush=True)


def main(which):
    (study,) = installed_studies()
    room = f"{study.package.__name__}.use_cases"
    snooze = importlib.import_module(f"{room}.results_at_end").snooze
    ending, waiting = calls(partial(Job, snooze), lambda *_: None)
    for topic, arguments in waiting if which == "waiting" else ending:
        for answer in study.answers(topic):
            press = (threading.main_thread().ident, signal.SIGINT)
            finger = threading.Timer(SOON, signal.pthread_kill, press)
            if which == "waiting":
                finger.start()
            try_(study, answer, arguments)
            finger.cancel()


if __name__ == "__main__":
    main(sys.argv[1])
