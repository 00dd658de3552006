"""Results at the end: run a function many times, and look when all are done.

``map`` and ``gather`` of a client, as many would write it. The scheduler has all calls
from the start, and gives more of them to a worker than it has threads. ``gather``
raises the first error. It does not stop the rest: calls that run are forgotten, and
run to their end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check
from distributed import get_client

from .. import run

CANNOT = {
    "stopping the rest": "a call that runs cannot be stopped, and is not asked to",
    "waiting for the rest": "gather raises the first error at once",
    "cancellation from outside": "the calls are not asked to stop",
}


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)
    client = get_client()

    # 1. Start a job for every input.
    futures = client.map(function, inputs, pure=False)

    # 3. Return the results in input order.
    return client.gather(futures)


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
