"""Threads: two threads see that no connection is open, and each opens one.

What was tested may have changed when the thread acts on it, even on the next line. The
fix holds a lock from the test to the end of the act.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from .. import run


class Database:
    """A database that is opened when it is first used."""

    def __init__(self) -> None:
        self.connection: object = None
        self.opened = 0

    def connect(self) -> object:
        self.opened += 1
        return object()


def use(connection: Callable[[], object]) -> None:
    """Ask for the connection in two threads, and wait for both."""
    threads = [Thread(target=connection, name=name) for name in ("Ann", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def broken() -> None:
    database = Database()

    def connection() -> object:
        if database.connection is None:
            database.connection = database.connect()
        return database.connection

    use(connection)
    assert database.opened == 1, f"{database.opened} connections; one is lost"


def fixed() -> None:
    database = Database()
    lock = Lock()

    def connection() -> object:
        with lock:
            if database.connection is None:
                database.connection = database.connect()
        return database.connection

    use(connection)
    assert database.opened == 1, f"{database.opened} connections; one is lost"


if __name__ == "__main__":
    run(fixed)
