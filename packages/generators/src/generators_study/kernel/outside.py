"""The world outside: descriptors, sockets, threads."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import contextvars
import errno
import os
import queue
import socket
import threading
import weakref
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, TypeVar, TypeVarTuple

from .groups import Group, open_group
from .loop import READ, WRITE, Kernel, checkpoint
from .places import Closed, Event
from .scopes import CancelScope, _running, current_kernel, current_task, move_on_after
from .tasks import Task, Wait

T = TypeVar("T")
Args = TypeVarTuple("Args")
ATTEMPT_DELAY = 0.25
"""Seconds after which `connect` tries the next address; recommended by RFC 8305."""
IDLE = "idle worker"
"""The name of a thread that waits for a call."""


class Busy(RuntimeError):
    """Another task waits for this descriptor already."""


def wait_readable(descriptor: int) -> Wait[None]:
    """Wait until reading would not block; at once for a file that never blocks.

    A task does not notice that the descriptor it waits for is closed: cancel the task
    first. (Closing a `Socket` wakes the tasks that wait for it.)

    Raises:
        Busy: Another task waits for it already.
        OSError, ValueError: It is not an open descriptor.
    """
    yield _watched(descriptor).reader


def wait_writable(descriptor: int) -> Wait[None]:
    """Wait until writing would not block, as `wait_readable` does for reading."""
    yield _watched(descriptor).writer


def _watched(descriptor: int) -> Watched:
    kernel = current_kernel()
    key = kernel.selector.get_map().get(descriptor)
    if key is not None:
        watched: Watched = key.data
        if not (watched.kept and watched.is_stale()):
            return watched
        watched.give_up()
    return Watched(kernel, descriptor)


class Watched:
    """A descriptor that the selector watches for the tasks that wait for it.

    ``events`` is what the selector watches. It changes only after the selector has
    changed: a task that waits for an event that is not registered would never wake.

    The descriptor of a `Socket` stays registered while no task waits, because changing
    the selector costs more than the wait. It is unregistered when an event finds no
    task. So the selector may have *stale* entries: the socket was closed or forgotten,
    and its number belongs to another file now. epoll drops a closed file by itself, but
    the table of Python's selector does not. Each new registration of a number therefore
    expects a stale entry, and removes it.

    Args:
        plain: The socket whose descriptor this is, if it is to stay registered.
    """

    def __init__(
        self, kernel: Kernel, descriptor: int, plain: socket.socket | None = None
    ) -> None:
        self.kernel = kernel
        self.descriptor = descriptor
        self.kept = plain is not None
        # A weak reference: the selector must not keep a forgotten socket open.
        self._plain = None if plain is None else weakref.ref(plain)
        self.events = 0
        self.reader = Direction(self, READ)
        self.writer = Direction(self, WRITE)
        self.closed = False

    def happened(self, events: int) -> None:
        """Wake the tasks that wait for these events, which the selector has seen."""
        reader = self.reader
        task = reader.task
        if events == READ and self.kept and task is not None:
            # The usual case, as below, without the calls.
            reader.task = task.place = None
            kernel = self.kernel
            kernel.listeners -= 1
            kernel.ready.append(task)
            return
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
        """Have the selector watch for these events, and no others.

        Raises:
            Busy: A task waits for the same descriptor by other means.
            OSError, ValueError: It is not an open descriptor, or one that never blocks.
                The tasks that wait for it get the same error.
        """
        if self.closed:  # its number may belong to another file now
            raise Closed("the socket is closed")
        selector = self.kernel.selector
        try:
            if not self.events:
                try:
                    selector.register(self.descriptor, events, self)
                except KeyError:
                    self._take_over()
                    selector.register(self.descriptor, events, self)
            elif events:
                selector.modify(self.descriptor, events, self)
            else:
                selector.unregister(self.descriptor)
        except (OSError, ValueError, KeyError) as error:
            self.events = 0
            self.drop(error)
            raise
        self.events = events

    def _take_over(self) -> None:
        """Remove the entry of another `Watched` for this number from the selector."""
        other: Watched = self.kernel.selector.get_map()[self.descriptor].data
        if other.is_stale():
            other.give_up()
        elif other.reader.task is None and other.writer.task is None:
            other.ignore(other.events)  # it registers again when a task waits there
        else:
            raise Busy(f"another task waits for descriptor {self.descriptor}")

    def is_stale(self) -> bool:
        """Return whether the descriptor has been closed since it was registered."""
        if self._plain is not None:
            plain = self._plain()
            return plain is None or plain.fileno() != self.descriptor
        # epoll knows: it forgets a file that is closed, and not only its number.
        selector, events = self.kernel.selector, self.events
        try:
            selector.modify(self.descriptor, WRITE if events == READ else READ, self)
            selector.modify(self.descriptor, events, self)
        except (OSError, KeyError):
            return True
        return False

    def give_up(self) -> None:
        """Raise an error in the tasks that wait for it: the descriptor was closed."""
        with contextlib.suppress(OSError, KeyError):
            self.kernel.selector.unregister(self.descriptor)
        self.events = 0
        why = f"{os.strerror(errno.EBADF)}: it was closed while a task waited for it"
        self.drop(OSError(errno.EBADF, why))

    def ignore(self, events: int) -> None:
        """Stop watching for these events; for all, if the descriptor was closed."""
        with contextlib.suppress(OSError, KeyError):
            self.watch(self.events & ~events)

    def drop(self, error: BaseException) -> None:
        """Stop watching it, and raise this error in the tasks that wait for it."""
        if self.events:
            self.ignore(self.events)
        for direction in (self.reader, self.writer):
            if direction.task is not None:
                direction.leave().fail(error)

    def forget(self) -> None:
        """Forget the registration and the tasks, as the run has ended."""
        self.events = 0
        self.reader.task = self.writer.task = None

    def move(self, kernel: Kernel) -> None:
        """Move to the kernel of a later run.

        Raises:
            RuntimeError: The run in which the socket was made has not ended.
        """
        if not self.kernel.over:
            raise RuntimeError("this socket belongs to a run in another thread")
        self.kernel = kernel


class Direction:
    """The place of the one task that waits until it can read (or write)."""

    def __init__(self, watched: Watched, way: int) -> None:
        self.watched = watched
        self.way = way
        self.task: Task[Any] | None = None

    def append(self, task: Task[Any]) -> None:
        watched = self.watched
        kernel = task._scope.kernel
        if kernel is not watched.kernel:
            watched.move(kernel)
        if self.task is not None:
            if not watched.is_stale():
                raise Busy(f"another task waits for descriptor {watched.descriptor}")
            watched.give_up()
        if not watched.events & self.way:
            try:
                watched.watch(watched.events | self.way)
            except PermissionError:  # epoll refuses regular files: they never block
                task.wake()
                return
            except FileNotFoundError:
                # epoll has forgotten the file that was registered under this number:
                # it was closed. Its tasks have got an error, so register the new file.
                if watched.kept:
                    raise
                watched.watch(self.way)
        self.task = task
        kernel.listeners += 1

    def leave(self) -> Task[Any]:
        """Take out the task that waits here, and return it."""
        task, self.task = self.task, None
        assert task is not None
        self.watched.kernel.listeners -= 1
        return task

    def remove(self, task: Task[Any]) -> None:
        if self.task is not task:
            raise ValueError(f"{task.name} does not wait here")
        self.leave()
        if not self.watched.kept:
            self.watched.ignore(self.way)


class Socket:
    """A stream socket, or one that listens; ``with`` closes it.

    A later run may use it as well, but only one run at a time.

    Args:
        plain: A socket of the standard library, which belongs to this one from now on.
    """

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        self.plain = plain
        self._watched = Watched(current_kernel(), plain.fileno(), plain)
        self._empty = False
        """True if the last read got less than it asked for."""
        self._sending = False
        """True while a task is sending, or waits to send the rest."""

    def receive(self, most: int = 65536) -> Wait[bytes]:
        """Wait for bytes and return at most ``most``; none at the end of the stream.

        Raises:
            Closed: The socket is closed, perhaps while this waited.
            OSError: The connection is broken.
        """
        # After a read that found less than it asked for, another try would be in vain.
        # A closed socket must not be waited for: no event would ever come.
        if self._empty and self.plain.fileno() >= 0:
            yield self._watched.reader
        # The usual case costs no further generator.
        try:
            data = self.plain.recv(most)
        except BlockingIOError:
            data = yield from self._try(self._watched.reader, self.plain.recv, most)
        except OSError:
            self._refuse_closed()
            raise
        self._empty = 0 < len(data) < most
        return data

    def send(self, data: bytes | bytearray | memoryview) -> Wait[None]:
        """Send all of it; wait while the other side takes none.

        Raises:
            Busy: Another task has sent a part of its bytes, and waits to send the rest.
            Closed: The socket is closed, perhaps while this waited.
            OSError: The connection is broken.
        """
        if self._sending:
            raise Busy("another task is sending")
        rest: bytes | memoryview
        if type(data) is bytes:
            # The usual case costs no further generator.
            try:
                sent = self.plain.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._refuse_closed()
                raise
            if sent == len(data):
                return
            rest = memoryview(data)[sent:]
        else:  # the items of a memoryview may be longer than a byte
            view = memoryview(data)
            rest = view.cast("B") if view.c_contiguous and view.nbytes else bytes(view)
        self._sending = True
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
            Closed: The socket is closed, perhaps while this waited.
        """
        reader = self._watched.reader
        return Socket((yield from self._try(reader, self.plain.accept))[0])

    def _try(self, place: Direction, call: Callable[..., T], *args: Any) -> Wait[T]:
        """Repeat a call that must not block, and wait after each failure."""
        while True:
            try:
                return call(*args)
            except BlockingIOError:
                yield place
            except OSError:
                self._refuse_closed()
                raise

    def _refuse_closed(self) -> None:
        """Raise `Closed` if the socket is closed, so that it explains an OSError."""
        if self.plain.fileno() < 0:
            raise Closed("the socket is closed") from None

    def shutdown(self) -> None:
        """Send no more: the other side reads the end of the stream."""
        self.plain.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it; a task that waits for it gets `Closed`.

        From another thread, this asks the socket's loop to close it.
        """
        watched = self._watched
        kernel = watched.kernel
        if not kernel.over and kernel.thread != threading.get_ident():
            kernel.call_soon_threadsafe(self.close)
            return
        watched.drop(Closed("the socket was closed"))
        watched.closed = True
        self.plain.close()

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(host: str, port: int) -> Wait[Socket]:
    """Wait for a connection to one of the host's addresses, as RFC 8305 says.

    The addresses are tried one after the other, IPv6 and IPv4 alternating. The next
    attempt begins when the last one fails, or after a quarter of a second. The first
    connection wins. The other attempts are cancelled, and their sockets closed.

    A name is looked up in a thread. A cancellation does not wait for this thread. It
    works until the system gives up, perhaps after the run, and its result is dropped.

    Raises:
        OSError: The error of the last attempt, if no address answers.
    """
    wanted = (host, port, 0, socket.SOCK_STREAM, 0)
    found: list[Any]
    try:
        found = socket.getaddrinfo(*wanted, socket.AI_NUMERICHOST)
    except socket.gaierror:  # it is a name: a look-up takes time
        found = yield from _in_worker(False, socket.getaddrinfo, wanted)
    addresses = _alternating(found)
    if len(addresses) == 1:
        return (yield from _connect(*addresses[0]))
    errors: list[OSError] = [OSError(f"{host} has no address")]
    winner: list[Socket] = []

    def attempt(group: Group, address: tuple[Any, ...], failed: Event) -> Wait[None]:
        try:
            made = yield from _connect(*address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        if winner:  # the same look at the selector has woken two attempts
            made.close()
        else:
            winner.append(made)
            group.cancel()

    def attempts(group: Group) -> Wait[None]:
        for address in addresses:
            failed = Event()
            group.spawn(attempt, group, address, failed)
            with move_on_after(ATTEMPT_DELAY):
                yield from failed.wait()

    try:
        yield from open_group(attempts)
    except BaseException:
        for made in winner:
            made.close()
        raise
    if not winner:
        raise errors[-1]
    return winner[0]


def _alternating(found: list[Any]) -> list[tuple[Any, ...]]:
    """Return the addresses in the order of trying: families alternate (RFC 8305, 4)."""
    families: dict[Any, list[tuple[Any, ...]]] = {}
    for family, kind, protocol, _, address in found:
        families.setdefault(family, []).append((family, kind, protocol, address))
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


def _connect(family: int, kind: int, protocol: int, address: Any) -> Wait[Socket]:
    """Wait for a connection to one address."""
    made = Socket(socket.socket(family, kind, protocol))
    try:
        try:
            made.plain.connect(address)
        except BlockingIOError:
            yield made._watched.writer
            if number := made.plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, os.strerror(number)) from None
    except BaseException:
        made.close()
        raise
    return made


def listen(host: str, port: int, backlog: int = 128) -> Socket:
    """Return a socket that listens there; port 0 lets the system choose one.

    It listens on the host's first IPv4 address, or else on its first IPv6 address. A
    name is looked up on the spot, which blocks the loop.
    """
    found = socket.getaddrinfo(
        host or None, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
    )
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    family, *_, address = found[0]
    return Socket(socket.create_server(address, family=family, backlog=backlog))


def in_thread(function: Callable[[*Args], T], *args: *Args) -> Wait[T]:
    """Run a blocking function in a worker thread, and return its result.

    A running thread cannot be stopped, so a cancellation waits until it ends. Idle
    workers are used again, and end with the run.

    Raises:
        BaseException: The error that the function raised.
    """
    return (yield from _in_worker(True, function, args))


def _in_worker(shield: bool, function: Callable[..., T], args: Any) -> Wait[T]:
    """Run a function in a worker; only behind a shield does it wait when cancelled."""
    task, kernel = current_task(), current_kernel()
    if task.doomed:
        yield from checkpoint()
    workers: Workers | None = kernel.workers
    if workers is None:
        kernel.workers = workers = Workers()
    context = contextvars.copy_context()
    context.run(_running.set, None)  # no kernel runs in the worker
    call = Call(kernel, context, function, args)
    with CancelScope(shield=shield):
        kernel.outside += 1
        try:
            workers.make(call, f"for {task.name}")
            yield call.done
        finally:
            kernel.outside -= 1
    error, call.error = call.error, None
    if error is None:
        return call.result
    try:
        raise error
    finally:
        del error  # its traceback holds this frame: together they would be a cycle


class Call:
    """A function that a worker calls for a task."""

    def __init__(
        self, kernel: Kernel, context: contextvars.Context, function: Any, args: Any
    ) -> None:
        self.kernel = kernel
        self.context = context
        self.function = function
        self.args = args
        self.done = Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def make(self) -> None:
        """Call the function, and keep the outcome."""
        try:
            self.result = self.context.run(self.function, *self.args)
        except BaseException as error:
            self.error = error


class Workers:
    """The threads of a kernel; the idle ones wait for another call.

    As in trio, the worker that became idle last gets the next call, and there is no
    limit to their number. A task that must not start one more waits for a `Semaphore`.
    """

    def __init__(self) -> None:
        self.idle: list[Worker] = []
        self.over = False

    def make(self, call: Call, name: str) -> None:
        """Have an idle worker, or a new one, make this call."""
        # Needs no lock: only the loop takes workers out, and append is atomic.
        if self.idle:
            worker = self.idle.pop()
            worker.thread.name = name
            worker.calls.put(call)
        else:
            Worker(self, call, name)

    def stop(self) -> None:
        """End the idle workers. Workers that are busy end after their call."""
        self.over = True
        while self.idle:
            worker = self.idle.pop()
            worker.calls.put(None)
            worker.thread.join()


class Worker:
    """A thread that makes one call after the other."""

    def __init__(self, workers: Workers, call: Call, name: str) -> None:
        self.workers = workers
        self.calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self.calls.put(call)
        self.thread = threading.Thread(target=self.work, name=name)
        self.thread.start()

    def work(self) -> None:
        """Make calls until there are no more; runs in the thread."""
        workers = self.workers
        while (call := self.calls.get()) is not None:
            call.make()
            # Idle before the task is woken, so that the next call finds this worker.
            self.thread.name = IDLE
            workers.idle.append(self)
            call.kernel.call_soon_threadsafe(call.done.set)
            del call  # an idle worker keeps nothing alive
            # `stop` sets the flag and then empties the list. So it finds this worker
            # in the list, or this worker sees the flag.
            if workers.over:
                break
