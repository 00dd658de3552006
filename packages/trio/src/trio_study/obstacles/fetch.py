"""One HTTP request on a stream of trio.

A cancellation is raised where the task waits, and ``async with`` closes the connection
on its way out. That also works in a cancelled scope: trio closes a socket before it
waits. ``open_tcp_stream`` tries the next address of a name after 0.25 s (RFC 8305).
"""

from __future__ import annotations

import trio
from concurrency_study.topics.fetching import CHUNK, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: the connection failed or ended too early.
        trio.BrokenResourceError: the connection broke.
        BadResponse: the response is not HTTP, or too long.
        ValueError: the URL is not an http address.
    """
    exchange = Exchange(url)
    async with await trio.open_tcp_stream(*exchange.address) as stream:
        await stream.send_all(exchange.request)
        response = None
        while response is None:
            response = exchange.feed(await stream.receive_some(CHUNK))
    return response
