"""Calls that wait for a descriptor: of files, pollers, selectors and sockets."""

from __future__ import annotations

import _socket
import contextlib
import errno
import io
import os
import select
import selectors
import socket
from collections.abc import Callable
from typing import Any

from ...world.unpatched import unpatched
from .machine import Machine, mine


class Source(io.FileIO):
    """A file whose blocking reads wait in virtual time."""

    def readinto(self, buffer: Any, /) -> int | None:
        before_io(self.fileno(), select.POLLIN)
        return super().readinto(buffer)

    def read(self, size: int | None = -1, /) -> Any:
        return io.RawIOBase.read(self, -1 if size is None else size)

    def readall(self) -> Any:
        return io.RawIOBase.readall(self)


def before_io(descriptor: int, events: int) -> None:
    """Wait until a call on this descriptor would not block."""
    machine = mine()
    if machine and os.get_blocking(descriptor):
        machine.until(descriptor, events)


class Poller:
    """A ``select.poll`` or ``select.epoll`` object that waits in virtual time."""

    def __init__(self, real: Any, to_seconds: float) -> None:
        self.real = real
        self._to_seconds = to_seconds
        self._events: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __enter__(self) -> Poller:
        self.real.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self.real.__exit__(*args)

    def register(self, fd: Any, *mask: int) -> None:
        self.real.register(fd, *mask)
        number = fd if isinstance(fd, int) else fd.fileno()
        everything = select.POLLIN | select.POLLPRI | select.POLLOUT
        self._events[number] = mask[0] if mask else everything

    def modify(self, fd: Any, mask: int) -> None:
        self.real.modify(fd, mask)
        self._events[fd if isinstance(fd, int) else fd.fileno()] = mask

    def unregister(self, fd: Any) -> None:
        self.real.unregister(fd)
        self._events.pop(fd if isinstance(fd, int) else fd.fileno(), None)

    def poll(self, timeout: float | None = None, *most: int) -> Any:
        machine = mine()
        if not machine:
            return self.real.poll(timeout, *most)
        if timeout == 0:
            found = self.real.poll(0, *most)
            if not found:
                machine.look()
            return found
        if hasattr(self.real, "fileno"):
            awaited = [(self.real.fileno(), select.POLLIN)]
        else:
            awaited = list(self._events.items())
        due = None
        if timeout is not None and timeout >= 0:
            due = machine.due(timeout * self._to_seconds)
        return machine.ready(lambda: self.real.poll(0, *most), awaited, due)


