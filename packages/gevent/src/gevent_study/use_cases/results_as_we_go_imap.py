"""Results as we go: hand over each result the instant it is ready.

`imap_unordered` is an iterator over results in order of completion. It does not stop
the rest when a call fails or the caller leaves the loop. The group does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run
from ..group import GreenletGroup


def results_as_we_go(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)

    with GreenletGroup() as group:
        # 2. Start a job for every input.
        results = group.imap_unordered(function, inputs)
        # It is a greenlet too, which starts the others: it ends with them.
        group.add(results)  # pyright: ignore[reportArgumentType]

        # 3. Hand over each result as it comes.
        for result in results:
            if not group.stopping:
                handle(result)

        # 4. The first error stops the rest.


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
