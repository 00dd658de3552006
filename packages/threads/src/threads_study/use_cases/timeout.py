"""Timeout: a deadline within a deadline, and each knows whether it was the one.

A deadline is a timer: a thread that sets an event at its end. The outer timer sets the
event of the inner part as well. A job that does not look at its event keeps running.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event, Timer

from concurrency_study.topics import Result
from concurrency_study.topics.timeout import DONE, EXAMPLE, INNER, OUTER, check

from .. import run


def timeout(
    job: Callable[[Event], Result],
    instead: Callable[[Event], Result],
    outer: float,
    inner: float,
) -> tuple[str, Result | None]:
    check(job, instead, outer, inner)
    stop_all, stop_job = Event(), Event()

    def time_is_up() -> None:
        stop_all.set()
        stop_job.set()

    # 2. The outer deadline: when it cuts, all is over.
    # 3. The inner deadline; the outer one counts on.
    timers = [Timer(outer, time_is_up), Timer(inner, stop_job.set)]
    try:
        for timer in timers:
            timer.start()
        try:
            return DONE, job(stop_job)
        except CancelledError:
            if not stop_job.is_set():
                raise

        # 4. If the inner deadline has expired, run the substitute.
        if not stop_all.is_set():
            return INNER, instead(stop_all)
    except CancelledError:
        if not stop_all.is_set():
            raise
    finally:
        for timer in timers:
            timer.cancel()
            timer.join()
    return OUTER, None


def download(stop: Event) -> str:
    if stop.wait(60):
        raise CancelledError
    return "from afar"


def look_up(stop: Event) -> str:
    time.sleep(0.5)
    return "from the cache"


if __name__ == "__main__":
    print(*run(timeout, download, look_up, *EXAMPLE), sep=": ")
