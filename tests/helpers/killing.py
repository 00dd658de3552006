"""Calls of which a random worker is killed at a random instant, in real time.

A program for test_processes.py: ``python killing.py MODULE START TIMES FILE``. It
prints a line of JSON for each round: the results, the errors, and how often each item
was begun and done. The rounds end when a worker was killed in TIMES of them, and at
least once in the middle of a call. The start method is one of multiprocessing.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter

from concurrency_study.world import leaves

ITEMS = range(12)
NAP = {"fork": 0.005, "forkserver": 0.05, "spawn": 0.1}
"""The unit of the seconds for which a call sleeps: about the start of a process."""


def work(item):
    """Note the begin and the end of an item in a file, which no kill can tear."""
    path, start, number = item
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"begun {number}\n".encode())
    time.sleep(NAP[start] * (number % 5))
    os.write(log, f"done {number}\n".encode())
    os.close(log)
    return number * number


killed = False


def kill_one(*_):
    """Kill a random worker; if there is none, try again soon.

    An error here would be raised in whatever the signal has interrupted, which takes an
    OSError for its own.
    """
    global killed
    try:
        os.kill(random.choice(multiprocessing.active_children()).pid, signal.SIGKILL)
    except (IndexError, ProcessLookupError):
        signal.setitimer(signal.ITIMER_REAL, 0.001)
    else:
        killed = True


def round_of(answer, path, start, latest):
    """Make one call, in which a worker is killed, and return what became of it."""
    global killed
    killed = False
    with open(path, "w"):
        pass
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0005, latest))
    results, errors = None, []
    try:
        results = answer(work, [(path, start, number) for number in ITEMS])
    except Exception as error:
        errors = [type(leaf).__name__ for leaf in leaves(error)]
    signal.setitimer(signal.ITIMER_REAL, 0)
    with open(path) as log:
        lines = Counter(log.read().splitlines())
    return {
        "killed": killed,
        "results": results,
        "errors": errors,
        "begun": [lines[f"begun {number}"] for number in ITEMS],
        "done": [lines[f"done {number}"] for number in ITEMS],
        "left": [process.pid for process in multiprocessing.active_children()],
        "descriptors": len(os.listdir("/dev/fd")),
    }


if __name__ == "__main__":
    module, start, times, path = sys.argv[1:]
    multiprocessing.set_start_method(start)
    signal.signal(signal.SIGALRM, kill_one)
    answer = importlib.import_module(module).results_at_end
    random.seed(module)
    answer(work, [(path, start, 0)])  # it starts the fork server
    began = time.monotonic()
    answer(work, [(path, start, number) for number in ITEMS])
    latest = time.monotonic() - began
    kills = hits = 0
    while kills < int(times) or not hits:
        began = time.monotonic()
        done = round_of(answer, path, start, latest)
        print(json.dumps(done), flush=True)
        hit = done["begun"] != done["done"]
        if not done["killed"]:
            latest = time.monotonic() - began
        elif not hit:
            latest *= 1.2  # as fast as this machine lets a call begin
        kills += done["killed"]
        hits += hit
