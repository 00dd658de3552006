"""Results at the end: run a function many times, and look when all are done.

`Pool.map` is the short way, and the right one for calls that do not fail. It notices an
error only when the calls before it have ended, and it kills none of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check
from gevent.pool import Pool

from .. import run

CANNOT = {
    "stopping the rest": "an error comes in input order; the other calls continue",
    "cancellation from outside": "a kill ends the waiting; the calls continue",
}


def results_at_end(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 3. Return the results in input order.
    return Pool().map(function, inputs)


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
