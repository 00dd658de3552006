"""Does an exchange understand whatever a server may say, in whatever pieces?"""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest
from concurrency_study.topics.fetching import (
    LIMIT,
    BadResponse,
    Broken,
    Exchange,
    Response,
)
from hypothesis import example, given
from hypothesis import strategies as st

URL = "http://127.0.0.1:8080/1"


def outcome(pieces):
    """What comes out when these pieces come in, and then the end."""
    exchange = Exchange(URL)
    try:
        for piece in [*filter(None, pieces), b""]:
            if (response := exchange.feed(piece)) is not None:
                return response
    except (Broken, BadResponse) as error:
        return type(error)
    raise AssertionError("it ended without an end")


@pytest.mark.parametrize(
    ("url", "address", "line", "host"),
    [
        ("http://127.0.0.1:8080/1", ("127.0.0.1", 8080), "/1", "127.0.0.1:8080"),
        ("http://here", ("here", 80), "/", "here"),
        ("http://here/?a", ("here", 80), "/?a", "here"),
        ("http://here?a=b", ("here", 80), "/?a=b", "here"),
        ("http://Here:0/a/b?c=d&e#f", ("here", 0), "/a/b?c=d&e", "Here:0"),
        ("http://[::1]:80/", ("::1", 80), "/", "[::1]:80"),
        ("http://me:secret@here/", ("here", 80), "/", "here"),
    ],
)
def test_the_request_is_that_of_the_address(url, address, line, host):
    exchange = Exchange(url)
    assert exchange.address == address
    first, *headers = exchange.request.decode().split("\r\n")
    assert first == f"GET {line} HTTP/1.1"
    assert f"Host: {host}" in headers
    assert "Connection: close" in headers


@pytest.mark.parametrize(
    "url",
    [
        *("", "here", "https://here/", "ftp://here/", "http://", "http:///1"),
        *("http://here:port/", "http://here:70000/", "http://[::1/", "//here/"),
        *("http://here/a b", "http://here/\x7f", "http://here/\xe4", "http://h\xe4/"),
    ],
)
def test_what_is_no_http_address_is_an_error(url):
    with pytest.raises(ValueError, match="not an http address: "):
        Exchange(url)


HEADS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 302 Found\r\n",
    b"HTTP/1.1 500 Oh\xe9 \r\n",
    b"HTTP/1.1 404\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 S\r\nA:b\r\n\r\nHTTP/1.1 203 O\r\n",
]
ENDS = {
    "length": b"content-LENGTH: 5\r\nX: y\r\n\r\nright",
    "length, kept alive": b"Content-Length:5\r\nConnection: keep-alive\r\n\r\nright",
    "chunked": b"X: y\r\nTRANSFER-encoding: Chunked\r\n\r\n"
    b"2;some=thing\r\nri\r\n03\r\nght\r\n0\r\nTrailer: t\r\n\r\n",
    "close": b"connection: CLOSE\r\nX:\r\n\r\nright",
}


STATUSES = [200, 302, 500, 404, 200, 203]
WHOLES = [
    pytest.param(head + text, status, id=f"{status} {end}")
    for head, status in zip(HEADS, STATUSES, strict=True)
    for end, text in ENDS.items()
    if not (b"HTTP/1.0" in head and end == "chunked")
]


@pytest.mark.parametrize(("whole", "status"), WHOLES)
def test_a_response_is_understood_in_whatever_pieces(whole, status):
    expected = Response(status, b"right")
    assert outcome([whole]) == expected
    assert outcome([whole[i : i + 1] for i in range(len(whole))]) == expected
    for cut in range(len(whole)):
        assert outcome([whole[:cut], whole[cut:]]) == expected


texts = st.one_of(
    st.binary(max_size=60),
    st.builds(bytes.__add__, st.sampled_from(HEADS), st.sampled_from([*ENDS.values()])),
    st.lists(
        st.sampled_from([*HEADS, *ENDS.values(), b"\r\n", b"HTTP/1.1 204 No\r\n\r\n"])
        | st.binary(max_size=5),
        max_size=6,
    ).map(b"".join),
)


@given(text=texts, drop=st.integers(0, 30), cuts=st.lists(st.integers(0, 300)))
@example(text=HEADS[0] + ENDS["chunked"], drop=2, cuts=[50])
def test_the_pieces_make_no_difference(text, drop, cuts):
    text = text[: len(text) - drop]
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert outcome(pieces) == outcome([text])


@pytest.mark.parametrize("end", ["length", "chunked"])
def test_an_end_that_comes_too_early_is_a_broken_connection(end):
    whole = HEADS[0] + ENDS[end]
    for cut in range(len(whole) - 1):
        assert outcome([whole[:cut]]) is Broken


def test_a_broken_connection_is_an_error_of_the_connection():
    assert issubclass(Broken, ConnectionError)


@pytest.mark.parametrize(
    "text",
    [
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nright",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nright",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nright\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1),
    ],
)
def test_what_is_no_response_is_a_bad_one(text):
    assert outcome([text]) is BadResponse


def test_what_follows_a_response_is_ignored():
    whole = HEADS[0] + ENDS["length"]
    assert outcome([whole + b"and more"]) == Response(200, b"right")


def test_a_body_is_shown_as_text_whatever_it_is():
    assert Response(200, b"right").text == "right"
    assert Response(200, b"\xff").text == "\ufffd"


def fetch(url):
    exchange = Exchange(url)
    with socket.create_connection(exchange.address, timeout=30) as sock:
        sock.sendall(exchange.request)
        while True:
            response = exchange.feed(sock.recv(3))
            if response is not None:
                return response


def test_a_referee_is_understood_however_its_answers_end(quick):
    for _ in range(3):
        response = fetch(f"{quick.racer.url}/8?open")
        assert response.status == 200
        assert len(response.text) == 32
