"""AnyIO: the caller that makes the shared call is cancelled: others wait for ever.

The cancellation ends the call in the middle, so the event that the others wait for is
never set. The fix cleans up in ``finally``, which needs no checkpoint: the entry leaves
the table, and the event is set. A waiter that finds no page makes the call itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .. import run


class Flight:
    """A call in progress. The page is None if the call did not succeed."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.page: str | None = None


async def surf(fetch: Callable[[str], Awaitable[str]]) -> list[str]:
    """Start two readers, and cancel Ann after 0.8 s; return what Bob got."""
    pages: list[str] = []
    scope = anyio.CancelScope()

    async def ann() -> None:
        with scope:
            await fetch("page")

    async def bob() -> None:
        pages.append(await fetch("page"))

    async def canceller() -> None:
        await anyio.sleep(0.8)
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(ann, name="Ann")
        group.start_soon(bob, name="Bob")
        group.start_soon(canceller, name="canceller")
    return pages


async def download(name: str) -> str:
    await anyio.sleep(0.5)
    return name


async def broken() -> None:
    flights: dict[str, Flight] = {}

    async def fetch(name: str) -> str:
        while flight := flights.get(name):
            await flight.ended.wait()
            if flight.page is not None:
                return flight.page
        flight = flights[name] = Flight()
        flight.page = await download(name)
        del flights[name]
        flight.ended.set()
        return flight.page

    pages = await surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


async def fixed() -> None:
    flights: dict[str, Flight] = {}

    async def fetch(name: str) -> str:
        while flight := flights.get(name):
            await flight.ended.wait()
            if flight.page is not None:
                return flight.page
        flight = flights[name] = Flight()
        try:
            flight.page = await download(name)
        finally:
            del flights[name]
            flight.ended.set()
        return flight.page

    pages = await surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


if __name__ == "__main__":
    run(fixed)
