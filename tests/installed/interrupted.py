"""Press Ctrl-C in every answer of the installed study, in real time.

A program for test_interrupts.py, which needs a free main thread for the signal. It
prints a line of JSON for each answer: the module, the errors that the caller got, and
the threads left behind.
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from concurrency_study.study import installed_studies
from concurrency_study.topics import TOPICS, Probe
from concurrency_study.world import leaves

LONG = 60
SHORT = 1
"""Seconds of a job that can be stopped (LONG) and that cannot be stopped (SHORT)."""
IDLE = "leaving no idle thread"
"""The capability without which a library keeps threads for later calls."""
REST = "stopping the rest"
"""The capability without which the jobs run to their end."""
SAYING = ("countdown", "factorial")
"""Topics without native jobs whose example takes seconds."""


@dataclass
class Job:
    """A job that says that it has begun, also from another process."""

    snooze: Callable
    seconds: float
    address: str

    def __call__(self, number, *stop):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.address)
        if "stop" in inspect.signature(self.snooze).parameters and not stop:
            return self.snooze(SHORT, threading.Event())
        return self.snooze(self.seconds, *stop)


def interrupt(study, answer, folder):
    """Call the answer, press Ctrl-C as soon as it runs, and return how it ended."""
    ended = threading.Event()
    main = threading.main_thread().ident
    snooze = importlib.import_module(
        f"{study.package.__name__}.use_cases.results_at_end"
    ).snooze
    # The path of a socket has about 100 characters at most.
    room = tempfile.TemporaryDirectory()
    address = str(Path(room.name, "began"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(1000)

    def say(*_):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(address)

    def press():
        listener.accept()[0].close()
        signal.pthread_kill(main, signal.SIGINT)
        # CPython does not notice a signal that comes just before it begins to block.
        while not ended.wait(2):
            signal.pthread_kill(main, signal.SIGINT)

    path = Path(folder, "file")
    path.write_bytes(b"")
    job = Job(snooze, SHORT if REST in answer.cannot else LONG, address)
    means = Probe(job, say, path, io.BytesIO())
    arguments = answer.question.probe(means)
    before = set(threading.enumerate())
    finger = threading.Thread(target=press)
    finger.start()
    try:
        study.package.run(answer.function, *arguments)
        errors = []
    except BaseException as error:
        errors = [type(leaf).__name__ for leaf in leaves(error)]
    finally:
        ended.set()
        say()
    finger.join()
    listener.close()
    room.cleanup()
    left = []
    for thread in set(threading.enumerate()) - before:
        if IDLE not in answer.cannot:
            while thread.ident is None:  # the interrupt came as it was started
                time.sleep(0.01)
            thread.join(10)  # a pool that was interrupted as it started one
            left += [thread.name] * thread.is_alive()
    line = {"module": answer.module, "errors": errors, "left": left}
    print(json.dumps(line), flush=True)


def main(folder):
    (study,) = installed_studies()
    for topic in TOPICS:
        for answer in study.answers(topic):
            if answer.question.JOBS or topic in SAYING:
                interrupt(study, answer, folder)


if __name__ == "__main__":
    main(sys.argv[1])
