"""Results at the end: run a function many times, and look when all are done.

A bare thread returns neither a result nor an error. So each thread stores its results
in a dict, and a group keeps the errors. Every input gets a thread, up to a bound.
Beyond that, a thread takes the next input when it is done with one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import MOST, run
from ..group import ThreadGroup


def results_at_end(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    results: dict[int, Result] = {}

    waiting: SimpleQueue[tuple[int, Input]] = SimpleQueue()
    for index, item in enumerate(inputs):
        waiting.put((index, item))

    def worker() -> None:
        while True:
            try:
                index, item = waiting.get_nowait()
            except Empty:
                return
            results[index] = function(item, group.stop)
            if group.stop.is_set():
                raise CancelledError

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    with ThreadGroup() as group:
        for _ in range(min(len(inputs), MOST)):
            group.start(worker)

    # 3. Return the results in input order.
    return [results[index] for index in range(len(inputs))]


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
