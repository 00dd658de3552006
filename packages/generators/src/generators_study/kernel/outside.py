"""The world outside: descriptors, sockets, threads."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import contextvars
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .loop import Kernel, Task, Wait, checkpoint
from .places import Closed, Event, Future
from .scopes import CancelScope, _running, current_kernel, current_task

T = TypeVar("T")
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Busy(RuntimeError):
    """Another task waits for this descriptor already."""


def wait_readable(descriptor: int) -> Wait[None]:
    """Wait until reading would not block; at once for what never blocks.

    Nobody hears of a descriptor that is closed while a task waits for it: first cancel
    the task. (Closing a `Socket` tells who waits for it.)

    Raises:
        Busy: another task waits for it already.
        OSError, ValueError: it is no open descriptor.
    """
    yield _watched(descriptor).reader


def wait_writable(descriptor: int) -> Wait[None]:
    """Wait until writing would not block, as `wait_readable` does for reading."""
    yield _watched(descriptor).writer


def _watched(descriptor: int) -> Watched:
    kernel = current_kernel()
    key = kernel.selector.get_map().get(descriptor)
    return key.data if key else Watched(kernel, descriptor, kept=False)


class Watched:
    """A descriptor that the selector watches for those who wait for it.

    ``kept`` is one that is watched on when nobody waits, until that proves vain: to
    tell the selector costs more than to wait. Whoever keeps it has to `drop` it before
    it is closed, as the number may come again.
    """

    def __init__(self, kernel: Kernel, descriptor: int, *, kept: bool) -> None:
        self.kernel = kernel
        self.descriptor = descriptor
        self.kept = kept
        self.events = 0
        """What the selector looks out for."""
        self.reader = Direction(self, READ)
        self.writer = Direction(self, WRITE)
        self.closed = False

    def happened(self, events: int) -> None:
        """The selector has seen these: wake who waits for them."""
        idle = 0
        for direction in (self.reader, self.writer):
            if events & direction.way:
                if direction.task is None or not self.kept:
                    idle |= direction.way
                if direction.task is not None:
                    direction.leave().wake()
        if idle:
            self.ignore(idle)

    def watch(self, events: int) -> None:
        """Have the selector look out for these, and nothing else.

        Raises:
            OSError, ValueError: it is no open descriptor, or one that never blocks;
                who waits for it is told, too.
        """
        if self.closed:  # its number may be that of another now
            raise Closed("the socket is closed")
        selector, before, self.events = self.kernel.selector, self.events, events
        try:
            if not before:
                selector.register(self.descriptor, events, self)
            elif events:
                selector.modify(self.descriptor, events, self)
            else:
                selector.unregister(self.descriptor)
        except (OSError, ValueError) as error:
            self.events = 0
            self.drop(error)
            raise

    def ignore(self, events: int) -> None:
        """Look out for these no more; if it has been closed meanwhile, for nothing."""
        with contextlib.suppress(OSError):
            self.watch(self.events & ~events)

    def drop(self, error: BaseException) -> None:
        """Watch it no more; whoever waits for it is told why."""
        if self.events:
            self.ignore(self.events)
        for direction in (self.reader, self.writer):
            if direction.task is not None:
                direction.leave().fail(error)


class Direction:
    """The place of the one task that waits until it can read (or write)."""

    def __init__(self, watched: Watched, way: int) -> None:
        self.watched = watched
        self.way = way
        self.task: Task | None = None

    def append(self, task: Task) -> None:
        watched = self.watched
        if self.task is not None:
            raise Busy(f"another task waits for descriptor {watched.descriptor}")
        if not watched.events & self.way:
            try:
                watched.watch(watched.events | self.way)
            except PermissionError:  # epoll refuses regular files: they never block
                task.wake()
                return
        self.task = task
        watched.kernel.listeners += 1

    def leave(self) -> Task:
        """Nobody waits here now; who did."""
        task, self.task = self.task, None
        assert task is not None
        self.watched.kernel.listeners -= 1
        return task

    def remove(self, task: Task) -> None:
        if self.task is not task:
            raise ValueError(f"{task.name} does not wait here")
        self.leave()
        if not self.watched.kept:
            self.watched.ignore(self.way)


class Socket:
    """A stream socket, or one that listens; ``with`` closes it.

    Args:
        plain: A socket of the standard library, which belongs to this one from now on.
    """

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        self.plain = plain
        self._watched = Watched(current_kernel(), plain.fileno(), kept=True)
        self._empty = False
        """Whether the last read got less than it asked for."""
        self._sending = False
        """Whether a task has sent a part of its bytes."""

    def receive(self, most: int = 65536) -> Wait[bytes]:
        """Wait for bytes, and take at most so many; none at the end of the stream.

        Raises:
            Closed: the socket is closed, perhaps while this waited.
            OSError: the connection is broken.
        """
        reader = self._watched.reader
        if self._empty:
            yield reader
        data = yield from self._try(reader, self.plain.recv, most)
        self._empty = 0 < len(data) < most
        return data

    def send(self, data: bytes) -> Wait[None]:
        """Send all of it; waits while the other side takes none.

        Raises:
            Busy: another task has sent a part of its bytes, and waits to send the rest.
            Closed: the socket is closed, perhaps while this waited.
            OSError: the connection is broken.
        """
        if self._sending:
            raise Busy("another task is sending")
        self._sending = True
        rest: bytes | memoryview = data
        try:
            while True:
                writer, send = self._watched.writer, self.plain.send
                sent = yield from self._try(writer, send, rest)
                if sent == len(rest):
                    return
                rest = memoryview(rest)[sent:]
        finally:
            self._sending = False

    def accept(self) -> Wait[Socket]:
        """Wait for the next connection.

        Raises:
            Closed: the socket is closed, perhaps while this waited.
        """
        reader = self._watched.reader
        return Socket((yield from self._try(reader, self.plain.accept))[0])

    def _try(self, place: Direction, call: Callable[..., T], *args: Any) -> Wait[T]:
        """Make a call that would block again and again, until it need not."""
        while True:
            try:
                return call(*args)
            except BlockingIOError:
                yield place
            except OSError:
                if self.plain.fileno() < 0:
                    raise Closed("the socket is closed") from None
                raise

    def shutdown(self) -> None:
        """Send no more: the other side reads the end of the stream."""
        self.plain.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it; whoever waits for it gets `Closed`."""
        self._watched.drop(Closed("the socket was closed"))
        self._watched.closed = True
        self.plain.close()

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(host: str, port: int) -> Wait[Socket]:
    """Wait for a connection to an address; its names are looked up in a thread.

    Raises:
        OSError: of the last of its addresses, if none of them answers.
    """
    wanted = (host, port, 0, socket.SOCK_STREAM, 0)
    try:
        found = socket.getaddrinfo(*wanted, socket.AI_NUMERICHOST)
    except socket.gaierror:  # it is no number: a look-up takes time
        found = yield from in_thread(socket.getaddrinfo, *wanted)
    error: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in found:
        made = Socket(socket.socket(family, kind, protocol))
        try:
            try:
                made.plain.connect(address)
            except BlockingIOError:
                yield made._watched.writer
                if number := made.plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(number, os.strerror(number)) from None
        except OSError as failed:
            made.close()
            error = failed
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise error


def listen(host: str, port: int, backlog: int = 128) -> Socket:
    """A socket that listens there; port 0 lets the system choose one."""
    return Socket(socket.create_server((host, port), backlog=backlog))


def in_thread(function: Callable[..., T], *args: Any) -> Wait[T]:
    """Run a blocking function in a thread of its own; its result.

    A running thread cannot be stopped: a cancellation has to wait until it ends.

    Raises:
        BaseException: whatever the function raises.
    """
    if current_task().doomed:
        yield from checkpoint()
    kernel = current_kernel()
    done, outcome = Event(), Future[T]()

    def work() -> None:
        try:
            outcome.set_result(context.run(function, *args))
        except BaseException as error:
            outcome.set_error(error)
        kernel.call_soon_threadsafe(done.set)

    context = contextvars.copy_context()
    context.run(_running.set, None)  # the kernel is not that thread's
    thread = threading.Thread(target=work, name=f"for {current_task().name}")
    with CancelScope(shield=True):
        kernel.outside += 1
        try:
            thread.start()
            yield done
            thread.join()
        finally:
            kernel.outside -= 1
    return (yield from outcome.wait())
