"""The chunked transfer coding (RFC 9112, section 7.1), decoded without any waiting.

h11 has a decoder of its own. But it refuses a blank before an extension (``3 ; q=1``),
which section 7.1.1 obliges a recipient to parse, and sizes of more than 20 digits.
"""

from __future__ import annotations

import re
from collections.abc import Generator

LINE = 16384
"""Bytes that a line with a chunk's size, or of the trailer, may have."""

_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?\r\n")
"""The size of a chunk; extensions are ignored. Blanks at the end are common."""


class BadResponse(ValueError):
    """The bytes are not HTTP/1.1, or there are too many of them."""


def chunked(data: bytes, limit: int) -> Generator[None, bytes, bytes]:
    """Decode a body that begins with ``data``; take the rest by `send`, return it.

    The trailer is skipped. No decision depends on how the bytes were divided.

    Raises:
        BadResponse: The coding is wrong, or the body has more than ``limit`` bytes.
    """
    rest, body = bytearray(data), bytearray()

    def line() -> Generator[None, bytes, bytes]:
        while (end := rest.find(b"\n") + 1) == 0 and len(rest) <= LINE:
            rest.extend((yield))
        if not 0 < end <= LINE:
            raise BadResponse(f"a chunk's line has more than {LINE} bytes")
        return taken(end)

    def taken(count: int) -> bytes:
        taken = bytes(rest[:count])
        del rest[:count]
        return taken

    while True:
        head = yield from line()
        match = _SIZE.fullmatch(head)
        if match is None:
            raise BadResponse(f"illegal size of a chunk: {head[:100]!r}")
        size = int(match[1], 16)
        if size == 0:
            break
        if len(body) + size > limit:
            raise BadResponse(f"the body has more than {limit} bytes")
        while len(rest) < size + 2:
            rest.extend((yield))
        body += taken(size)
        if taken(2) != b"\r\n":
            raise BadResponse("a chunk is longer than its size")
    while (yield from line()) not in (b"\r\n", b"\n"):
        pass
    return bytes(body)
