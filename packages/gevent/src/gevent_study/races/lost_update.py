"""gevent: a count is read before a wait and written after it, so an update is lost.

Another greenlet runs only during a wait. Nothing in the line ``log()`` shows that it
waits, because any function may. The fix holds a lock from the read to the write.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from .. import run


def visit(count: Callable[[], object]) -> None:
    """Count two visits, the second one 0.1 s after the first."""

    def ann() -> None:
        count()

    def bob() -> None:
        gevent.sleep(0.1)
        count()

    group = Group()
    group.spawn(ann)
    group.spawn(bob)
    group.join(raise_error=True)


def log() -> None:
    gevent.sleep(0.05)


def broken() -> None:
    hits = 0

    def count() -> None:
        nonlocal hits
        before = hits
        log()
        hits = before + 1

    visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


def fixed() -> None:
    hits = 0
    lock = BoundedSemaphore(1)

    def count() -> None:
        nonlocal hits
        with lock:
            before = hits
            log()
            hits = before + 1

    visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


if __name__ == "__main__":
    run(fixed)
