"""One HTTP request on a socket of the asyncio loop.

A cancellation is raised where the task waits, and ``with`` closes the socket on its
way out. A stream would close its socket a little later, when the loop runs again.

asyncio has RFC 8305 built in: ``open_connection(..., happy_eyeballs_delay=0.25)``. When
cancelled, it leaves tasks behind for a while (Python 3.11), and it fails if tasks are
eager (3.12.1, 3.13.0). So `connect` does the same in a task group.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from concurrency_study.topics.fetching import CHUNK, DELAY, Exchange, Response


async def fetch(url: str) -> Response:
    """GET this address, on a connection of its own; any status is an answer.

    Raises:
        OSError: the connection failed or broke.
        BadResponse: the response is not HTTP, or too long.
        ValueError: the URL is not an http address.
    """
    exchange = Exchange(url)
    loop = asyncio.get_running_loop()
    with await connect(*exchange.address) as connection:
        await loop.sock_sendall(connection, exchange.request)
        response = None
        while response is None:
            response = exchange.feed(await loop.sock_recv(connection, CHUNK))
    return response


async def connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that answers (RFC 8305).

    The next address is tried after 0.25 s, or at once when the latest has failed. The
    losers are closed. A thread that looks up a name is not waited for when cancelled.

    Raises:
        OSError: the error of the last address, if none of them answers.
    """
    loop = asyncio.get_running_loop()
    attempts: list[asyncio.Task[None]] = []
    made: list[socket.socket] = []
    winners: list[socket.socket] = []
    errors = [OSError(f"{host} has no address")]

    async def attempt(
        family: int, kind: int, protocol: int, _: str, address: tuple[Any, ...]
    ) -> None:
        try:
            made.append(connection := socket.socket(family, kind, protocol))
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
        except OSError as error:
            errors.append(error)
        else:
            winners.append(connection)
            for other in attempts:
                if other is not asyncio.current_task():
                    other.cancel()

    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:  # it is a name, so the look-up may take time
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    winner = None
    try:
        async with asyncio.TaskGroup() as group:
            for each in found:
                attempts.append(group.create_task(attempt(*each)))
                await asyncio.wait(attempts[-1:], timeout=DELAY)
                if winners:
                    break
        if not winners:
            raise errors[-1]
        winner = winners[0]
        return winner
    finally:
        for connection in made:
            if connection is not winner:
                connection.close()
