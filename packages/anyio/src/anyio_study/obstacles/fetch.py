"""One HTTP request on a stream of anyio.

A cancellation is raised where the task waits, and ``async with`` closes the connection
on its way out: in a cancelled scope, too. The end of a stream is an exception here.
"""

from __future__ import annotations

import anyio
from concurrency_study.topics.fetching import CHUNK, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: there is no connection, or it ended too early.
        anyio.BrokenResourceError: it broke.
        BadResponse, ValueError: that is no HTTP, or no http address.
    """
    exchange = Exchange(url)
    async with await anyio.connect_tcp(*exchange.address) as stream:
        await stream.send(exchange.request)
        response = None
        while response is None:
            try:
                received = await stream.receive(CHUNK)
            except anyio.EndOfStream:
                received = b""
            response = exchange.feed(received)
    return response
