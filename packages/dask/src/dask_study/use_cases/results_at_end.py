"""Results at the end: run a function many times, and look when all are done.

The scheduler gives each call to a worker. `Group` adds three things to ``Client.map``:
the first error sets ``stop``, no waiting call starts after that, and every error is
raised. ``gather`` fetches all results at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_at_end import EXAMPLE, check
from distributed import Event

from .. import run
from ..group import Group


def results_at_end(
    function: Callable[[Input, Event], Result],
    inputs: Iterable[Input],
) -> list[Result]:
    inputs = check(function, inputs)

    # 1. Start a job for every input.
    # 2. Wait for all; the first error stops the rest.
    with Group() as group:
        group.map(function, inputs, repeat(group.stop))

    # 3. Return the results in input order.
    return group.client.gather(group.futures)


def snooze(seconds: float, stop: Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    print(run(results_at_end, snooze, EXAMPLE))
