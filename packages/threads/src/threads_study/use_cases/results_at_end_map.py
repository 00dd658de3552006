"""Results at the end: run a function many times, and look when all are done.

``pool.map`` is the shortest way. It yields the results in input order. So it notices an
error only when all calls before it have ended, and it stops no running call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check

from .. import MOST, run

CANNOT = {"stopping the rest": "map waits for the calls in order, and stops none"}


def results_at_end(
    function: Callable[[Input, threading.Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    stop = threading.Event()

    # 1. Start a job for every input.
    # 3. Return the results in input order.
    with ThreadPoolExecutor(min(len(inputs), MOST) or 1) as pool:
        return list(pool.map(function, inputs, repeat(stop)))


def snooze(seconds: float, stop: threading.Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
