"""Results as we go: hand over each result the instant it is ready.

`gevent.iwait` yields the greenlets in order of completion, so the caller itself calls
``handle``. After an error the group is stopping, and no further results are handed
over.
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
        jobs = [group.spawn(function, item) for item in inputs]

        # 3. Hand over each result as it comes.
        with gevent.iwait(jobs) as ended:
            for job in ended:
                if not group.stopping:
                    handle(job.get())

        # 4. The first error stops the rest.


def snooze(seconds: float) -> str:
    gevent.sleep(seconds)
    return f"{seconds} s"


if __name__ == "__main__":
    run(results_as_we_go, snooze, EXAMPLE, print)
