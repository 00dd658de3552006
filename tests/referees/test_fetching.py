"""An exchange understands all responses, split at any byte."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest
from concurrency_study.topics.fetching import (
    HEAD,
    LIMIT,
    BadResponse,
    Broken,
    Exchange,
    Response,
)
from concurrency_study.topics.fetching.chunked import LINE
from concurrency_study.topics.fetching.course import Loser, is_done
from hypothesis import example, given
from hypothesis import strategies as st

URL = "http://127.0.0.1:8080/1"


def outcome(pieces):
    """Return the response to these pieces and the end, or the type of the error."""
    exchange = Exchange(URL)
    try:
        for piece in [*filter(None, pieces), b""]:
            if (response := exchange.feed(piece)) is not None:
                return response
    except (Broken, BadResponse) as error:
        return type(error)
    raise AssertionError("the exchange waits for more after the end")


@pytest.mark.parametrize(
    ("url", "address", "line", "host"),
    [
        ("http://127.0.0.1:8080/1", ("127.0.0.1", 8080), "/1", "127.0.0.1:8080"),
        ("http://here", ("here", 80), "/", "here"),
        ("http://here/?a", ("here", 80), "/?a", "here"),
        ("http://here?a=b", ("here", 80), "/?a=b", "here"),
        ("http://here/?", ("here", 80), "/?", "here"),
        ("HTTP://Here:1/a/b?c=d&e#f?g", ("here", 1), "/a/b?c=d&e", "Here:1"),
        ("http://here:65535//a;b/../c?d?e", ("here", 65535), "//a;b/../c?d?e", None),
        ("http://here.:/%09%C3%A4", ("here.", 80), "/%09%C3%A4", "here.:"),
        ("http://[::1]:80/", ("::1", 80), "/", "[::1]:80"),
        ("http://[FE80::1]", ("fe80::1", 80), "/", "[FE80::1]"),
    ],
)
def test_the_request_is_that_of_the_address(url, address, line, host):
    exchange = Exchange(url)
    assert exchange.address == address
    first, *headers = exchange.request.decode().split("\r\n")
    assert first == f"GET {line} HTTP/1.1"
    assert f"Host: {host or url.split('/')[2]}" in headers
    assert "Connection: close" in headers


@pytest.mark.parametrize(
    "url",
    [
        *("", "here", "https://here/", "ftp://here/", "http://", "http:///1"),
        *("http://here:port/", "http://here:70000/", "http://[::1/", "//here/"),
        *("http://here:0/", "http://here:-1/", "http://here:1_0/", "http://here:1:2/"),
        *("http://::1/", "http://[::1]x/", "http://x[::1]/", "http://[::1]:x/"),
        *("http://[fe80::1%25lo]/", "http://[127.0.0.1]/", "http://[v1.x]/"),
        *("http://he%72e/", "http://a..b/", f"http://{'a' * 64}/", "http://./"),
        *(f"http://{'a.' * 127}/", f"http://here:{'9' * 5000}/"),
        *("http://here/%", "http://here/%4", "http://here/%zz", "http://here/?%"),
    ],
)
def test_a_wrong_address_is_an_error(url):
    with pytest.raises(ValueError, match="not an http address: "):
        Exchange(url)


FORBIDDEN = [
    *map(chr, [*range(33), 127, 0x85, 0xA0]),
    *'\xe4\u2028\U0001f600"<>\\^`{|}',
]


@pytest.mark.parametrize("url", ["http://here/path?query", " http://here/"])
@pytest.mark.parametrize("character", FORBIDDEN, ids=ascii)
def test_a_character_that_must_be_encoded_is_an_error(url, character):
    for place in range(len(url) + 1):
        with pytest.raises(ValueError, match="must be percent-encoded"):
            Exchange(url[:place] + character + url[place:])


@pytest.mark.parametrize("user", ["me:secret", "me", "", ":secret", "a@b:secret"])
def test_a_user_or_password_is_an_error_that_does_not_show_it(user):
    with pytest.raises(
        ValueError, match="a user name or password is not sent"
    ) as error:
        Exchange(f"http://{user}@here/")
    assert "secret" not in str(error.value)


printable = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]))


@given(st.one_of(st.text(), printable), st.one_of(st.text(), printable))
def test_nothing_in_an_address_is_changed(host, rest):
    url = f"http://{host}{rest}"
    try:
        exchange = Exchange(url)
    except ValueError:
        return
    line, host_line, *_ = exchange.request.decode().split("\r\n")
    target = line.removeprefix("GET ").removesuffix(" HTTP/1.1")
    asked = url.partition("#")[0].partition("://")[2]
    assert host_line.removeprefix("Host: ") + target in (asked, f"{asked}/") or (
        "/" not in asked and asked == host_line.removeprefix("Host: ") + target[1:]
    )


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
    "chunked, with blanks": b"Transfer-Encoding: chunked\r\n\r\n"
    b'2 ; some\t=\t"th;ng" ;x\r\nri\r\n' + b"0" * 50 + b"3 \t \r\nght\r\n"
    b"00\t;last\r\nTrailer: t\r\n folded\r\n\r\n",
    "close": b"connection: CLOSE\r\nX:\r\n\r\nright",
}


STATUSES = [200, 302, 500, 404, 200, 203]
WHOLES = [
    pytest.param(head + text, status, id=f"{status} {end}")
    for head, status in zip(HEADS, STATUSES, strict=True)
    for end, text in ENDS.items()
    if not (b"HTTP/1.0" in head and "chunked" in end)
]


@pytest.mark.parametrize(("whole", "status"), WHOLES)
def test_a_response_is_understood_however_it_is_cut(whole, status):
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
def test_the_pieces_do_not_matter(text, drop, cuts):
    text = text[: len(text) - drop]
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert outcome(pieces) == outcome([text])


blank = st.text(" \t", max_size=2)
name = st.text("aZ9!~", min_size=1, max_size=3)
quoted = st.text("ab;=, \t\xff", max_size=4).map('"{}"'.format)
value = st.builds("{}={}{}".format, blank, blank, name | quoted)
extension = st.builds("{};{}{}{}".format, blank, blank, name, value | st.just(""))
extensions = st.lists(extension, max_size=2).map("".join)


@st.composite
def chunked_bodies(draw):
    """A body, and how it may be sent in chunks."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
    sent = b""
    for chunk in chunks:
        size = "0" * draw(st.integers(0, 30)) + f"{len(chunk):x}"
        size = draw(st.sampled_from([size, size.upper()]))
        sent += f"{size}{draw(extensions)}\r\n".encode("latin-1") + chunk + b"\r\n"
    zeros = "0" * draw(st.integers(1, 30))
    trailer = draw(st.sampled_from([b"", b"A: b\r\n", b"A: b\r\n c\r\nD:\r\n"]))
    last = f"{zeros}{draw(extensions)}\r\n".encode("latin-1") + trailer + b"\r\n"
    return b"".join(chunks), sent + last


