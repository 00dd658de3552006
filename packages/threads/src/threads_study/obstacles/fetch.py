"""One HTTP request on a blocking socket, which ``stop`` can end.

A thread that is blocked in ``recv`` looks at no event, and does not notice either when
another thread closes its socket. But it wakes when the connection is shut down, and
reads the end of the stream.
"""

from __future__ import annotations

import socket
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial

from concurrency_study.topics.fetching import CHUNK, Exchange, Response

from ..group import Stop


def fetch(url: str, stop: Stop, seconds: float | None = None) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    To look up a name, and to connect, cannot be stopped: that takes what it takes.

    Raises:
        CancelledError: ``stop`` was set.
        TimeoutError: all of it has not come within so many seconds.
        OSError: there is no connection, or it broke.
        BadResponse, ValueError: that is no HTTP, or no http address.
    """
    exchange = Exchange(url)
    until = None if seconds is None else time.monotonic() + seconds
    try:
        with socket.create_connection(exchange.address, seconds) as connection:
            with stop.calling(partial(hang_up, connection)):
                connection.sendall(exchange.request)
                response = None
                while response is None:
                    if until is not None:
                        # A socket's timeout begins anew with every call.
                        connection.settimeout(max(until - time.monotonic(), 1e-6))
                    received = connection.recv(CHUNK)
                    if not received and stop.is_set():
                        raise CancelledError  # this end is ours, not the server's
                    response = exchange.feed(received)
            return response
    except OSError:
        if stop.is_set():
            raise CancelledError from None
        raise


def hang_up(connection: socket.socket) -> None:
    """Wake the thread that waits for this connection."""
    with suppress(OSError):  # the other side has hung up already
        connection.shutdown(socket.SHUT_RDWR)
