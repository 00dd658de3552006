"""Results as we go: hand over each result the instant it is ready.

The workers send results over pipes. The caller takes them from the pipes in order of
arrival, so ``handle`` runs in the calling process. Only the results travel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.results_as_we_go import EXAMPLE, check

from .. import run
from ..pool import Pool


def results_as_we_go(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    handle: Callable[[Result], object],
) -> None:
    inputs = check(function, inputs, handle)

    with Pool(len(inputs)) as pool:
        # 2. Start a job for every input.
        for item in inputs:
            pool.submit(function, item)

        # 3. Hand over each result as it comes.
        for call in pool.as_ended():
            handle(call.result())

        # 4. The first error stops the rest.


def snooze(seconds: float) -> str:
    time.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
