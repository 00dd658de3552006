"""The referee speaks HTTP/1.1 and survives clients that do not."""

from __future__ import annotations

import contextlib
import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

RIGHT = (200, "right")


def alive(client):
    """Expect the referee to serve other clients still."""
    first, second = client.get("/1"), client.get("/1")
    assert first.answer() == RIGHT
    first.close()
    second.close()


# Good requests


@pytest.mark.parametrize("page", ["/", "/blue/"])
def test_the_front_page_lists_the_pages(quick, page):
    status, text = quick.ask(page)
    assert status == 200
    for word in ("/1\t", "/11\t", "/stats", "/reset"):
        assert word in text


@pytest.mark.parametrize("page", ["/12", "/0", "/01", "/stat", "/x/y", "/1;a"])
def test_a_page_that_does_not_exist_is_not_found(quick, page):
    assert quick.ask(page)[0] == 404


@pytest.mark.parametrize(
    ("method", "page", "allowed"),
    [
        ("POST", "/1", "GET"),
        ("HEAD", "/1", "GET"),
        ("DELETE", "/stats", "GET"),
        ("HEAD", "/", "GET"),
        ("GET", "/reset", "POST"),
    ],
)
def test_another_method_is_not_allowed(real, method, page, allowed):
    call = real.call().send(page, method, "Connection: close\r\n")
    head = call.everything().decode()
    assert head.startswith("HTTP/1.1 405 ")
    assert f"\r\nAllow: {allowed}\r\n" in head
    assert head.endswith("\r\n\r\n")
    assert real.tally(1).begun == 0


def test_an_answer_to_head_has_no_body(quick):
    for _ in range(3):
        call = quick.call().send("/nope", "HEAD", "Connection: close\r\n")
        answer = call.everything()
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.endswith(b"\r\n\r\n")
        assert answer.count(b"\r\n\r\n") == 1


def test_a_connection_is_kept_for_the_next_request(real):
    call = real.call()
    for _ in range(3):
        assert call.send("/8?open").answer()[0] == 200
    tally = real.tally(8)
    assert (tally.answered, tally.connections) == (3, 1)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /8?open HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        b"GET /8?open HTTP/1.0\r\n\r\n",
    ],
)
def test_a_connection_is_closed_if_the_client_says_so(real, head):
    call = real.call()
    call.sock.sendall(head)
    answer = call.everything()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_answers_end_in_every_way(quick):
    heads = []
    for _ in range(3):
        call = quick.call().send("/8?open", headers="Connection: close\r\n")
        heads.append(call.everything().lower())
    kinds = [(b"content-length: " in h, b"-encoding: chunked" in h) for h in heads]
    assert sorted(kinds) == [(False, False), (False, True), (True, False)]


def test_an_answer_to_http_1_0_has_no_chunks(quick):
    for _ in range(3):
        call = quick.call()
        call.sock.sendall(b"GET /stats HTTP/1.0\r\n\r\n")
        assert call.everything().rstrip().endswith(b"}")


def test_a_request_may_come_byte_by_byte(real):
    call = real.call()
    for byte in b"GET /8?open HTTP/1.1\r\nhOsT:here\r\n\r\n":
        call.sock.sendall(bytes([byte]))
    assert call.answer()[0] == 200


def test_a_request_may_have_a_body(real):
    call = real.call()
    call.send("/8?open", headers="Content-Length: 3\r\n").sock.sendall(b"abc")
    assert call.answer()[0] == 200
    call.send("/8?open", headers="Transfer-Encoding: chunked\r\n")
    call.sock.sendall(b"3\r\nabc\r\n0\r\n\r\n")
    assert call.answer()[0] == 200


def test_a_client_that_expects_100_continue_gets_it(real):
    headers = "Content-Length: 3\r\nExpect: 100-continue\r\n"
    call = real.call().send("/8?open", headers=headers)
    assert call.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    call.sock.sendall(b"abc")
    assert call.answer()[0] == 200


def test_a_request_may_name_the_whole_address(real):
    call = real.call()
    call.sock.sendall(b"GET http://here:80/8?open HTTP/1.1\r\nHost: here\r\n\r\n")
    assert call.answer()[0] == 200
    assert real.tally(8).answered == 1


def test_pipelined_requests_are_answered_in_order(real):
    call = real.call()
    one, two = b"GET /nope HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"
    call.sock.sendall(one * 3000 + two)
    answers = call.everything()
    assert answers.count(b"HTTP/1.1 404 ") == 3000
    assert answers.count(b"HTTP/1.1 200 ") == 1
    assert answers.rindex(b"HTTP/1.1 404 ") < answers.index(b"HTTP/1.1 200 ")


