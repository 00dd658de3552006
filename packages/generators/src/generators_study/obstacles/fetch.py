"""One HTTP request on a socket of the kernel.

A cancellation is raised where the task waits, and ``with`` closes the connection on its
way out.
"""

from __future__ import annotations

from concurrency_study.topics.fetching import CHUNK, Exchange, Response

from ..kernel import Wait, connect


def fetch(url: str) -> Wait[Response]:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: the connection failed or broke.
        BadResponse: the response is not HTTP, or too long.
        ValueError: the URL is not an http address.
    """
    exchange = Exchange(url)
    with (yield from connect(*exchange.address)) as connection:
        yield from connection.send(exchange.request)
        response = None
        while response is None:
            received = yield from connection.receive(CHUNK)
            response = exchange.feed(received)
    return response
