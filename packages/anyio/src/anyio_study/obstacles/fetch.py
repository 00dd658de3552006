"""One HTTP request on a stream of anyio.

A cancellation is raised where the task waits, and ``async with`` closes the connection
on its way out, also in a cancelled scope. ``connect_tcp`` tries the next address of a
name after 0.25 s (RFC 8305). anyio raises an exception at the end of a stream.
"""

from __future__ import annotations

import anyio
from concurrency_study.topics.fetching import CHUNK, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: the connection failed or ended too early.
        anyio.BrokenResourceError: the connection broke.
        BadResponse: the response is not HTTP, or too long.
        ValueError: the URL is not an http address.
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