def selecting(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method ``select`` of a selector, in virtual time.

    This replaces the method and not the system call below it, because the method rounds
    the timeout up to milliseconds.
    """

    def select_(self: Any, timeout: float | None = None) -> Any:
        machine = mine()
        if not machine:
            return real(self, timeout)
        if hasattr(self, "fileno"):
            awaited = [(self.fileno(), select.POLLIN)]
        else:
            awaited = [
                (
                    key.fd,
                    (select.POLLIN if key.events & selectors.EVENT_READ else 0)
                    | (select.POLLOUT if key.events & selectors.EVENT_WRITE else 0),
                )
                for key in self.get_map().values()
            ]
        due = None if timeout is None else machine.due(timeout)
        return machine.ready(lambda: real(self, 0), awaited, due)

    return select_


def _nothing() -> Any:
    return [], [], []


def selecting_function(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``select.select``, in virtual time."""

    def select_(
        rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /
    ) -> Any:
        machine = mine()
        if not machine:
            return real(rlist, wlist, xlist, timeout)
        if timeout is not None and timeout < 0:
            raise ValueError("timeout must be non-negative")
        lists = [list(rlist), list(wlist), list(xlist)]
        kinds = (select.POLLIN, select.POLLOUT, select.POLLPRI)
        awaited = [
            (f if isinstance(f, int) else f.fileno(), kind)
            for files, kind in zip(lists, kinds, strict=True)
            for f in files
        ]

        def probe() -> Any:
            try:
                found = real(*lists, 0)
            except (OSError, ValueError):
                if machine.ns == began:
                    raise
                return ()  # it was closed meanwhile: a call that waits is not told
            return found if any(found) else ()  # pyright: ignore

        began = machine.ns

        due = None if timeout is None else machine.due(timeout)
        found: object = machine.ready(probe, awaited, due)
        return found or _nothing()

    return select_


def _socket_wait(sock: Any, events: int) -> None:
    machine = mine()
    if (
        machine
        and sock.gettimeout() != 0
        and not machine.until(sock.fileno(), events, sock.gettimeout())
    ):
        raise TimeoutError("timed out")


def _port(address: Any) -> object:
    """Return what identifies an address, on whatever interface."""
    is_path = isinstance(address, str | bytes)
    return address if is_path else address[1]


def _meets(machine: Machine, sock: socket.socket, address: Any) -> None:
    """Note a connection, and whether its other end is outside of the run."""
    _without_delay(sock)
    with contextlib.suppress(OSError):
        machine.ports.add(_port(sock.getsockname()))
    if _port(address) not in machine.ports:
        machine.peers.add(sock)


def serves(machine: Machine, sock: socket.socket) -> None:
    """Note a listening socket of the run: its clients are none of another process."""
    machine.ports.add(_port(sock.getsockname()))
    _without_delay(sock)  # those that it accepts inherit it
    for peer in list(machine.peers):
        with contextlib.suppress(OSError):
            if _port(peer.getpeername()) in machine.ports:
                machine.peers.discard(peer)


def _without_delay(sock: socket.socket) -> None:
    """Have the system send small pieces at once: it would hold them in real time."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_SOCKET: Any = unpatched(socket, "socket")


def socket_methods() -> dict[str, Callable[..., Any]]:
    """Return the blocking methods of sockets by name, in virtual time."""

    def receiving(name: str) -> Callable[..., Any]:
        real = getattr(_SOCKET, name)
        place = 1 if name in ("recv", "recvfrom") else 2

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            flags = args[place] if len(args) > place else kwargs.get("flags", 0)
            if not flags & socket.MSG_DONTWAIT:
                _socket_wait(self, select.POLLIN)
            return real(self, *args, **kwargs)

        return method

    def sending(name: str) -> Callable[..., Any]:
        real = getattr(_SOCKET, name)

        def method(self: Any, data: Any, *args: Any) -> Any:
            if not mine() or self.gettimeout() == 0:
                return real(self, data, *args)
            _socket_wait(self, select.POLLOUT)
            if name == "send" or len(args) == 2:
                args = ((args[0] if args else 0) | socket.MSG_DONTWAIT, *args[1:])
            return real(self, data, *args)

        return method

    def sendmsg(
        self: Any, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None
    ) -> int:
        if mine() and self.gettimeout() != 0:
            _socket_wait(self, select.POLLOUT)
            flags |= socket.MSG_DONTWAIT
        return real_sendmsg(self, buffers, ancdata, flags, address)

    real_sendmsg = _SOCKET.sendmsg

    def sendall(self: Any, data: Any, flags: int = 0) -> None:
        machine, patience = mine(), self.gettimeout()
        if not machine:
            real_sendall(self, data, flags)
            return
        limit = machine.due(patience) if patience else None
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                if limit is not None:  # for all of it
                    left = (limit - machine.ns) / 1e9
                    if not machine.until(self.fileno(), select.POLLOUT, left):
                        raise TimeoutError("timed out")
                sent += send(self, rest[sent:], flags)

    def connect(self: Any, address: Any) -> None:
        patience = self.gettimeout()
        machine = mine()
        if not machine:
            real_connect(self, address)
            return
        if patience == 0:
            try:
                real_connect(self, address)
            finally:
                _meets(machine, self, address)
            return
        self.settimeout(0)
        try:
            real_connect(self, address)
        except BlockingIOError:
            pass
        else:
            return
        finally:
            self.settimeout(patience)
            _meets(machine, self, address)
        _socket_wait(self, select.POLLOUT)
        number = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))

    def connect_ex(self: Any, address: Any) -> int:
        machine = mine()
        if not machine:
            return real_connect_ex(self, address)
        if self.gettimeout() == 0:
            found = real_connect_ex(self, address)
            _meets(machine, self, address)
            return found
        try:
            connect(self, address)
        except TimeoutError:
            return errno.EAGAIN
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def listen(self: Any, *args: Any) -> None:
        real_listen(self, *args)
        if machine := mine():
            serves(machine, self)

    def _accept(self: Any) -> Any:
        _socket_wait(self, select.POLLIN)
        found, address = real_accept(self)
        if machine := mine():
            serves(machine, self)
        return found, address

    real_sendall, real_connect = _SOCKET.sendall, _SOCKET.connect
    real_connect_ex, real_listen = _SOCKET.connect_ex, _SOCKET.listen
    real_accept: Any = vars(_socket.socket)["_accept"]
    send = sending("send")
    incoming = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg")
    incoming += ("recvmsg_into",)
    return {
        **{name: receiving(name) for name in incoming},
        "_accept": _accept,
        "connect_ex": connect_ex,
        "listen": listen,
        "send": send,
        "sendmsg": sendmsg,
        "sendto": sending("sendto"),
        "sendall": sendall,
        "connect": connect,
    }


def tls_methods(ssl: Any) -> dict[str, Callable[..., Any]]:
    """Return the blocking methods of ``ssl.SSLSocket`` by name, in virtual time.

    A call is made without blocking. If it wants to read or to write, the thread waits
    for the descriptor with the baton passed on, and calls again.
    """

    def waiting(name: str) -> Callable[..., Any]:
        real = getattr(ssl.SSLSocket, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            machine = mine()
            patience = self.gettimeout()
            if not machine or patience == 0:
                return real(self, *args, **kwargs)
            if name == "do_handshake" and not self.server_side:
                with contextlib.suppress(OSError):
                    _meets(machine, self, self.getpeername())
            due = None if patience is None else machine.due(patience)
            while True:
                self.settimeout(0)
                try:
                    return real(self, *args, **kwargs)
                except ssl.SSLWantReadError:
                    events = select.POLLIN
                except ssl.SSLWantWriteError:
                    events = select.POLLOUT
                finally:
                    self.settimeout(patience)
                left = None if due is None else (due - machine.ns) / 1e9
                if not machine.until(self.fileno(), events, left):
                    raise TimeoutError("timed out")

        return method

    names = ("do_handshake", "read", "send", "unwrap")
    return {name: waiting(name) for name in names}
