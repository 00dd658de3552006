"""What the kernel's sockets promise, over the loopback, in real time and by events."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
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
    """Two sockets that are connected with each other."""
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
    """Send until nothing more goes out; how many bytes that took."""
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += sock.plain.send(bytes(65536))
    return filled


def watch(sock):
    """Have the kernel watch a socket on which nobody waits any more."""

    def body(group):
        reader = group.spawn(sock.receive)
        yield from until_it_waits(reader)
        group.cancel()

    yield from open_group(body)


def until_it_waits(task):
    """Let others run until the task is where it waits for a descriptor."""
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


def test_a_name_is_looked_up_and_each_of_its_addresses_is_tried():
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


def test_a_name_that_nobody_has_is_an_os_error():
    def main():
        with pytest.raises(OSError):  # noqa: PT011
            yield from connect("nobody.invalid", 1)
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


def test_a_connect_that_is_cancelled_leaves_nothing():
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


def test_the_end_of_the_stream_comes_after_the_bytes_and_again_and_again():
    def main():
        with pair() as (mine, other):
            yield from other.send(b"last words")
            other.close()
            received = []
            for _ in range(3):
                received.append((yield from mine.receive()))
            return received

    assert run(main) == [b"last words", b"", b""]


def test_who_waits_hears_of_the_end_of_the_stream():
    def main():
        with pair() as (mine, other):

            def body(group):
                reader = group.spawn(mine.receive)
                yield from until_it_waits(reader)
                other.shutdown()
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == b""


def test_no_more_is_taken_than_was_asked_for():
    def main():
        with pair() as (mine, other):
            yield from other.send(b"abcdef")
            received = []
            for most in (2, 3, 3):
                received.append((yield from mine.receive(most)))
            return received

    assert run(main) == [b"ab", b"cde", b"f"]


def test_nothing_is_sent_in_no_time():
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


def test_a_second_reader_that_waits_is_refused():
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


def test_nobody_sends_into_the_middle_of_what_another_sends():
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


def test_who_reads_from_what_is_closed_meanwhile_is_told():
    def main():
        with pair() as (mine, _):

            def body(group):
                reader = group.spawn(closed, mine.receive())
                yield from until_it_waits(reader)
                mine.close()
                return (yield from reader.join())

            return (yield from open_group(body))

    assert run(main) == "closed"


def test_so_is_who_writes_and_who_accepts():
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
def test_what_was_closed_before_is_closed(before):
    def main():
        with pair() as (mine, other):
            if before:
                yield from other.send(before)
                yield from mine.receive()
            mine.close()
            return (yield from closed(mine.receive()))

    assert run(main) == "closed"


def test_a_reader_is_told_also_if_it_was_woken_when_another_closes():
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
                # Both are woken by the same look, the closer first.
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


def test_to_close_twice_is_harmless():
    def main():
        with pair() as (mine, _):
            mine.close()
            mine.close()
        yield from checkpoint()
        return "on"

    assert run(main) == "on"


# Cancelling


@pytest.mark.parametrize("again", [1, 3])
def test_a_socket_goes_on_after_a_receive_that_was_cancelled(again):
    def main():
        with pair() as (mine, other):
            for number in range(again):
                yield from watch(mine)
                yield from other.send(b"%d" % number)
                assert (yield from mine.receive()) == b"%d" % number
        return "on"

    assert run(main) == "on"


def test_a_listener_goes_on_after_an_accept_that_was_cancelled():
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


def test_a_send_that_is_cancelled_has_sent_a_beginning():
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


def test_in_a_cancelled_scope_what_is_there_can_still_be_received():
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


def test_a_number_that_comes_again_is_another_socket():
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


def test_a_closed_socket_does_not_wait_for_whoever_has_its_number_now():
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


def test_a_socket_on_which_nobody_waits_does_not_keep_the_loop_busy():
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


def test_a_socket_on_which_nobody_waits_does_not_hide_a_deadlock():
    def main():
        with pair() as (mine, other):
            yield from watch(mine)
            yield from other.send(b"unread")
            yield from sleep_forever()

    with pytest.raises(Deadlock, match="sleep_forever"):
        run(main)


def test_a_socket_on_which_somebody_waits_is_no_deadlock():
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


def test_a_socket_and_a_plain_wait_for_its_descriptor_go_together():
    def main():
        with pair() as (mine, other):
            yield from watch(mine)
            yield from other.send(b"x")
            yield from wait_readable(mine.plain.fileno())
            return (yield from mine.receive())

    assert run(main) == b"x"


def test_the_end_of_the_run_closes_who_waits_and_leaves_no_descriptor():
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


def test_outside_of_a_kernel_there_are_no_sockets():
    with socket.socket() as plain, pytest.raises(RuntimeError, match="no kernel"):
        Socket(plain)
