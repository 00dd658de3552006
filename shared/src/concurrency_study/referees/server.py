"""An HTTP/1.1 server that always knows which connections and requests are open.

h11 does the parsing, asyncio the waiting. The server runs in a process of its own, so
the code under test may use any library. The application may answer a request at any
time, never, or by breaking its connection.

A request is *open* from the arrival of its last byte until it is answered or its
connection has gone. A client must keep its side of the connection open until it has the
answer: when its bytes end, its request counts as dropped. Pipelined requests begin one
after the other.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from itertools import cycle
from typing import Any, Literal, Protocol, cast, get_args

import h11

Ending = Literal["answered", "broken", "dropped"]
"""The end of a request: answered, broken by the server, or dropped by the client."""
Framing = Literal["length", "chunked", "close"]
"""The mark of the end of an answer."""
FRAMINGS: tuple[Framing, ...] = get_args(Framing)

TOO_MUCH = 65536
"""Bytes that are too many as a request's body, or after an open request."""
LINGER = 60.0
"""Seconds in which a client must close its side after the server has closed its own."""
GO_ON = h11.InformationalResponse(status_code=100, headers=[])
BACKLOG = 4096
"""Connections that may wait to be accepted; Linux caps the number at this one."""


class Application(Protocol):
    """The functions that the server calls. They must not wait."""

    def connected(self, connection: Connection) -> None:
        """Take note of a new connection."""

    def came(self, request: Request) -> None:
        """Take a complete request."""

    def ended(self, request: Request, ending: Ending) -> None:
        """Take note that a request is no longer open."""

    def malformed(self) -> None:
        """Take note of a request that is not HTTP, or ended half-way."""

    def disconnected(self, connection: Connection) -> None:
        """Take note that a connection has gone; every request on it has ended."""


class Request:
    """A complete request, open or not."""

    __slots__ = ("connection", "method", "open", "target")

    def __init__(self, connection: Connection, method: str, target: str) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        """The target as sent: percent-encoded, with the query."""
        self.open = True

    def answer(
        self,
        status: int,
        body: bytes = b"",
        *,
        headers: Iterable[tuple[str, str]] = (),
        close: bool = False,
    ) -> None:
        """Answer unless the request has ended; with ``close``, end the connection."""
        if self.open:
            self.connection.answer(self, status, body, headers, close)

    def break_off(self, *, reset: bool) -> None:
        """Break the connection without an answer, by a reset or by its end."""
        if self.open:
            self.connection.end(self, "broken")
            self.connection.abort(reset=reset)


