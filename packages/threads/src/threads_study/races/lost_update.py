"""Threads: two threads read the same count, and one of the two updates is lost.

No wait is needed. The system may switch to another thread between the read and the
write, here when ``hits.get`` returns. The fix makes both one step with a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from .. import run


def visit(function: Callable[[], object]) -> None:
    """Call it in two threads, and wait for both."""
    threads = [Thread(target=function, name=name) for name in ("Ann", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def broken() -> None:
    hits: dict[str, int] = {}

    def count() -> None:
        hits["page"] = hits.get("page", 0) + 1

    visit(count)
    assert hits["page"] == 2, f"2 visits, but {hits['page']} counted"


def fixed() -> None:
    hits: dict[str, int] = {}
    lock = Lock()

    def count() -> None:
        with lock:
            hits["page"] = hits.get("page", 0) + 1

    visit(count)
    assert hits["page"] == 2, f"2 visits, but {hits['page']} counted"


if __name__ == "__main__":
    run(fixed)
