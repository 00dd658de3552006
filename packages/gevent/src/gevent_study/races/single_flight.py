"""gevent: the caller that makes the shared call is killed, and others wait for ever.

The kill ends the call in the middle, so the result that the others wait for is never
set. In the fix the call has a greenlet of its own, and a kill ends only the wait of one
caller. The entry leaves the table when the call ends, even by an error.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import AsyncResult

from .. import run


def surf(fetch: Callable[[], str]) -> list[str]:
    """Start two readers, and kill Ann after 0.8 s; return what Bob got."""
    pages: list[str] = []

    def ann() -> None:
        fetch()

    def bob() -> None:
        pages.append(fetch())

    def killer() -> None:
        gevent.sleep(0.8)
        first.kill()

    first = gevent.spawn(ann)
    others = [gevent.spawn(bob), gevent.spawn(killer)]
    gevent.joinall([first, *others], raise_error=True)
    return pages


def download() -> str:
    gevent.sleep(0.5)
    return "page"


def broken() -> None:
    flights: dict[str, AsyncResult[str]] = {}

    def fetch() -> str:
        if "page" in flights:
            return flights["page"].get()
        flight = flights["page"] = AsyncResult()
        page = download()
        del flights["page"]
        flight.set(page)
        return page

    pages = surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


def fixed() -> None:
    flights: dict[str, gevent.Greenlet[[], str]] = {}

    def call() -> str:
        try:
            return download()
        finally:
            del flights["page"]

    def fetch() -> str:
        if "page" not in flights:
            flights["page"] = gevent.spawn(call)
        return flights["page"].get()

    pages = surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


if __name__ == "__main__":
    run(fixed)
