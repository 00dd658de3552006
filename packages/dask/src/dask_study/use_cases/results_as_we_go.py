"""Results as we go: hand over each result the instant it is ready.

The scheduler tells the client of each call that has ended. Those of one moment come in
one batch, whose results ``gather`` fetches together. So ``handle`` runs in the calling
process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check
from distributed import Event

from .. import run
from ..group import Group


def results_as_we_go(
    function: Callable[[Input, Event], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)

    with Group() as group:
        # 2. Start a job for every input.
        group.map(function, inputs, repeat(group.stop))

        # 3. Hand over each result as it comes.
        for batch in group.batches():
            for result in group.client.gather(batch):
                handle(result)

        # 4. The first error stops the rest.


def snooze(seconds: float, stop: Event) -> str:
    stop.wait(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
