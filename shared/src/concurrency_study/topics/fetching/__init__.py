"""One HTTP/1.1 request and its response, without any waiting: bytes out, bytes in.

What every ``fetch`` needs, whoever waits::

    exchange = Exchange(url)
    connect to exchange.address
    send exchange.request
    until there is a response: response = exchange.feed(what was received)

It is no topic by itself. h11 does the parsing; install it by the extra ``http``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

CHUNK = 65536
"""Bytes to receive at once, at most."""
LIMIT = 2**20
"""Bytes that a body may have."""


class Broken(ConnectionError):
    """The connection ended before the response did."""


class BadResponse(ValueError):
    """What came is not HTTP/1.1, or too much."""


@dataclass(frozen=True)
class Response:
    """What the server answered, whatever its status; a redirect is not followed."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is shown as such."""
        return self.body.decode("utf-8", "replace")


class Exchange:
    """One request, on a connection of its own, and what comes back.

    ValueError if ``url`` is not an http address.
    """

    def __init__(self, url: str) -> None:
        self._h11 = h11.Connection(h11.CLIENT)
        self._status = 0
        self._body = bytearray()
        try:
            parts = urlsplit(url)
            if parts.scheme != "http" or not parts.hostname:
                raise ValueError("http://host, and then a port and a path")
            self.address = (parts.hostname, 80 if parts.port is None else parts.port)
            """Host and port to connect to."""
            self.request = self._asked(
                host=parts.netloc.rpartition("@")[2],
                target=f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}",
            )
            """The bytes to send."""
        except (ValueError, h11.LocalProtocolError) as error:
            raise ValueError(f"not an http address: {url!r}: {error}") from error

    def _asked(self, host: str, target: str) -> bytes:
        headers = [("Host", host), ("Accept", "*/*"), ("Connection", "close")]
        head = h11.Request(method="GET", target=target, headers=headers)
        sent = self._h11.send(head), self._h11.send(h11.EndOfMessage())
        return b"".join(filter(None, sent))

    def feed(self, data: bytes) -> Response | None:
        """Take what was received, ``b""`` at the end; the response once it is whole.

        Then the connection is of no more use; what follows the response is ignored.
        Broken if this end came too early, BadResponse if it is no HTTP/1.1.
        """
        try:
            self._h11.receive_data(data)
            while True:
                event = self._h11.next_event()
                if isinstance(event, h11.Response):
                    self._status = event.status_code
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > LIMIT:
                        raise BadResponse(f"the body has more than {LIMIT} bytes")
                elif isinstance(event, h11.EndOfMessage):
                    return Response(self._status, bytes(self._body))
                elif not isinstance(event, h11.InformationalResponse):
                    break
        except h11.RemoteProtocolError as error:
            if data:
                raise BadResponse(str(error)) from None
        if not data:
            raise Broken("the connection ended before the response did")
        return None
