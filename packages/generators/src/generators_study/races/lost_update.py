"""generators: a count is read before a wait and written after it: an update is lost.

Another task runs only at a yield, and ``yield from`` shows each line at which that may
happen. The fix holds a lock from the read to the write.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import run
from ..kernel import Group, Lock, Wait, open_group, sleep


def visit(count: Callable[[], Wait[None]]) -> Wait[None]:
    """Count two visits, the second one 0.1 s after the first."""

    def ann() -> Wait[None]:
        yield from count()

    def bob() -> Wait[None]:
        yield from sleep(0.1)
        yield from count()

    def start(group: Group) -> None:
        group.spawn(ann)
        group.spawn(bob)

    yield from open_group(start)


def log() -> Wait[None]:
    yield from sleep(0.05)


def broken() -> Wait[None]:
    hits = 0

    def count() -> Wait[None]:
        nonlocal hits
        before = hits
        yield from log()
        hits = before + 1

    yield from visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


def fixed() -> Wait[None]:
    hits = 0
    lock = Lock()

    def count() -> Wait[None]:
        nonlocal hits
        yield from lock.acquire()
        try:
            before = hits
            yield from log()
            hits = before + 1
        finally:
            lock.release()

    yield from visit(count)
    assert hits == 2, f"2 visits, but {hits} counted"


if __name__ == "__main__":
    run(fixed)
