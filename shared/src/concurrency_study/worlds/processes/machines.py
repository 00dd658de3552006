"""The machines of a run: one in each process, under the clock of the root."""

from __future__ import annotations

import _socket
import contextlib
import mmap
import os
import pickle
import select
import signal
import struct
from collections.abc import Callable
from typing import Any

from ...world import NotCovered
from ..threads.machine import Descriptors, Machine, ManagedThread
from ..threads.outside import real_time
from . import quiet

BUSY = 120.0
"""Real seconds without a sign of life after which a process spins, or really waits."""

SHORTEST, LONGEST = 0.0002, 0.01
"""Real seconds between two looks at processes that run."""

_FAMILY = _socket.AF_UNIX
_KIND = _socket.SOCK_SEQPACKET
_real_poll = select.poll
_real_epoll = select.epoll
_accept: Any = _socket.socket._accept  # pyright: ignore


class Clock:
    """The virtual time in nanoseconds, in memory that all processes of a run share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def get(self) -> int:
        return struct.unpack("q", self._memory)[0]

    def set(self, ns: int) -> None:
        self._memory[:] = struct.pack("q", ns)

    def close(self) -> None:
        self._memory.close()


class Line:
    """The connection of one process to the root."""

    def __init__(self, descriptor: int) -> None:
        self.socket = _socket.socket(_FAMILY, _KIND, 0, descriptor)
        self.socket.setblocking(False)
        self.process = 0
        self.due: int | None = None
        """The first timer of the process, in nanoseconds, while it sleeps."""
        self.jobs: dict[int, str] = {}
        """The jobs that run there, by their number."""


class Exchange:
    """The place, in the root, to which all other processes report.

    They send to one socket, which all of them have inherited. So what one process sends
    before it wakes another one comes before what that one sends. A line of each process
    tells when it begins and has ended, and wakes it.
    """

    def __init__(self, told: Callable[[Line, tuple[Any, ...]], None]) -> None:
        self._told = told
        self._listener = _socket.socket(_FAMILY, _KIND)
        self._listener.bind("")  # Linux chooses a name that is not in a file system
        self._listener.listen(4096)
        self._listener.setblocking(False)
        self.address: Any = self._listener.getsockname()
        self._inbox, self.outbox = _socket.socketpair(_FAMILY, _KIND)
        self._inbox.setblocking(False)
        self._lines: dict[int, Line] = {}
        self._epoll = _real_epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._epoll.register(self._inbox.fileno(), select.EPOLLIN)
        self._draining = False
        self.heard = 0
        """The number of messages so far."""
        self.leaving: list[int] = []
        """The processes that have closed their connection, until they have ended."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is a message."""
        return self._epoll.fileno()

    @property
    def lines(self) -> list[Line]:
        """The connections that are open."""
        return list(self._lines.values())

    def drain(self) -> bool:
        """Take all messages that are there; return whether there was one."""
        if self._draining:
            return False
        self._draining = True
        before = self.heard
        try:
            while found := self._epoll.poll(0):
                for descriptor, _ in found:
                    if descriptor == self._listener.fileno():
                        self._accept()
                    elif descriptor == self._inbox.fileno():
                        self._receive()
                    elif line := self._lines.get(descriptor):
                        self._hear(line)
        finally:
            self._draining = False
        return self.heard > before

    def _accept(self) -> None:
        """Open a line to each process that has begun."""
        while True:
            try:
                descriptor, _ = _accept(self._listener)
            except BlockingIOError:
                return
            self._lines[descriptor] = Line(descriptor)
            self._epoll.register(descriptor, select.EPOLLIN)
            self.heard += 1

    def _hear(self, line: Line) -> None:
        """Learn that a process has begun or ended."""
        try:
            data = line.socket.recv(64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.heard += 1
        if data:
            line.process = int(data)
            return
        while self._receive():
            pass  # what it has sent before its end
        self._epoll.unregister(line.socket.fileno())
        del self._lines[line.socket.fileno()]
        line.socket.close()
        if line.process:
            self.leaving.append(line.process)
        self._told(line, ("gone",))

    def _receive(self) -> bool:
        """Take a message of any process; return whether there was one."""
        try:
            data = self._inbox.recv(1 << 20)
        except BlockingIOError:
            return False
        self.heard += 1
        process, message = pickle.loads(data)
        self._told(self._line_of(process), message)
        return True

    def _line_of(self, process: int) -> Line:
        """Return the line of a process, which was opened before its first message."""
        for _ in range(3):  # first it is accepted, then it says its number
            for line in reversed(self.lines):
                if line.process == process:
                    return line
            for descriptor, _ in self._epoll.poll(0):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif (line := self._lines.get(descriptor)) and not line.process:
                    self._hear(line)
        raise AssertionError(process)

    def first(self) -> int | None:
        """Return the first timer of all other processes."""
        return min((n.due for n in self.lines if n.due is not None), default=None)

    def ring(self, ns: int) -> None:
        """Wake the processes whose first timer has come."""
        for line in self.lines:
            if line.due is not None and line.due <= ns:
                line.due = None
                # One that has died is heard of by the next message.
                with contextlib.suppress(OSError):
                    line.socket.send(b"now")

    def close(self) -> None:
        """Close all connections. No file is left: the address is an abstract one."""
        for line in self.lines:
            line.socket.close()
        self._lines.clear()
        self._epoll.close()
        self._listener.close()
        self._inbox.close()


class Root(Machine):
    """The machine of the root, which owns the clock of all processes.

    It adds the other processes to the rules of `Machine`: the clock does not jump while
    one of them can move, and it jumps to their timers as well.
    """

    clock: Clock
    exchange: Exchange
    strangers: frozenset[int] = frozenset()
    """The children of the root that were there before the run."""
    before_wait: Callable[[], object] = staticmethod(lambda: None)
    """Called before each wait of the main thread."""

    def wait(self, deadline: int | None = None, descriptors: Descriptors = ()) -> bool:
        if self.current is self.main and not self.unwinding:
            self.before_wait()
        return super().wait(deadline, descriptors)

    def _leave(self, thread: ManagedThread) -> None:
        owner = thread.name
        super()._leave(thread)
        # Otherwise the thread of an executor, and with it the descriptors of all its
        # processes, would live until the next garbage collection.
        thread._label, thread.owner = owner, None  # pyright: ignore

    def ready(self, probe: Callable[[], Any], of: Descriptors, due: int | None) -> Any:
        """Return what ``probe()`` finds, as `Machine.ready` does.

        Computing takes no time. So a look without a wait, by the main thread, also
        finds what the other processes compute at this instant.
        """
        found = probe()
        now = due is not None and due <= self.ns
        if now and not found and self.current is self.main:
            self._others_move(until=probe)
        return found or super().ready(probe, of, due)

    def _move_to(self, ns: int) -> None:
        super()._move_to(ns)
        self.clock.set(self.ns)

    def _first_timer(self) -> int | None:
        mine, others = super()._first_timer(), self.exchange.first()
        if mine is None or others is None:
            return others if mine is None else mine
        return min(mine, others)

    def _jump(self) -> bool:
        jumped = super()._jump()
        self.exchange.ring(self.ns)
        return jumped

    def _expects_input(self) -> bool:
        return False  # every other process is quiet: none will send anything

    def _outsiders_move(self, patience: float) -> bool:
        return super()._outsiders_move(patience) or self._others_move()

    def processes(self) -> list[int]:
        """Return the numbers of the other processes of the run."""
        connected = [line.process for line in self.exchange.lines if line.process]
        own = [p for p in quiet.children(os.getpid()) if p not in self.strangers]
        return [*own, *connected]

    def _others_move(self, until: Callable[[], Any] | None = None) -> bool:
        """Wait until there is input or a message, or until all others are quiet.

        With ``until``, wait until it finds something instead of for input. Return
        whether there is something to see.
        """
        pause, limit = SHORTEST, real_time() + BUSY
        self._really_waits = True
        try:
            while True:
                began = real_time()
                heard = self.exchange.drain()
                if until is not None:
                    if until():
                        return True
                elif self._wait_for_input(pause):
                    return True
                if self._are_quiet():
                    return False
                if heard:
                    pause, limit = SHORTEST, real_time() + BUSY
                elif real_time() > limit:
                    self._give_up(_is_busy())
                    return True
                if until is not None:
                    self._wait_for_input(pause)
                pause = min(max(pause * 2, real_time() - began), LONGEST)
        finally:
            self._really_waits = False

    def _are_quiet(self) -> bool:
        """Return whether no other process can move, and none has sent anything."""
        first = quiet.look(self._to_look_at(), sure=False)
        if first is None or quiet.look(self._to_look_at(), sure=True) != first:
            return False
        if self.exchange.drain() or self._wait_for_input(0):
            return False
        # The line of a process that has ended is held open by one that it has started,
        # and that is not connected yet.
        open_ = {line.process for line in self.exchange.lines}
        return open_ <= {*quiet.alive(open_)}

    def _to_look_at(self) -> list[int]:
        """Return the processes that may move, also those that are about to end.

        A process closes its descriptors one by one when it ends. Its connection may be
        closed while the pipe on which another one waits is still open. An orphan is
        then neither connected nor a child of another process of the run.
        """
        self.exchange.leaving = quiet.alive(self.exchange.leaving)
        return [*self.processes(), *self.exchange.leaving]

    def _wait_for_input(self, seconds: float) -> bool:
        """Wait for real; return whether a descriptor of a thread is ready."""
        poll = _real_poll()
        poll.register(self.exchange.fileno(), select.POLLIN)
        for descriptor, watchers in self._watched.items():
            events = 0
            for _, wanted in watchers:
                events |= wanted
            poll.register(descriptor, events)
        found = poll.poll(seconds * 1000)
        return any(descriptor != self.exchange.fileno() for descriptor, _ in found)

    def waiters(self) -> list[str]:
        listed = super().waiters()
        for line in self.exchange.lines:
            jobs = ", ".join(line.jobs.values()) or "no job"
            listed.append(f"process {line.process}: it waits, with {jobs}")
        return listed


def _is_busy() -> NotCovered:
    return NotCovered(
        f"another process has run for {BUSY:g} s without a wait, or waits in real "
        "time; let it wait, or sleep"
    )


class Branch(Machine):
    """The machine of another process than the root.

    When none of its threads is ready, it tells the root its first timer, and sleeps
    until there is input, or until the root rings.
    """

    def __init__(self, clock: Clock, exchange: Exchange, name: str) -> None:
        self.clock = clock
        super().__init__(self._lost, 0.0)
        self._outbox = exchange.outbox
        self._line = _socket.socket(_FAMILY, _KIND)
        self._line.connect(exchange.address)
        self._line.sendall(str(os.getpid()).encode())
        self._poll.register(self._line.fileno(), select.POLLIN)
        self._told: object = self
        self._holds = False
        self.tell("hello", name)
        self.reading = self.ns / 1e9

    @property
    def ns(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The virtual time of the root."""
        return self.clock.get()

    @ns.setter
    def ns(self, _: int) -> None:
        pass

    def hang_up(self) -> None:
        """Close the connection: in a new process, that of the one that started it."""
        self._line.close()

    def hold_signal(self) -> None:
        """Hold SIGTERM back until this process waits, or calls `take_signal`."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
        self._holds = self._holds or signal.SIGTERM not in before

    def take_signal(self) -> None:
        """Hold SIGTERM back no longer."""
        if self._holds:
            self._holds = False
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))

    def wait(self, deadline: int | None = None, descriptors: Descriptors = ()) -> bool:
        if self.current is self.main:
            self.take_signal()
        return super().wait(deadline, descriptors)

    def tell(self, *message: Any) -> None:
        """Send a message to the root."""
        try:
            self._outbox.sendall(pickle.dumps((os.getpid(), message)))
        except OSError:  # the run is over
            os._exit(1)

    def _lost(self, error: BaseException) -> None:
        self.tell("lost", f"{type(error).__name__}: {error}")

    def _next(self) -> ManagedThread:
        while not self._ready:
            if self.unwinding:
                return self.main
            if self._see(0) or self._ring():
                continue
            first = self._first_timer()
            if self._told != first:
                self._told = first
                self.tell("due", first)
            self._see(-0.001)
        return self._ready.popleft()

    def _ring(self) -> bool:
        """Wake the threads whose instant has come."""
        first = self._first_timer()
        return first is not None and first <= self.ns and self._jump()

    def _see(self, seconds: float) -> bool:
        found = self._poll.poll(seconds * 1000)
        for descriptor, events in found:
            if descriptor == self._line.fileno():
                if not self._line.recv(16):
                    os._exit(1)  # the run is over
                self._told = self
                self.reading = max(self.reading, self.ns / 1e9)
            elif events & select.POLLNVAL and self._forget(descriptor):
                continue
            else:
                for thread, wanted in self._watched[descriptor]:
                    if events & (
                        wanted | select.POLLERR | select.POLLHUP | select.POLLNVAL
                    ):
                        self.wake(thread)
        return bool(self._ready)
