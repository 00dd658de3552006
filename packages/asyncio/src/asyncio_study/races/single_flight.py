"""asyncio: the caller that makes the shared call is cancelled: others wait for ever.

The cancellation ends the call in the middle, so the future that the others wait for is
never settled. In the fix the call is a task of its own. The entry leaves the table when
the call ends, even by an error. Without ``shield``, a caller that is cancelled while it
waits would cancel what all wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from .. import run


async def surf(fetch: Callable[[str], Coroutine[object, object, str]]) -> list[str]:
    """Start two readers, and cancel Ann after 0.8 s; return what Bob got."""
    pages: list[str] = []

    async def ann() -> None:
        await fetch("page")

    async def bob() -> None:
        pages.append(await fetch("page"))

    async def canceller() -> None:
        await asyncio.sleep(0.8)
        first.cancel()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(ann(), name="Ann")
        group.create_task(bob(), name="Bob")
        group.create_task(canceller(), name="canceller")
    return pages


async def download(name: str) -> str:
    await asyncio.sleep(0.5)
    return name


async def broken() -> None:
    flights: dict[str, asyncio.Future[str]] = {}

    async def fetch(name: str) -> str:
        if name in flights:
            return await asyncio.shield(flights[name])
        flight = flights[name] = asyncio.get_running_loop().create_future()
        page = await download(name)
        del flights[name]
        flight.set_result(page)
        return page

    pages = await surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


async def fixed() -> None:
    flights: dict[str, asyncio.Task[str]] = {}

    async def call(name: str) -> str:
        try:
            return await download(name)
        finally:
            del flights[name]

    async with asyncio.TaskGroup() as calls:

        async def fetch(name: str) -> str:
            if name not in flights:
                flights[name] = calls.create_task(call(name), name=f"call of {name}")
            return await asyncio.shield(flights[name])

        pages = await surf(fetch)
    assert pages == ["page"], f"Bob did not get the page: {pages}"


if __name__ == "__main__":
    run(fixed)