class Connection(asyncio.Protocol):
    """A connection of one client."""

    __slots__ = (
        *("_ahead", "_body", "_h11", "_head", "_over", "_parsing", "_request"),
        *("_server", "_transport"),
    )
    _transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = 0
        self._request: Request | None = None
        self._ahead = 0
        self._parsing = False
        self._over: asyncio.TimerHandle | None = None

    def abort(self, *, reset: bool = False) -> None:
        """End the connection at once."""
        if self._request:
            self.end(self._request, "dropped")
        if reset:
            # The system resets a connection that lingers for 0 seconds on close.
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self._transport.abort()

    def answer(
        self,
        request: Request,
        status: int,
        body: bytes,
        headers: Iterable[tuple[str, str]],
        close: bool,
    ) -> None:
        """Answer the open request, then parse what was sent ahead."""
        self.end(request, "answered")  # before a write, which may end the connection
        self._respond(status, b"" if request.method == "HEAD" else body, headers, close)
        if self._h11.our_state is self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._parse()
        else:
            self._finish()

    def end(self, request: Request, ending: Ending) -> None:
        """Record the end of the open request."""
        request.open = False
        self._request = None
        self._server.application.ended(request, ending)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        self._server.application.connected(self)

    def data_received(self, data: bytes) -> None:
        if self._over or self._transport.is_closing():
            return
        if self._request:
            self._ahead += len(data)
            if self._ahead > TOO_MUCH:
                self._server.application.malformed()
                self.abort()
                return
        self._h11.receive_data(data)
        self._parse()

    def pause_writing(self) -> None:
        """Abort: a client that sends requests and never reads would fill the memory."""
        self.abort()

    def eof_received(self) -> None:
        """Let the transport close, even if an answer is still to come."""
        if not (self._request or self._over) and self._half:
            self._server.application.malformed()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._request:
            self.end(self._request, "dropped")
        elif exc and not self._over and self._half:
            self._server.application.malformed()
        if self._over:
            self._over.cancel()
        self._server.connections.discard(self)
        self._server.application.disconnected(self)

    @property
    def _half(self) -> bool:
        """True if only a part of a request has come."""
        return self._head is not None or bool(self._h11.trailing_data[0])

    def _parse(self) -> None:
        if self._parsing:  # called by the loop below, which will continue
            return
        self._parsing = True
        try:
            while not (self._request or self._over or self._transport.is_closing()):
                event = self._h11.next_event()
                if isinstance(event, h11.Request):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += len(event.data)
                    if self._body > TOO_MUCH:
                        self._refuse(413)
                elif isinstance(event, h11.EndOfMessage):
                    self._begin()
                else:
                    if self._h11.they_are_waiting_for_100_continue:
                        self._send(GO_ON)
                    break
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
        finally:
            self._parsing = False

    def _begin(self) -> None:
        head = cast(h11.Request, self._head)
        method, target = head.method.decode(), head.target.decode()
        self._head, self._body, self._ahead = None, 0, 0
        self._request = Request(self, method, target)
        self._server.application.came(self._request)

    def _refuse(self, status: int) -> None:
        self._server.application.malformed()
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._respond(status, b"", (), True)
        self._finish()

    def _respond(
        self,
        status: int,
        body: bytes,
        headers: Iterable[tuple[str, str]],
        close: bool,
    ) -> None:
        framing = next(self._server.framings)
        reason = HTTPStatus(status).phrase
        all_headers = [("Date", formatdate(usegmt=True)), *headers]
        if framing == "length":
            all_headers.append(("Content-Length", str(len(body))))
        if framing == "close" or close:
            all_headers.append(("Connection", "close"))
        if framing == "close":
            # h11 would not do this. It sees no answer, so it starts no next request.
            lines = [f"{name}: {value}\r\n" for name, value in all_headers]
            head = f"HTTP/1.1 {status} {reason}\r\n{''.join(lines)}\r\n"
            self._transport.write(head.encode() + body)
            return
        response = h11.Response(
            status_code=status, headers=all_headers, reason=reason.encode()
        )
        self._send(response, h11.Data(data=body), h11.EndOfMessage())

    def _send(self, *events: h11.Event) -> None:
        self._transport.write(b"".join(self._h11.send(e) or b"" for e in events))

    def _finish(self) -> None:
        """Close the server's side; the client may read before it closes its own."""
        if not self._transport.is_closing() and not self._over:
            self._over = asyncio.get_running_loop().call_later(LINGER, self.abort)
            try:
                self._transport.write_eof()
            except OSError:  # the client has gone already
                self.abort()


class Server:
    """A server of one application, on the loopback address."""

    def __init__(self, application: Application, *framings: Framing) -> None:
        self.application = application
        self.framings = cycle(framings)
        self.connections: set[Connection] = set()
        self._complaints: set[str] = set()

    async def serve(
        self, port: int, ready: Callable[[str], None], *, until_eof: bool
    ) -> None:
        """Serve until SIGINT, SIGTERM or, with ``until_eof``, the end of the input.

        With ``port`` 0 the system chooses a port. Calls ``ready`` with the URL as soon
        as clients can connect.

        Raises:
            OSError: The port is not available.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._complain)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        listening = await loop.create_server(
            lambda: Connection(self), "127.0.0.1", port, backlog=BACKLOG
        )
        if until_eof:
            try:
                loop.add_reader(0, lambda: os.read(0, 4096) or stop.set())
            except PermissionError:  # epoll refuses a regular file, which ends soon
                stop.set()
        ready(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        await stop.wait()
        listening.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # now their sockets are closed

    def _complain(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Print an error once, with its traceback unless it is an OSError."""
        error: BaseException | None = context.get("exception")
        text = f"{context['message']}: {error}"
        if text not in self._complaints:  # asyncio retries often when out of files
            self._complaints.add(text)
            print(text, file=sys.stderr, flush=True)
            if error is not None and not isinstance(error, OSError):
                traceback.print_exception(error)