@given(both=chunked_bodies(), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_chunks_are_put_together_however_they_are_cut(both, cuts):
    body, sent = both
    text = HEADS[0] + b"Transfer-Encoding: chunked\r\n\r\n" + sent
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert outcome(pieces) == Response(200, body)
    assert outcome([bytes([each]) for each in text]) == Response(200, body)
    assert outcome([text[:-1]]) is Broken


@pytest.mark.parametrize(
    "chunk",
    [
        *(b"\r\n", b";a\r\n", b" 2\r\nri\r\n", b"0x2\r\nri\r\n", b"+2\r\nri\r\n"),
        *(b"2\nri\r\n", b"2;a\rb\r\nri\r\n", b"2;a\x00\r\nri\r\n", b"2 2\r\nri\r\n"),
        *(b"2\r\nrig\r\n", b"2\r\nri\n", b"g\r\n", b"2\r\r\nri\r\n"),
        *(b"2;" + b"a" * LINE, b"0\r\nA: " + b"a" * LINE, b"%x\r\n" % (LIMIT + 1)),
        b"f" * 5000 + b"\r\n",
    ],
)
def test_a_wrong_chunk_is_a_bad_response(chunk):
    text = HEADS[0] + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n" * 3
    assert outcome([text]) is BadResponse
    assert outcome([bytes([each]) for each in text]) is BadResponse


@pytest.mark.parametrize("size", [2**14 + 100, HEAD, HEAD + 1])
@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("end", [b"Content-Length: 5\r\n\r\n", b"\r\n"])
def test_a_long_head_is_judged_by_its_size_alone(first, size, end):
    start = first + HEADS[0] + b"A: "
    head = start + b"a" * (size - len(start) - len(b"\r\n" + end)) + b"\r\n" + end
    expected = Response(200, b"right") if len(head) <= HEAD else BadResponse
    assert len(head) == size
    assert outcome([head + b"right"]) == expected
    for cut in (1, len(first) + 1, len(start), 2**14, size - 3, size - 1, size):
        assert outcome([head[:cut], head[cut:] + b"right"]) == expected


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("end", ENDS)
def test_a_response_without_a_body_ends_with_its_head(status, end):
    head = ENDS[end].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    exchange = Exchange(URL)
    whole = f"HTTP/1.1 {status} None\r\n".encode() + head
    assert exchange.feed(whole) == Response(status, b"")


def test_at_obstacle_10_20x_ends_30x_continues_and_the_rest_fails():
    for status in range(200, 1000):
        response = Response(status, b"why")
        if status < 400:
            assert is_done(response) == (status < 300)
        else:
            with pytest.raises(Loser, match=f"{status}: why"):
                is_done(response)


@pytest.mark.parametrize("end", ["length", "chunked"])
def test_an_early_end_is_a_broken_connection(end):
    whole = HEADS[0] + ENDS[end]
    for cut in range(len(whole) - 1):
        assert outcome([whole[:cut]]) is Broken


def test_broken_is_a_connection_error():
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
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: , chunked\r\n\r\n",  # a known limit
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1),
    ],
)
def test_anything_else_is_a_bad_response(text):
    assert outcome([text]) is BadResponse


def test_bytes_after_a_response_are_ignored():
    whole = HEADS[0] + ENDS["length"]
    assert outcome([whole + b"and more"]) == Response(200, b"right")


def test_every_body_can_be_shown_as_text():
    assert Response(200, b"right").text == "right"
    assert Response(200, b"\xff").text == "\ufffd"


def fetch(url):
    exchange = Exchange(url)
    with socket.create_connection(exchange.address, timeout=300) as sock:
        sock.sendall(exchange.request)
        while True:
            response = exchange.feed(sock.recv(3))
            if response is not None:
                return response


def test_all_answers_of_a_referee_are_understood(quick):
    for _ in range(3):
        response = fetch(f"{quick.racer.url}/8?open")
        assert response.status == 200
        assert len(response.text) == 32
