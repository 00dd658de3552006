"""gevent: the caller that makes the shared call is killed, and others wait for ever.

The kill ends the call in the middle, so the result that the others wait for is never
set. In the fix the call has a greenlet of its own, and a kill ends only the wait of one
caller. The entry leaves the table when the call ends, even by an error.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import AsyncResult
from gevent.pool import Group

from .. import run


def surf(fetch: Callable[[str], object]) -> list[object]:
    """Start two readers, and kill Ann after 0.8 s; return what Bob got."""
    pages: list[object] = []

    def ann() -> None:
        fetch("page")

    def bob() -> None:
        pages.append(fetch("page"))

    def killer() -> None:
        gevent.sleep(0.8)
        first.kill()

    group = Group()
    first = group.spawn(ann)
    group.spawn(bob)
    group.spawn(killer)
    group.join(raise_error=True)
    return pages


def download(name: str) -> str:
    gevent.sleep(0.5)
    return name


def broken() -> None:
    flights: dict[str, AsyncResult[str]] = {}

    def fetch(name: str) -> object:
        if name in flights:
            return flights[name].get()
        flight = flights[name] = AsyncResult()
        page = download(name)
        del flights[name]
        flight.set(page)
        return page

    pages = surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


def fixed() -> None:
    flights: dict[str, gevent.Greenlet[..., str]] = {}
    calls = Group()

    def call(name: str) -> str:
        try:
            return download(name)
        finally:
            del flights[name]

    def fetch(name: str) -> object:
        if name not in flights:
            flights[name] = calls.spawn(call, name)
        return flights[name].get()

    pages = surf(fetch)
    calls.join()  # a call whose last caller was killed still runs
    assert pages == ["page"], f"Bob did not get the page: {pages}"


if __name__ == "__main__":
    run(fixed)
