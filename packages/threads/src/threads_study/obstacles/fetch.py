"""One HTTP request on a blocking socket, which ``stop`` can end.

A thread that is blocked in ``recv`` does not look at an event, and does not notice
either when another thread closes its socket. It does wake when the connection is shut
down, and reads the end of the stream. While it connects, a thread looks at ``stop``
every 0.25 s. It cannot be stopped while the system looks up a name.
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial

from concurrency_study.topics.fetching import CHUNK, DELAY, Exchange, Response

from ..group import Stop

POLL: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)
"""It needs no descriptor of its own, and takes those above 1023 (not on Windows)."""


def fetch(url: str, stop: Stop, seconds: float = math.inf) -> Response:
    """GET this address, on a connection of its own. Any status is an answer.

    Raises:
        CancelledError: ``stop`` was set.
        TimeoutError: The response was not complete after ``seconds``.
        OSError: The connection failed or broke.
        BadResponse: The response is not HTTP, or too long.
        ValueError: The URL is not an http address.
    """
    exchange = Exchange(url)
    until = time.monotonic() + seconds
    try:
        with (
            connect(*exchange.address, stop, until) as connection,
            stop.calling(partial(hang_up, connection)),
        ):
            connection.settimeout(left(until))
            connection.sendall(exchange.request)
            response = None
            while response is None:
                connection.settimeout(left(until))  # it starts again with every call
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


def left(until: float) -> float | None:
    """Return the seconds left, as a socket takes them; raise TimeoutError if none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return None if seconds == math.inf else seconds


def connect(host: str, port: int, stop: Stop, until: float) -> socket.socket:
    """Connect to the first address of a host that answers (RFC 8305).

    The next address is tried after 0.25 s, or at once when one has failed. The losers
    are closed.

    Raises:
        CancelledError: ``stop`` was set.
        TimeoutError: The time is up.
        OSError: The error of the last address, if none of them answers.
    """
    made: list[socket.socket] = []
    error = OSError(f"{host} has no address")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    winner = None
    try:
        with POLL() as pending:
            while found or pending.get_map():
                if found:
                    family, kind, protocol, _, address = found.pop(0)
                    try:
                        made.append(new := socket.socket(family, kind, protocol))
                        new.setblocking(False)
                        with suppress(BlockingIOError):  # the system continues it
                            new.connect(address)
                        pending.register(new, selectors.EVENT_WRITE, new)
                    except OSError as failed:
                        error = failed
                        continue
                for key, _ in pending.select(min(DELAY, left(until) or DELAY)):
                    ended = pending.unregister(key.fileobj).data
                    number = ended.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if number == 0:
                        winner = ended
                        return winner
                    error = OSError(number, os.strerror(number))
                if stop.is_set():
                    raise CancelledError
        raise error
    finally:
        for connection in made:
            if connection is not winner:
                connection.close()
