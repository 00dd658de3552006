"""One HTTP request on a socket of gevent.

To connect, to send and to receive read as if they blocked; they switch to the hub. A
kill is raised there, and ``with`` closes the connection on its way out.
"""

from __future__ import annotations

from concurrency_study.topics.fetching import CHUNK, Exchange, Response
from gevent import socket


def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: there is no connection, or it broke.
        BadResponse, ValueError: that is no HTTP, or no http address.
    """
    exchange = Exchange(url)
    with socket.create_connection(exchange.address) as connection:
        connection.sendall(exchange.request)
        response = None
        while response is None:
            response = exchange.feed(connection.recv(CHUNK))
    return response
