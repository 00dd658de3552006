"""Do the clients get along with a server that was not written for them?

It is the standard library's, with threads: the order in which it answers is not that
of our referee, it speaks as it likes, and keeps connections alive.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PATIENCE = 30
"""Seconds that nothing here ever takes."""
TIMES = 100
"""Races in which two answers come so close that either may be seen first."""


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.both = threading.Barrier(2, timeout=PATIENCE)
        self.opened = iter("ab")
        self.used: list[str] = []
        self.second_use = threading.Event()
        self.first_close = threading.Event()
        self.winner_closed = threading.Event()
        self.closed: list[str] = []

    def handle_error(self, *of: Any) -> None:
        """A client may hang up in the midst of an answer, and so it should."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*of)

    def two(self) -> tuple[int, str]:
        """One fails and one is right, both at once."""
        return (200, "right") if self.both.wait() else (500, "wrong")

    def use(self, handle: str) -> tuple[int, str]:
        """The first fails when there is a second, and that one is right."""
        self.used.append(handle)
        if len(self.used) == 1:
            assert self.second_use.wait(PATIENCE)
            return 500, "wrong"
        self.second_use.set()
        assert self.first_close.wait(PATIENCE)
        return 200, "right"

    def close_it(self, handle: str) -> tuple[int, str]:
        """The loser's close is answered last, when the winner has got all it wants."""
        self.closed.append(handle)
        if handle == self.used[0]:
            self.first_close.set()
            assert self.winner_closed.wait(PATIENCE)
        return 200, ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        verb, _, handle = self.path.partition("?")[2].partition("=")
        if self.path == "/5":
            self.say(*self.server.two())
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
        self.send_header("content-LENGTH", str(len(text)))
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
    assert sorted(server.closed) == ["a", "b"]


def test_a_failure_that_comes_with_the_win_does_not_spoil_it(run, obstacles, server):
    for _ in range(TIMES):
        assert run(obstacles[4], server.url) == "right"
