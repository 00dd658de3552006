"""One HTTP request on a stream of asyncio.

A cancellation is raised where the task waits. Closing begins with ``close``, and the
socket is closed when ``wait_closed`` returns, or when that is cancelled, a little
later; it raises once more what broke the connection.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from concurrency_study.topics.fetching import CHUNK, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: there is no connection, or it broke.
        BadResponse, ValueError: that is no HTTP, or no http address.
    """
    exchange = Exchange(url)
    reader, writer = await asyncio.open_connection(*exchange.address)
    try:
        writer.write(exchange.request)
        response = None
        while response is None:
            response = exchange.feed(await reader.read(CHUNK))
        return response
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
