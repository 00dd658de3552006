"""A client of blocking sockets that can send any request to a referee."""

from __future__ import annotations

import select
import selectors
import socket
from http.client import BadStatusLine, HTTPResponse
from urllib.parse import urlsplit

import pytest
from concurrency_study.referees.racer import Racer, Stats, Tally, running

PATIENCE = 300
"""Seconds; far more than anything here takes."""
UNIT = 0.05
"""Real seconds in a second of the quick referee."""


class Call:
    """A connection, and requests on it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.path = parts.path
        address = (parts.hostname, parts.port)
        self.sock = socket.create_connection(address, timeout=PATIENCE)

    def send(self, page: str, method: str = "GET", headers: str = "") -> Call:
        head = f"{method} {self.path}{page} HTTP/1.1\r\nHost: here\r\n{headers}\r\n"
        self.sock.sendall(head.encode())
        return self

    def answer(self, method: str = "GET") -> tuple[int, str]:
        """Return status and body, or (0, "broken") if the connection ends instead."""
        response = HTTPResponse(self.sock, method=method)
        try:
            response.begin()
            return response.status, response.read().decode()
        except (BadStatusLine, ConnectionResetError):
            return 0, "broken"
        finally:
            response.close()

    def everything(self) -> bytes:
        """Return all bytes until the end of the connection."""
        data = b""
        try:
            while piece := self.sock.recv(65536):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def is_answered(self, within: float = 0) -> bool:
        return bool(select.select([self.sock], [], [], within)[0])

    def close(self) -> None:
        self.sock.close()


class Client:
    """Makes calls, and closes them in the end."""

    def __init__(self, racer: Racer) -> None:
        self.racer = racer
        self.calls: list[Call] = []

    def call(self) -> Call:
        call = Call(self.racer.url)
        self.calls.append(call)
        return call

    def get(self, page: str) -> Call:
        return self.call().send(page)

    def ask(self, page: str) -> tuple[int, str]:
        """Return an answer that comes at once."""
        call = self.get(page)
        try:
            return call.answer()
        finally:
            call.close()

    def arrivals(self, calls: list[Call]) -> list[Call]:
        """Return the calls in the order in which they are answered or broken."""
        order: list[Call] = []
        with selectors.DefaultSelector() as selector:
            for call in calls:
                selector.register(call.sock, selectors.EVENT_READ, call)
            while len(order) < len(calls):
                # epoll reports sockets in the order in which they became ready.
                ready = selector.select(PATIENCE)
                assert ready, f"answers: {len(order)} of {len(calls)}"
                for key, _ in ready:
                    selector.unregister(key.fileobj)
                    order.append(key.data)
        return order

    def tally(self, number: int) -> Tally:
        return self.racer.stats().obstacles[number]

    def settled(self) -> Stats:
        """Return the counts once nothing is open."""
        stats = self.racer.stats(settled=PATIENCE)
        assert stats.settled, stats
        return stats

    def let_a_second_pass(self) -> None:
        """Wait for a second of the referee: its pending events have happened then."""
        clock = Client(self.racer.course("clock"))
        first, second = clock.get("/2"), clock.get("/2")
        assert second.answer() == (0, "broken")
        assert first.answer() == (200, "right")
        clock.close()

    def close(self) -> None:
        for call in self.calls:
            call.close()


@pytest.fixture(scope="session")
def quick_racer():
    """A referee with short seconds, a small obstacle 3 and all ends of answers."""
    with running(unit=UNIT, many=50, framing="mixed") as racer:
        yield racer


@pytest.fixture
def quick(quick_racer):
    """A client of the quick referee, whose counts are 0."""
    quick_racer.reset()
    client = Client(quick_racer)
    yield client
    client.close()


@pytest.fixture
def real(racer):
    """A client of the referee of the fixture `racer`."""
    client = Client(racer)
    yield client
    client.close()


@pytest.fixture(scope="session")
def client_of():
    """The class of clients, for other referees."""
    return Client
