"""The promises of the kernel's sockets, over the loopback and in real time."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import select
import selectors
import socket

import pytest
from generators_study.kernel import (
    Busy,
    Cancelled,
    CancelScope,
    Closed,
    Deadlock,
    Event,
    Socket,
    checkpoint,
    connect,
    current_kernel,
    listen,
    open_group,
    run,
    sleep,
    sleep_forever,
    wait_readable,
)

BIG = bytes(range(256)) * 20_000  # more than the buffers of both sides hold


@pytest.fixture(autouse=True)
def no_descriptor_is_left():
    before = sorted(os.listdir("/dev/fd"))
    yield
    gc.collect()
    assert sorted(os.listdir("/dev/fd")) == before


@contextlib.contextmanager
def pair():
    """Two sockets that are connected to each other."""
    mine, other = map(Socket, socket.socketpair())
    with mine, other:
        yield mine, other


def receive_all(sock):
    received = []
    while data := (yield from sock.receive()):
        received.append(data)
    return b"".join(received)


def receive_exactly(sock, size):
    received = b""
    while len(received) < size:
        received += yield from sock.receive(size - len(received))
    return received


def closed(waiting):
    with pytest.raises(Closed):
        yield from waiting
    return "closed"


def fill(sock):
    """Send until a send would block. Return the number of bytes sent."""
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += sock.plain.send(bytes(65536))
    return filled


def watch(sock):
    """Make the kernel watch a socket that has no waiter any more."""

    def body(group):
        reader = group.spawn(sock.receive)
        yield from until_it_waits(reader)
        group.cancel()

    yield from open_group(body)


def until_it_waits(task):
    """Run other tasks until the task waits for a descriptor."""
    while task.place is None or not hasattr(task.place, "watched"):
        yield from checkpoint()


# Servers and clients


def port_of(server):
    return server.plain.getsockname()[1]


def echo(client):
    with client:
        while data := (yield from client.receive()):
            yield from client.send(data)


def serve(group, server):
    while True:
        group.spawn(echo, (yield from server.accept()))


def test_an_echo_server_and_many_clients():
    def client(port, number):
        with (yield from connect("127.0.0.1", port)) as sock:
            for size in (1, 1000, 100_000):
                message = bytes([number]) * size
                yield from sock.send(message)
                assert (yield from receive_exactly(sock, size)) == message
            sock.shutdown()
            assert (yield from sock.receive()) == b""

    def body(group):
        with listen("127.0.0.1", 0) as server:
            group.spawn(serve, group, server)
            port = port_of(server)
            yield from open_group(
                lambda clients: [clients.spawn(client, port, n) for n in range(20)]
            )
            group.cancel()

    run(open_group, body)


def test_each_address_of_a_name_is_tried():
    def body(group):
        with listen("127.0.0.1", 0) as server:  # "localhost" may be ::1 first
            task = group.spawn(server.accept)
            sock = yield from connect("localhost", port_of(server))
            with sock, (yield from task.join()) as client:
                yield from client.send(b"hello")
                return (yield from sock.receive())

    assert run(open_group, body) == b"hello"


def test_a_connection_that_is_refused_is_an_os_error():
    def main():
        with listen("127.0.0.1", 0) as server:
            port = port_of(server)
        with pytest.raises(ConnectionRefusedError) as raised:
            yield from connect("127.0.0.1", port)
        return raised.value.errno

    assert run(main) == errno.ECONNREFUSED


def test_an_unknown_name_is_an_os_error():
    def main():
        with pytest.raises(OSError):  # noqa: PT011
            yield from connect("unknown.invalid", 1)
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_a_cancelled_connect_leaves_nothing_behind():
    def main():
        with listen("127.0.0.1", 0) as server, CancelScope() as scope:
            scope.cancel()
            yield from connect("127.0.0.1", port_of(server))
        return scope.cancelled_caught

    assert run(main) is True


# Sending and receiving


def test_a_big_send_waits_for_a_slow_reader_and_arrives_whole():
    def main():
        with pair() as (mine, other):

            def body(group):
                sender = group.spawn(send_all)
                yield from until_it_waits(sender)
                assert not sender.done
                return (yield from receive_all(other))

            def send_all():
                yield from mine.send(BIG)
                mine.shutdown()

            return (yield from open_group(body))

    assert run(main) == BIG


def test_both_sides_may_send_much_at_the_same_time():
    def main():
        with pair() as ends:

            def send(sock):
                yield from sock.send(BIG)
                sock.shutdown()

            def body(group):
                readers = [group.spawn(receive_all, end) for end in ends]
                for end in ends:
                    group.spawn(send, end)
                for reader in readers:
                    assert (yield from reader.join()) == BIG

            yield from open_group(body)

    run(main)


def test_the_end_of_the_stream_follows_the_bytes_and_repeats():
    def main():
        with pair() as (mine, other):
            yield from other.send(b"last words")
            other.close()
            received = []
            for _ in range(3):
                received.append((yield from mine.receive()))
            return received

    assert run(main) == [b"last words", b"", b""]


def test_a_waiting_reader_is_woken_by_the_end_of_the_stream():
    def main():
        with pair() as (mine, other):

            def body(group):
                reader = group.spawn(mine.receive)
                yield from until_it_waits(reader)
                other.shutdown()
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == b""


def test_receive_returns_at_most_the_requested_bytes():
    def main():
        with pair() as (mine, other):
            yield from other.send(b"abcdef")
            received = []
            for most in (2, 3, 3):
                received.append((yield from mine.receive(most)))
            return received

    assert run(main) == [b"ab", b"cde", b"f"]


def test_sending_nothing_takes_no_time():
    def main():
        with pair() as (mine, _):
            fill(mine)
            yield from mine.send(b"")
        return "sent"

    assert run(main) == "sent"


def test_a_broken_connection_is_an_os_error():
    def main():
        with pair() as (mine, other):
            other.close()
            with pytest.raises(BrokenPipeError):
                yield from mine.send(b"x")

    run(main)


def test_a_second_waiting_reader_is_refused():
    def main():
        with pair() as (mine, other):

            def body(group):
                reader = group.spawn(mine.receive)
                yield from until_it_waits(reader)
                with pytest.raises(Busy):
                    yield from mine.receive()
                yield from other.send(b"x")
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == b"x"


def test_concurrent_sends_do_not_interleave():
    def main():
        with pair() as (mine, other):

            def body(group):
                sender = group.spawn(first)
                yield from until_it_waits(sender)
                while not sender.done:
                    received.append((yield from other.receive()))
                    with contextlib.suppress(Busy):
                        yield from mine.send(b"B")

            def first():
                yield from mine.send(b"A" * len(BIG))

            received = []
            yield from open_group(body)
            mine.shutdown()
            return b"".join(received) + (yield from receive_all(other))

    assert run(main).lstrip(b"A").strip(b"B") == b""


# Closing


def test_closing_a_socket_wakes_its_reader():
    def main():
        with pair() as (mine, _):

            def body(group):
                reader = group.spawn(closed, mine.receive())
                yield from until_it_waits(reader)
                mine.close()
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == "closed"


def test_closing_a_socket_wakes_its_writer_and_acceptor():
    def main():
        with pair() as (mine, _), listen("127.0.0.1", 0) as server:

            def body(group):
                fill(mine)
                tasks = [
                    group.spawn(closed, waiting)
                    for waiting in (mine.send(b"x"), server.accept(), mine.receive())
                ]
                for task in tasks:
                    yield from until_it_waits(task)
                mine.close()
                server.close()
                for task in tasks:
                    yield from task.join()
                return [task.result for task in tasks]

            return (yield from open_group(body))

    assert run(main) == ["closed"] * 3


@pytest.mark.parametrize("before", [b"", b"some"])
def test_receiving_from_a_closed_socket_raises(before):
    def main():
        with pair() as (mine, other):
            if before:
                yield from other.send(before)
                yield from mine.receive()
            mine.close()
            return (yield from closed(mine.receive()))

    assert run(main) == "closed"


def test_a_reader_woken_just_before_a_close_gets_data_or_closed():
    def main():
        with pair() as (mine, other), pair() as (signal, signaller):

            def close():
                yield from signal.receive()
                mine.close()

            def body(group):
                closer = group.spawn(close)
                yield from until_it_waits(closer)
                reader = group.spawn(closed_or_read)
                yield from until_it_waits(reader)
                # Both are woken by the same poll, the closer first.
                yield from signaller.send(b"x")
                yield from other.send(b"x")
                return (yield from reader.join())

            def closed_or_read():
                try:
                    return (yield from mine.receive())
                except Closed:
                    return "closed"

            return (yield from open_group(body))

    assert run(main) in (b"x", "closed")


def test_closing_twice_is_harmless():
    def main():
        with pair() as (mine, _):
            mine.close()
            mine.close()
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


# Cancelling


@pytest.mark.parametrize("again", [1, 3])
def test_a_socket_works_after_a_cancelled_receive(again):
    def main():
        with pair() as (mine, other):
            for number in range(again):
                yield from watch(mine)
                yield from other.send(b"%d" % number)
                assert (yield from mine.receive()) == b"%d" % number
        return "on"

    assert run(main) == "on"


def test_a_listener_works_after_a_cancelled_accept():
    def main():
        with listen("127.0.0.1", 0) as server:

            def body(group):
                acceptor = group.spawn(server.accept)
                yield from until_it_waits(acceptor)
                group.cancel()

            yield from open_group(body)
            with (
                (yield from connect("127.0.0.1", port_of(server))) as sock,
                (yield from server.accept()) as client,
            ):
                yield from sock.send(b"hello")
                return (yield from client.receive())

    assert run(main) == b"hello"


def test_a_cancelled_send_has_sent_a_prefix():
    def main():
        with pair() as (mine, other):

            def body(group):
                sender = group.spawn(mine.send, BIG)
                yield from until_it_waits(sender)
                group.cancel()

            yield from open_group(body)
            mine.shutdown()
            return (yield from receive_all(other))

    received = run(main)
    assert 0 < len(received) < len(BIG)
    assert BIG.startswith(received)


def test_a_cancelled_scope_can_still_receive_available_bytes():
    def main():
        with pair() as (mine, other), CancelScope() as scope:
            yield from other.send(b"x")
            scope.cancel()
            received = yield from mine.receive()
            try:
                yield from mine.receive()
            except Cancelled:
                return received

    assert run(main) == b"x"


# Descriptors


def test_a_reused_descriptor_belongs_to_the_new_socket():
    def main():
        old, peer = map(Socket, socket.socketpair())
        with peer:
            yield from watch(old)
            number = old.plain.fileno()
            old.close()
            with pair() as (new, other):
                assert new.plain.fileno() == number
                yield from other.send(b"new")
                assert (yield from new.receive()) == b"new"

                def body(group):
                    reader = group.spawn(new.receive)
                    yield from until_it_waits(reader)
                    yield from other.send(b"again")
                    return (yield from reader.join())

                return (yield from open_group(body))

    assert run(main) == b"again"


def test_a_closed_socket_does_not_wait_for_its_reused_descriptor():
    def main():
        old, peer = map(Socket, socket.socketpair())
        with peer:
            yield from peer.send(b"old")
            yield from old.receive()
            number = old.plain.fileno()
            old.close()
            with pair() as (new, other):
                assert new.plain.fileno() == number

                def stale():
                    with pytest.raises(Closed):
                        yield from old.receive()

                def body(group):
                    group.spawn(stale)
                    reader = group.spawn(new.receive)
                    yield from checkpoint()
                    yield from other.send(b"new")
                    return (yield from reader.join())

                return (yield from open_group(body))

    assert run(main) == b"new"


def test_a_socket_without_a_waiter_does_not_keep_the_loop_busy():
    def main():
        with pair() as (mine, other):
            yield from watch(mine)
            yield from other.send(b"unread")
            selector = current_kernel().selector
            select, looks = selector.select, []
            selector.select = lambda timeout: looks.append(timeout) or select(timeout)
            yield from sleep(0.02)
            assert (yield from mine.receive()) == b"unread"
            return len(looks)

    assert run(main) <= 4


def test_a_socket_without_a_waiter_does_not_hide_a_deadlock():
    def main():
        with pair() as (mine, other):
            yield from watch(mine)
            yield from other.send(b"unread")
            yield from sleep_forever()

    with pytest.raises(Deadlock, match="sleep_forever"):
        run(main)


def test_a_task_that_waits_for_a_socket_is_not_a_deadlock():
    def main():
        plain, far = socket.socketpair()
        with far, Socket(plain) as mine:
            woken = Event()

            def body(group):
                reader = group.spawn(mine.receive)
                yield from until_it_waits(reader)
                current_kernel().call_soon_threadsafe(woken.set)
                yield from woken.wait()
                far.send(b"x")
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == b"x"


def test_a_plain_wait_for_the_descriptor_of_a_socket_works():
    def main():
        with pair() as (mine, other):
            yield from watch(mine)
            yield from other.send(b"x")
            yield from wait_readable(mine.plain.fileno())
            return (yield from mine.receive())

    assert run(main) == b"x"


def test_an_error_with_a_waiting_reader_leaves_no_descriptor():
    def main():
        with pair() as (mine, _):
            yield from open_group(body_that_fails(mine))

    def body_that_fails(mine):
        def body(group):
            reader = group.spawn(mine.receive)
            yield from until_it_waits(reader)
            raise ValueError

        return body

    with pytest.raises(ExceptionGroup) as raised:
        run(main)
    assert isinstance(raised.value.exceptions[0], ValueError)


def test_a_socket_needs_a_running_kernel():
    with socket.socket() as plain, pytest.raises(RuntimeError, match="no kernel"):
        Socket(plain)


def test_the_loop_asks_the_selector_if_its_select_was_replaced(monkeypatch):
    asked = []
    real = selectors.DefaultSelector.select

    def select(self, timeout=None):
        asked.append(timeout)
        return real(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", select)
    test_the_end_of_the_stream_follows_the_bytes_and_repeats()
    test_a_waiting_reader_is_woken_by_the_end_of_the_stream()
    assert asked


def test_the_loop_reads_epoll_itself_where_there_is_one():
    def main():
        yield from checkpoint()
        return current_kernel()._epoll is not None

    assert run(main) == hasattr(select, "epoll")
