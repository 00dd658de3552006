"""The clients work with servers that were not written for them.

The first is the standard library's threaded server. It answers in another order than
our referee, formats responses differently, and keeps connections alive. The second
sends the bytes that a test gives it.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import unquote

import pytest
from concurrency_study.topics.fetching import HEAD, BadResponse, Response
from concurrency_study.topics.fetching.course import Loser

PATIENCE = float(os.environ.get("PATIENCE", 300))
"""Seconds. A slow machine is not a failure."""
TIMES = 100
"""The number of races in which either of two answers may arrive first."""


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.both = threading.Barrier(2, timeout=PATIENCE)
        self.opened = iter(("a b", "c&d=#/\u00e9"))
        self.used: list[str] = []
        self.second_use = threading.Event()
        self.first_close = threading.Event()
        self.winner_closed = threading.Event()
        self.closed: list[str] = []
        self.reports = iter(())
        self.reported = threading.Event()
        self.released = 200

    def handle_error(self, *of: Any) -> None:
        """A client may and should hang up while an answer is being sent."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*of)

    def two(self) -> tuple[int, str]:
        """Fail one request and answer the other one `right`, both at once."""
        return (200, "right") if self.both.wait() else (500, "wrong")

    def use(self, handle: str) -> tuple[int, str]:
        """Fail the first use once there is a second one, and answer that `right`."""
        self.used.append(handle)
        if len(self.used) == 1:
            assert self.second_use.wait(PATIENCE)
            return 500, "wrong"
        self.second_use.set()
        assert self.first_close.wait(PATIENCE)
        return 200, "right"

    def close_it(self, handle: str) -> tuple[int, str]:
        """Answer the loser's close last, when the winner has all that it wants."""
        self.closed.append(handle)
        if handle == self.used[0]:
            self.first_close.set()
            assert self.winner_closed.wait(PATIENCE)
        return 200, ""

    def report(self) -> tuple[int, str]:
        """Answer a report of the load with the next status; the last one ends it."""
        status, text, is_last = next(self.reports)
        if is_last:
            self.reported.set()
        return status, text


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        verb, _, handle = self.path.partition("?")[2].partition("=")
        handle = unquote(handle)
        if self.path == "/5":
            self.say(*self.server.two())
        elif self.path.startswith("/10"):
            if handle:
                self.say(*self.server.report())
            else:
                assert self.server.reported.wait(PATIENCE)
                self.say(self.server.released, "")
        elif verb == "open":
            self.say(200, next(self.server.opened))
        elif verb == "use":
            self.say(*self.server.use(handle))
        else:
            self.say(*self.server.close_it(handle))
            self.rfile.read()  # until the client closes the connection
            if handle != self.server.used[0]:
                self.server.winner_closed.set()

    def say(self, status: int, text: str) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("content-LENGTH", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        self.close_connection = False

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    with Server() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_a_loser_that_closes_late_does_not_spoil_the_win(run, obstacles, server):
    assert run(obstacles[7], server.url) == "right"
    assert sorted(server.closed) == sorted(server.used) == ["a b", "c&d=#/\u00e9"]


def test_a_failure_that_comes_with_the_win_does_not_spoil_it(run, obstacles, server):
    for _ in range(TIMES):
        assert run(obstacles[4], server.url) == "right"


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


@pytest.mark.parametrize(
    ("go_on", "done", "text", "released"),
    [((303, 307), 201, "right", 200), ((301,), 204, "", 204), ((308,), 200, "", 303)],
)
def test_at_10_any_30x_continues_and_any_20x_ends(
    run, obstacles, server, go_on, done, text, released
):
    server.reports = iter([*((each, "", False) for each in go_on), (done, text, True)])
    server.released = released
    assert run(obstacles[9], server.url) == text


@pytest.mark.parametrize("status", [400, 404, 503])
def test_at_10_any_other_status_is_a_failure(run, obstacles, server, status):
    server.reports = iter([(302, "", False), (status, "why", True)])
    server.released = 200
    with pytest.raises((Loser, ExceptionGroup)) as raised:
        run(obstacles[9], server.url)
    assert [str(leaf) for leaf in leaves(raised.value)] == [f"{status}: why"]


# Responses byte by byte


@pytest.fixture
def served(study, run, watch):
    """A function that serves bytes to one `fetch` and returns the response."""
    name = study.package.__name__
    fetch = import_module(f"{name}.obstacles.fetch").fetch
    side_by_side = import_module(f"{name}.use_cases.results_as_we_go").results_as_we_go

    def serve(listening: socket.socket, pieces: list[bytes], early: bool) -> None:
        connection, _ = listening.accept()
        with connection:
            if not early:
                assert connection.recv(65536).endswith(b"\r\n\r\n")
            with suppress(OSError):  # the client may close before it has read all
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    def served(*pieces: bytes, early: bool = False) -> Response:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(PATIENCE)
            serving = threading.Thread(target=serve, args=(listening, pieces, early))
            serving.start()
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            responses: list[Response] = []
            watched = watch(side_by_side, threads=False, files=False)
            try:
                run(watched, fetch, [url], responses.append)
            finally:
                serving.join()
        (response,) = responses
        return response

    return served


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = OK + b"Content-Length: 5\r\n\r\n"
UNDERSTOOD = {
    "blank before a chunk extension": [CHUNKED, b"5 ;", b" a=b\r\nright\r\n0\r\n\r\n"],
    "interim responses first": [
        b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + LONG,
        b"right",
    ],
    "more bytes after the response": [LONG + b"right", b"HTTP/1.1 500 No\r\n" * 9],
    "no length and no end but that of the connection": [OK + b"\r\nri", b"ght"],
    "a head of many kilobytes": [
        *(OK, b"A: b\r\n" * 10_000, b"Content-Length: 5\r\n\r\nright"),
    ],
}


@pytest.mark.parametrize("pieces", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_fetch_understands(served, pieces):
    assert served(*pieces) == Response(200, b"right")


def test_fetch_understands_a_response_that_comes_before_the_request(served):
    assert served(LONG, b"right", early=True) == Response(200, b"right")


@pytest.mark.parametrize("status", [204, 304])
def test_fetch_waits_for_no_body_where_there_is_none(served, status):
    head = f"HTTP/1.1 {status} None\r\nContent-Length: 5\r\n\r\n".encode()
    assert served(head) == Response(status, b"")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200", LONG + b"righ", CHUNKED + b"5"])
def test_fetch_fails_if_the_connection_ends_too_early(served, head):
    with pytest.raises((ConnectionError, ExceptionGroup)) as raised:
        served(head)
    assert isinstance(leaves(raised.value)[0], ConnectionError)


@pytest.mark.parametrize(
    "pieces", [[b"hello\r\n\r\n"], [OK, b"A: " + b"b" * HEAD], [CHUNKED, b"no\r\n"]]
)
def test_fetch_refuses_a_response_that_is_not_http(served, pieces):
    with pytest.raises((BadResponse, ExceptionGroup)) as raised:
        served(*pieces)
    assert isinstance(leaves(raised.value)[0], BadResponse)
