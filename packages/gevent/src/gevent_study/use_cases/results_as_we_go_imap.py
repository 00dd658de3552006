"""Results as we go: hand over each result the instant it is ready.

`imap_unordered` is an iterator over results in order of completion, and itself a
greenlet that starts the others, in nobody's group. It does not stop the rest when one
fails or the loop is left, and a call that raises StopIteration ends the loop silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check
from gevent.pool import Group

from .. import run
from .._stop import stop


def results_as_we_go(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)
    group = Group()
    try:
        # 2. Start a job for every input.
        results = group.imap_unordered(function, inputs)
        group.add(results)  # pyright: ignore[reportArgumentType]

        # 3. Hand over each result as it comes.
        for result in results:
            handle(result)

    # 4. The first error stops the rest.
    finally:
        stop(group)


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
