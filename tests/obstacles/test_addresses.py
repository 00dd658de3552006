"""`fetch` finds the address of a host that answers, and leaves nothing behind.

A host resolves to the addresses that a test names. A silent address has a full backlog,
so that the system answers no attempt to connect. Such an attempt takes two minutes. A
test that still runs after `PATIENCE` fails: the silent addresses begin to refuse.
"""

from __future__ import annotations

import _socket
import os
import socket
import threading
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

import pytest

PATIENCE = float(os.environ.get("PATIENCE", 300))
"""Seconds after which a client counts as stuck; it needs less than one."""
ATTEMPTS = 8
"""More attempts to connect than a socket with the least backlog keeps."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"right")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def shutdown_request(self, request: Any) -> None:
        """Close only: so no descriptor is left here when the client sees the end."""
        self.close_request(request)


class Addresses:
    """Hosts and their addresses, all with one port of the loopback network."""

    answering = "127.0.0.1"
    refusing = "127.0.0.2"
    silent = ("127.0.0.3", "127.0.0.4")

    def __init__(self, cleanup: ExitStack) -> None:
        server = Server((self.answering, 0), Handler)
        cleanup.enter_context(server)
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        cleanup.callback(serving.join)
        cleanup.callback(server.shutdown)
        self.port = server.server_address[1]
        self.hosts: dict[str, list[str]] = {}
        self.gave_up = threading.Event()
        listening = [self.silence(address, cleanup) for address in self.silent]
        timer = threading.Timer(PATIENCE, self.give_up, [listening])
        timer.start()
        cleanup.callback(timer.join)
        cleanup.callback(timer.cancel)

    def silence(self, address: str, cleanup: ExitStack) -> socket.socket:
        listening = cleanup.enter_context(socket.socket())
        listening.bind((address, self.port))
        listening.listen(0)
        for _ in range(ATTEMPTS):
            attempt = cleanup.enter_context(socket.socket())
            attempt.setblocking(False)
            attempt.connect_ex((address, self.port))
        return listening

    def give_up(self, listening: list[socket.socket]) -> None:
        self.gave_up.set()
        for each in listening:
            each.close()

    def url(self, *addresses: str) -> str:
        """A URL with a host that has these addresses, in this order."""
        host = f"host-{len(self.hosts)}.test"
        self.hosts[host] = list(addresses)
        return f"http://{host}:{self.port}/"

    def look_up(self, host, port, *_, **__):
        host = host.decode() if isinstance(host, bytes) else host
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        known = self.hosts.get(host, [host])
        return [(*kind, (address, int(port or 0))) for address in known]


@pytest.fixture
def addresses(monkeypatch):
    with ExitStack() as cleanup:
        addresses = Addresses(cleanup)
        # All libraries look up names here, some of them in a thread.
        monkeypatch.setattr(_socket, "getaddrinfo", addresses.look_up)
        yield addresses
        assert not addresses.gave_up.is_set()


@pytest.fixture
def race(study, run, watch):
    """Race requests for these URLs; nothing may be left at the instant of return."""
    name = study.package.__name__
    right = import_module(f"{name}.obstacles.course").right
    race = import_module(f"{name}.use_cases.race").race

    def start(*urls):
        # Threads that look up names are kept for the next look-up.
        watched = watch(race, threads=False)
        return run(watched, [partial(right, url) for url in urls])

    return start


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


def test_the_first_address_is_used_if_it_answers(race, addresses):
    url = addresses.url(addresses.answering, addresses.silent[0])
    assert race(url) == "right"


def test_an_address_that_refuses_is_passed_over(race, addresses):
    url = addresses.url(addresses.refusing, addresses.refusing, addresses.answering)
    assert race(url) == "right"


def test_an_address_that_never_answers_is_passed_over(race, addresses):
    assert race(addresses.url(addresses.silent[0], addresses.answering)) == "right"


def test_several_addresses_that_do_not_answer_are_passed_over(race, addresses):
    one, other = addresses.silent
    url = addresses.url(one, addresses.refusing, other, addresses.answering)
    assert race(url) == "right"


def test_a_loser_stops_while_it_connects(race, addresses):
    silent = addresses.url(*addresses.silent)
    alone = addresses.url(addresses.silent[0])
    assert race(silent, alone, addresses.url(addresses.answering)) == "right"


def test_an_address_that_refuses_after_a_silent_one_ends_nothing(race, addresses):
    stubborn = addresses.url(addresses.silent[0], addresses.refusing)
    assert race(stubborn, addresses.url(addresses.answering)) == "right"


def test_a_host_whose_addresses_all_refuse_is_an_os_error(race, addresses):
    url = addresses.url(addresses.refusing, addresses.refusing)
    with pytest.raises(ExceptionGroup) as raised:
        race(url)
    assert all(isinstance(leaf, OSError) for leaf in leaves(raised.value))
