"""generators: the caller that makes the shared call is cancelled: others wait for ever.

The cancellation ends the call in the middle, so the future that the others wait for is
never settled. In the fix the call is a task of its own, and a cancellation ends only
the wait of one caller. The entry leaves the table when the call ends, even by an error.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import run
from ..kernel import CancelScope, Future, Group, Task, Wait, open_group, sleep


def surf(fetch: Callable[[Group], Wait[str]]) -> Wait[list[str]]:
    """Start two readers, and cancel Ann after 0.8 s; return what Bob got."""
    pages: list[str] = []
    scope = CancelScope()

    def ann(group: Group) -> Wait[None]:
        with scope:
            yield from fetch(group)

    def bob(group: Group) -> Wait[None]:
        pages.append((yield from fetch(group)))

    def canceller() -> Wait[None]:
        yield from sleep(0.8)
        scope.cancel()

    def start(group: Group) -> None:
        group.spawn(ann, group)
        group.spawn(bob, group)
        group.spawn(canceller)

    yield from open_group(start)
    return pages


def download() -> Wait[str]:
    yield from sleep(0.5)
    return "page"


def broken() -> Wait[None]:
    flights: dict[str, Future[str]] = {}

    def fetch(_: Group) -> Wait[str]:
        if "page" in flights:
            return (yield from flights["page"].wait())
        flight = flights["page"] = Future()
        page = yield from download()
        del flights["page"]
        flight.set_result(page)
        return page

    pages = yield from surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


def fixed() -> Wait[None]:
    flights: dict[str, Task[str]] = {}

    def call() -> Wait[str]:
        try:
            return (yield from download())
        finally:
            del flights["page"]

    def fetch(group: Group) -> Wait[str]:
        if "page" not in flights:
            flights["page"] = group.spawn(call)
        return (yield from flights["page"].join())

    pages = yield from surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


if __name__ == "__main__":
    run(fixed)
