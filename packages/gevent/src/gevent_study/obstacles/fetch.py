"""One HTTP request on a socket of gevent.

The calls to connect, send and receive look as if they blocked. In fact they switch to
the hub. A kill is raised there, and ``with`` closes the connection on its way out.
gevent's own ``create_connection`` tries the next address only when the one before has
failed.
"""

from __future__ import annotations

from typing import Any

from concurrency_study.topics.fetching import CHUNK, DELAY, Exchange, Response
from gevent import socket

from ..group import GreenletGroup


def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: the connection failed or broke.
        BadResponse: the response is not HTTP, or too long.
        ValueError: the URL is not an http address.
    """
    exchange = Exchange(url)
    with connect(*exchange.address) as connection:
        connection.sendall(exchange.request)
        response = None
        while response is None:
            response = exchange.feed(connection.recv(CHUNK))
    return response


def connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that answers (RFC 8305).

    The next address is tried after 0.25 s, or at once when the latest has failed. The
    losers are closed.

    Raises:
        OSError: the error of the last address, if none of them answers.
    """
    made: list[socket.socket] = []
    winners: list[socket.socket] = []
    errors = [OSError(f"{host} has no address")]

    def attempt(
        family: int, kind: int, protocol: int, _: str, address: tuple[Any, ...]
    ) -> None:
        try:
            made.append(connection := socket.socket(family, kind, protocol))
            connection.connect(address)
        except OSError as error:
            errors.append(error)
        else:
            winners.append(connection)
            attempts.kill(block=False)

    winner = None
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    try:
        with GreenletGroup() as attempts:
            for each in found:
                attempts.spawn(attempt, *each).join(DELAY)
                if attempts.stopping:
                    break
        if not winners:
            raise errors[-1]
        winner = winners[0]
        return winner
    finally:
        for connection in made:
            if connection is not winner:
                connection.close()
