"""One HTTP/1.1 request and its response, without any waiting: bytes out, bytes in.

The ``fetch`` of every study uses this module, and adds only the input and output::

    exchange = Exchange(url)
    connect to exchange.address
    send exchange.request
    until there is a response: response = exchange.feed(the bytes received)

This is not a topic. h11 parses heads and plain bodies, and the extra ``http`` installs
it. `chunked` decodes chunks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from .chunked import BadResponse, chunked

__all__ = (
    "CHUNK",
    "DELAY",
    "HEAD",
    "LIMIT",
    "BadResponse",
    "Broken",
    "Exchange",
    "Response",
)

CHUNK = 65536
"""Bytes to receive at once, at most."""
HEAD = 65536
"""Bytes that the head of a response may have, with the interim (1xx) ones before it."""
LIMIT = 2**20
"""Bytes that a body may have."""
DELAY = 0.25
"""Seconds until the next address of a name is tried as well (RFC 8305, section 5)."""

_TO_ENCODE = re.compile(r"[^\w.~:/?#\[\]@!$&'()*+,;=%-]|%(?![0-9a-f]{2})", re.A | re.I)
"""A character that a URL may hold only percent-encoded, after RFC 3986."""
_LABEL = re.compile(r"[^.]{1,63}")
"""A part of a host's name."""


class Broken(ConnectionError):
    """The connection ended before the response did."""


@dataclass(frozen=True)
class Response:
    """The server's final response, of any status. Redirects are not followed."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.body.decode("utf-8", "replace")


class Exchange:
    """One request, on a connection of its own, and the response to it.

    A URL is used as it is or refused. No part of it is changed or silently dropped,
    except the fragment, which is not sent to servers. Interim responses (1xx) are
    skipped. A 101 is refused, because no upgrade was asked for. `HEAD` and `LIMIT`
    bound the size. A Transfer-Encoding other than exactly ``chunked`` is refused, even
    an equivalent list with empty elements. So is a Content-Length of more than 20
    digits.

    Raises:
        ValueError: ``url`` is not an http address that can be requested.
    """

    def __init__(self, url: str) -> None:
        try:
            host, self.address, target = _parts(url)
        except ValueError as error:
            shown = re.sub("//[^/]*@", "//***@", url)  # a password is not for logs
            raise ValueError(f"not an http address: {shown!r}: {error}") from None
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
        headers = [("Host", host), ("Accept", "*/*"), ("Connection", "close")]
        head = h11.Request(method="GET", target=target, headers=headers)
        sent = self._h11.send(head), self._h11.send(h11.EndOfMessage())
        self.request = b"".join(filter(None, sent))
        """The bytes to send."""
        self._parser = self._parse()
        next(self._parser)

    address: tuple[str, int]
    """Host and port to connect to."""

    def feed(self, data: bytes) -> Response | None:
        """Take received bytes, ``b""`` at their end; return the response once whole.

        The connection is of no use after that. Bytes after the response are ignored.

        Raises:
            Broken: The end came before the response was whole.
            BadResponse: The bytes are not HTTP/1.1, or exceed a limit.
        """
        try:
            self._parser.send(data)
        except StopIteration as whole:
            return whole.value
        except h11.RemoteProtocolError as error:
            if data:
                raise BadResponse(str(error)) from None
        if not data:
            raise Broken("the connection ended before the response did")
        return None

    def _parse(self) -> Generator[None, bytes, Response]:
        """Parse the bytes that are sent to this generator, and return the response."""
        head = yield from self._head()
        if _is_chunked(head):
            rest, _ = self._h11.trailing_data
            body = yield from chunked(rest, LIMIT)
        else:
            body = yield from self._plain()
        return Response(head.status_code, body)

    def _head(self) -> Generator[None, bytes, h11.Response]:
        came = 0
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.InformationalResponse):
                continue
            # h11 limits only incomplete heads: its verdict depends on the pieces.
            if came - len(self._h11.trailing_data[0]) > HEAD:
                raise BadResponse(f"the head has more than {HEAD} bytes")
            if isinstance(event, h11.Response):
                return event
            data = yield
            came += len(data)
            self._h11.receive_data(data)

    def _plain(self) -> Generator[None, bytes, bytes]:
        """Return a body that has a length, ends with the connection, or is empty."""
        body = bytearray()
        while not isinstance(event := self._h11.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > LIMIT:
                    raise BadResponse(f"the body has more than {LIMIT} bytes")
            else:
                self._h11.receive_data((yield))
        return bytes(body)


def _is_chunked(head: h11.Response) -> bool:
    has_body = head.status_code not in (204, 304)
    return has_body and any(name == b"transfer-encoding" for name, _ in head.headers)


def _parts(url: str) -> tuple[str, tuple[str, int], str]:
    """Return the Host header, the address to connect to and the request's target.

    Raises:
        ValueError: `urlsplit` would drop or change something in the URL.
    """
    if wrong := _TO_ENCODE.search(url):  # urlsplit removes tabs, newlines and blanks
        where = f"{wrong[0]!r} at position {wrong.start()}"
        raise ValueError(f"{where} must be percent-encoded (in a host: IDNA-encoded)")
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("expected http://host, then optionally a port and a path")
    host, port = parts.hostname, 80 if parts.port is None else parts.port
    if "@" in parts.netloc:
        raise ValueError("a user name or password is not sent; remove it")
    if not 0 < port < 65536:
        raise ValueError("the port is not in 1 ... 65535")
    if "%" in host:
        raise ValueError("a host with a zone or a percent-encoding is not supported")
    if "[" in parts.netloc:
        ipaddress.IPv6Address(host)
        if not re.fullmatch(r"\[.*\](:\d*)?", parts.netloc):
            raise ValueError("only a port may follow an address in brackets")
    else:
        labels = host.removesuffix(".").split(".")
        if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
            raise ValueError("a host has parts of 1 to 63 characters, 253 in all")
    target = url.partition("#")[0].partition("://")[2].removeprefix(parts.netloc)
    return parts.netloc, (host, port), target if target[:1] == "/" else f"/{target}"
