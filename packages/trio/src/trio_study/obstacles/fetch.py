"""One HTTP request on a stream of trio.

A cancellation is raised where the task waits, and ``async with`` closes the connection
on its way out; in a cancelled scope, too, for a socket is closed before trio waits.
"""

from __future__ import annotations

import trio
from concurrency_study.topics.fetching import CHUNK, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: there is no connection, or it ended too early.
        trio.BrokenResourceError: it broke.
        BadResponse, ValueError: that is no HTTP, or no http address.
    """
    exchange = Exchange(url)
    async with await trio.open_tcp_stream(*exchange.address) as stream:
        await stream.send_all(exchange.request)
        response = None
        while response is None:
            response = exchange.feed(await stream.receive_some(CHUNK))
    return response
