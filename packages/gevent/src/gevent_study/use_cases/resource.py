"""Resource: what was opened is closed, whatever happens.

A ``kill()`` or a `gevent.Timeout` interrupts one wait, and may come while ``close``
waits. So ``close`` runs in a greenlet of its own, which is never killed. This greenlet
keeps its error: the hub would print it, and pass a KeyboardInterrupt to the main
greenlet.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.resource import EXAMPLE, Handle, check

from .. import run


def resource(
    open_it: Callable[[], Handle],
    use: Callable[[Handle], Result],
    close: Callable[[Handle], object],
) -> Result:
    check(open_it, use, close)
    cancelled: BaseException | None = None
    errors: list[BaseException] = []

    def close_it() -> None:
        try:
            close(handle)
        except BaseException as error:
            errors.append(error)

    # 1. Open it: from now on there is something to close.
    handle = open_it()
    try:
        # 2. Use it.
        result = use(handle)
    finally:
        # 3. Close it, whatever has happened, to the end, whatever happens.
        closing = gevent.Greenlet(close_it)
        closing.start()
        while not closing.ready():
            try:
                closing.join()
            except (gevent.GreenletExit, gevent.Timeout) as error:
                if not isinstance(cancelled, gevent.GreenletExit):
                    cancelled = error
            except BaseException as error:  # Ctrl-C
                errors.append(error)
        if len(errors) > 1:
            raise BaseExceptionGroup("errors of closing", errors)
        if errors:
            raise errors[0]

    # 4. A cancellation that came meanwhile takes effect.
    if cancelled is not None:
        raise cancelled
    return result


def connect() -> str:
    gevent.sleep(0.5)
    print(f"opened {EXAMPLE}")
    return EXAMPLE


def talk(connection: str) -> str:
    gevent.sleep(0.5)
    return f"used {connection}"


def disconnect(connection: str) -> None:
    gevent.sleep(0.5)
    print(f"closed {connection}")


if __name__ == "__main__":
    print(run(resource, connect, talk, disconnect))