def test_a_pipelined_request_begins_when_the_one_before_is_answered(real):
    call = real.call().send("/1").send("/8?open", headers="Connection: close\r\n")
    stats = real.racer.stats()
    assert (stats.obstacles[1].open, stats.obstacles[8].begun) == (1, 0)
    real.get("/1")
    assert call.everything().count(b"HTTP/1.1 200 ") == 2
    assert real.tally(8).answered == 1


# Bad requests

HEAD = b"GET /1 HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("bytes", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /1\r\n\r\n", 400),
        (b"GET /1 HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (HEAD + b"no colon\r\n\r\n", 400),
        (HEAD + b"Content-Length: x\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000, 413),
        (HEAD + b"X: " + b"x" * 100_000, 431),
        (b"GET /" + b"x" * 100_000, 431),
    ],
)
def test_bytes_that_are_not_http_are_refused(real, bytes, status):
    call = real.call()
    call.sock.sendall(bytes)
    answer = call.everything()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in answer
    call.close()
    stats = real.settled()
    assert stats.malformed == 1
    assert stats.obstacles[1].begun == 0
    alive(real)


@pytest.mark.parametrize(
    "half", [b"G", b"GET /1 HTTP/1.1\r\n", b"GET /1 HTTP/1.1\r\nHost: h\r\n", None]
)
def test_half_a_request_does_not_count(real, half):
    call = real.call()
    body = b"GET /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc"
    call.sock.sendall(half or body)
    alive(real)
    stats = real.racer.stats()
    assert (stats.silent, stats.obstacles[1].begun) == (1, 2)
    call.close()
    assert real.settled().malformed == 1


def test_a_client_that_closes_its_side_gets_no_late_answer(real):
    call = real.get("/1")
    call.sock.shutdown(socket.SHUT_WR)
    assert call.everything() == b""
    call.close()
    assert real.settled().obstacles[1].dropped == 1


def test_a_client_that_closes_its_side_gets_an_immediate_answer(real):
    call = real.get("/8?open")
    call.sock.shutdown(socket.SHUT_WR)
    assert call.everything().startswith(b"HTTP/1.1 200 ")


def test_a_reset_is_a_dropped_request(real):
    call = real.get("/1")
    real.racer.stats()
    call.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    call.close()
    assert real.settled().obstacles[1].dropped == 1


def test_a_client_that_sends_too_far_ahead_is_disconnected(real):
    call = real.get("/1")
    with contextlib.suppress(ConnectionError):
        call.sock.sendall(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" * 100_000)
    assert call.everything() == b""
    stats = real.settled()
    assert (stats.obstacles[1].begun, stats.obstacles[1].dropped) == (1, 1)
    assert stats.malformed == 1


def test_a_client_that_never_reads_is_disconnected(real):
    call = real.call()
    ask = b"GET /8?open HTTP/1.1\r\nHost: h\r\n\r\n" * 10_000
    with contextlib.suppress(ConnectionError):
        while True:
            call.sock.sendall(ask)
    call.close()
    tally = real.settled().obstacles[8]
    assert (tally.open, tally.begun) == (0, tally.answered + tally.dropped)
    alive(real)


def test_a_slow_client_does_not_delay_others(real):
    slow = real.call()
    for byte in b"GET /1 HTTP/1.1":
        slow.sock.sendall(bytes([byte]))
        alive(real)


def test_many_short_connections_leave_nothing(real):
    for _ in range(500):
        real.call().close()
        real.get("/1").close()
    stats = real.settled()
    tally = stats.obstacles[1]
    assert tally.begun == tally.dropped + tally.answered


words = st.sampled_from(
    [
        *(b"GET", b"POST", b"HEAD", b"CONNECT", b" ", b"\r\n", b"\n", b"\r\n\r\n"),
        *(b"/1", b"/4", b"/8?open", b"/10?x", b"/stats", b"?settled=1", b"*", b"//["),
        *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b"Host: h\r\n"),
        *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"3\r\nabc"),
        *(b"Connection: close\r\n", b"Upgrade: x\r\nConnection: upgrade\r\n", b"0"),
        *(b"Expect: 100-continue\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ]
)
pieces = st.lists(words | st.binary(max_size=20), max_size=30)


@settings(max_examples=200, deadline=None)
@given(pieces=pieces)
@example(pieces=[b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", b"abc"])
@example(pieces=[b"GET //[ HTTP/1.1\r\nHost: h\r\n\r\n"])
@example(
    pieces=[b"GET /stats?settled=" + b"9" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"]
)
@example(pieces=[b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"])
def test_random_bytes_disturb_no_other_client_and_leave_nothing(
    quick_racer, client_of, pieces
):
    quick_racer.reset()
    client = client_of(quick_racer)
    call = client.call()
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            call.sock.sendall(piece)
        call.sock.shutdown(socket.SHUT_WR)
        call.everything()
    call.close()
    alive(client)
    stats = client.settled()
    assert stats.open == stats.connections == stats.silent == 0
