"""The world of processes, and the view that its jobs have of it."""

from __future__ import annotations

import concurrent.futures.process
import contextlib
import ctypes
import math
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.popen_fork
import multiprocessing.process
import os
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import CancelledError
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from multiprocessing.synchronize import SemLock
from typing import Any, ClassVar

from ...trace import Event, Trace
from ...world import NotCovered
from ..elsewhere import JobElsewhere, TraceByName, WorldElsewhere, set_here
from ..threads import machine as machines
from ..threads.clocks import monotonic_ahead
from ..threads.machine import Machine, ManagedThread, mine
from . import quiet, travel
from .machines import Branch, Clock, Exchange, Line, Root

_real_fork: Any = os.fork
_real_start: Any = BaseProcess.start
_real_bootstrap: Any = vars(BaseProcess)["_bootstrap"]
_real_waitpid: Any = os.waitpid
_MACHINERY = ("concurrent.futures.process", "multiprocessing.queues")
"""The modules whose threads serve processes, in the process that starts those."""
_real_raise: Any = signal.raise_signal
_real_make_methods: Any = SemLock._make_methods  # pyright: ignore
_LAUNCH = multiprocessing.popen_fork.Popen._launch.__code__  # pyright: ignore
_ENDS = ("end", "error", "cancelled")
_processes: Any = multiprocessing.process
_contexts: Any = multiprocessing.context
_pools: Any = concurrent.futures.process


_TIMED = (
    "a wait with a timeout for a lock, a semaphore, a condition or an event of "
    "multiprocessing, which would pass in real time; wait for a pipe by poll(timeout)"
)

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class ProcessesJob(JobElsewhere):
    """A job that is cancelled by a signal, which raises in its process."""


class _Gathered(TraceByName):
    """A trace that first takes in what other processes have sent."""

    gather: Callable[[], object] = staticmethod(lambda: None)

    def note(self, actor: str, what: str, detail: str = "") -> None:
        self.gather()
        super().note(actor, what, detail)


class _Sent(Trace):
    """A trace whose events are sent to the root.

    When it has noted the end of a job, a signal has no job to interrupt. Otherwise one
    that comes a moment later would replace the error with which the job has ended.
    """

    branch: Branch

    def note(self, actor: str, what: str, detail: str = "") -> None:
        if what in _ENDS:
            self.branch.hold_signal()
        else:
            self.branch.take_signal()
        self.branch.tell("note", actor, what, detail)


class ProcessesWorld(WorldElsewhere):
    """A place where processes run in virtual time.

    A job takes its arguments, and no stop event. A cancellation from outside is a
    signal to the root, as a handler of SIGTERM gets it: it raises
    `concurrent.futures.CancelledError` in the main thread.
    """

    name = "processes"
    kind = "process"
    Cancelled = CancelledError
    absent: ClassVar[Mapping[str, str]] = {
        "together": "a job is alone in its process; an answer starts processes"
    }
    order = (
        "processes run side by side, so that things of one instant in two of them "
        "happen in either order"
    )

    def __init__(
        self, answer: Callable[..., Any] | None = None, seed: int | None = None
    ) -> None:
        super().__init__(answer, seed)
        self.trace = _Gathered(self.now, self._whose)

        self.dies_with_root = False
        """True if a process starts in the main thread, whose end would then kill it."""
        self._names: dict[int, str] = {}
        """The names of the processes of the run in its story."""

    def native_job(self, actor: str) -> ProcessesJob:
        return ProcessesJob(self, actor)

    def new_machine(self) -> Machine:
        if not sys.platform.startswith("linux"):
            raise NotCovered("only Linux tells whether another process sleeps")
        root = Root(self.lose, self.patience, self.seed)
        root.clock = self._clock = Clock()
        root.exchange = self._exchange = Exchange(self._hear)
        root.strangers = frozenset(quiet.children(os.getpid()))
        root.before_wait = self._count_wait
        self._root = root
        return root

    def native_enter(self) -> None:
        super().native_enter()
        assert isinstance(self.trace, _Gathered)
        self.trace.gather = self._exchange.drain
        self._names.clear()
        self._patches.enter_context(_patched(self))

    def native_exit(self, error: BaseException | None) -> BaseException | None:
        self._exchange.drain()
        try:
            return super().native_exit(error)
        finally:
            assert isinstance(self.trace, _Gathered)
            self.trace.gather = _nothing
            self._end_processes()
            self._exchange.close()
            self._exchange.outbox.close()
            travel.forget()

    def _end_processes(self) -> None:
        for process in quiet.alive(self._root.processes()):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        for process in list(_processes._children):
            if process.pid not in self._root.strangers:
                process.join()

    def _natives(self) -> list[str]:
        found = [f"process {p}" for p in quiet.alive(self._root.processes())]
        return [*super()._natives(), *found]

    # Cancellation

    def _count_wait(self) -> None:
        if not _is_held_back():
            super()._count_wait()

    @staticmethod
    def raise_cancelled(*_: object) -> None:
        """Raise CancelledError in the main thread of the root, or once it may be."""
        if _is_held_back():
            _real_raise(signal.SIGTERM)  # the system delivers it when it is unblocked
        else:
            raise CancelledError

    # The other processes

    def _hear(self, line: Line, message: tuple[Any, ...]) -> None:
        """Take a message of another process."""
        match message:
            case ("due", due):
                line.due = due
            case ("note", actor, what, detail):
                self._note(line, actor, what, detail)
            case ("hello", name):
                self.note_process(line.process, name)
            case ("lost", text):
                self.lose(RuntimeError(text))
            case ("exit", how):
                # A signal may end a job just after its start, before that can be noted.
                for actor in [*line.jobs.values()]:
                    self._note(line, actor, "cancelled", "")
                self._note_exit(line.process, how)
            case ("gone",):
                self._note_exit(line.process, "cancelled")
                for token in line.jobs:
                    self.this_run.alive.pop((line, token), None)
            case _:
                raise AssertionError(message)

    def _note(self, line: Line, actor: str, what: str, detail: str) -> None:
        by = self._names.get(line.process, "")
        self.trace.events.append(Event(self.now(), actor, what, detail, by))
        if what == "start":
            token = max(line.jobs, default=0) + 1
            line.jobs[token] = actor
            self.this_run.alive[line, token] = actor
        elif what in _ENDS:
            for token in [t for t, name in line.jobs.items() if name == actor][-1:]:
                del line.jobs[token]
                self.this_run.alive.pop((line, token), None)

    # The processes in the story of the run

    def native_kind(self, native: object) -> str:
        """Return the kind of a native actor: a process, or a thread in the caller's."""
        return "thread" if isinstance(native, threading.Thread) else self.kind

    def note_process(self, process: int, name: str) -> None:
        """Note that a process has started, unless that is known."""
        if self.trace.watching and process not in self.this_run.names:
            self._names[process] = self.note_spawned(process, name)

    def _begins(self, thread: ManagedThread) -> None:
        """Note a thread of the answer itself: pools and queues have their own."""
        target = getattr(thread.owner, "_target", None)
        if (target or type(thread.owner)).__module__ not in _MACHINERY:
            super()._begins(thread)

    def _ends(self, thread: ManagedThread) -> None:
        if (thread.owner or thread) in self.this_run.names:
            super()._ends(thread)

    def _note_exit(self, process: int, how: str) -> None:
        """Note that a process has ended, once."""
        if name := self._names.pop(process, ""):
            self.trace.exited(name, how)

    def become_branch(self, name: str) -> Callable[..., None]:
        """Make the calling process, which has just begun, a branch of the run.

        Return the function that sends a message to the root.
        """
        set_here(self)
        if self.dies_with_root:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        self.schedule = None
        self._exchange.close()
        parent = self._machine
        assert parent
        machine = self._machine = Branch(self._clock, self._exchange, name)
        machine.epoch = parent.epoch  # else of the second in which this one began
        if isinstance(parent, Branch):
            parent.hang_up()
        setattr(machines, "_active", machine)  # noqa: B010 - without a watchdog
        threading.excepthook = machine.excepthook
        self.trace = _Sent(self.now)
        self.trace.branch = machine
        return machine.tell


def _name_of(process: Any) -> str:
    """Return the name of a process in the story of a run."""
    target = getattr(process, "_target", None)
    if getattr(target, "__module__", "") in _MACHINERY:
        return "worker"
    return str(getattr(target, "__name__", "process"))


def _nothing() -> None:
    """Do nothing."""


def _is_held_back() -> bool:
    return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())


class _Creeping:
    """The clock of ``multiprocessing.connection.wait``, which moves at each look.

    It waits until its timeout is over, not until it has come. With a timeout of 0 it
    would look a thousand times, each time at all processes.
    """

    def __init__(self) -> None:
        self._last = 0.0

    def monotonic(self) -> float:
        """Return the time, later than that of the last call."""
        if not mine():
            return monotonic_ahead()
        self._last = max(math.nextafter(self._last, math.inf), monotonic_ahead())
        return self._last


@contextlib.contextmanager
def _patched(world: ProcessesWorld) -> Generator[None]:
    """Let the run start processes, which become branches of it."""
    set_here(world)
    default: Any = _contexts._default_context
    refused: Any = os.fork
    before: Any = None
    masks: list[Any] = []

    def fork() -> int:
        if sys._getframe(1).f_code is not _LAUNCH:  # pyright: ignore
            return refused()
        with warnings.catch_warnings():
            # The threads of a run wait, without a lock that a branch would need.
            warnings.simplefilter("ignore", DeprecationWarning)
            # A new process must not be cancelled by the handler of the root.
            held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
            if not (process := _real_fork()):
                masks.append(held)
                return 0
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            return process

    def start(self: Any) -> None:
        of_main = threading.current_thread() is threading.main_thread()
        world.dies_with_root = of_main and isinstance(world.trace, _Gathered)
        method = getattr(self, "_start_method", None)
        if mine() and method not in (None, "fork"):
            raise NotCovered(f"processes start by fork in a run, not by {method}")
        name = _name_of(self)
        _real_start(self)
        world.note_process(self.pid, name)

    def _bootstrap(self: Any, parent_sentinel: Any = None) -> Any:
        tell = world.become_branch(_name_of(self))
        if signal.getsignal(signal.SIGTERM) is world.raise_cancelled:
            signal.signal(signal.SIGTERM, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop())
        code = _real_bootstrap(self, parent_sentinel)
        tell("exit", "error" if code else "end")
        return code

    def waitpid(process: int, options: int, /) -> tuple[int, int]:
        machine = mine()
        if machine and process > 0 and not options & os.WNOHANG:
            descriptor = os.pidfd_open(process)
            try:
                machine.until(descriptor, select.POLLIN)
            finally:
                os.close(descriptor)
        return _real_waitpid(process, options)

    def _make_methods(self: Any) -> None:
        _real_make_methods(self)
        acquire = self.acquire

        def acquire_at_once(block: bool = True, timeout: float | None = None) -> bool:
            if not block or timeout is None or timeout <= 0 or not mine():
                return acquire(block, timeout)
            if acquire(False):
                return True
            raise NotCovered(_TIMED)

        self.acquire = acquire_at_once

    with contextlib.ExitStack() as stack:
        for place, name, value in (
            (SemLock, "_make_methods", _make_methods),
            (os, "fork", fork),
            (os, "waitpid", waitpid),
            (BaseProcess, "start", start),
            (BaseProcess, "_bootstrap", _bootstrap),
            (multiprocessing.connection, "time", _Creeping()),
            (ForkingPickler, "dumps", staticmethod(travel.dumps)),
            (default, "_actual_context", multiprocessing.get_context("fork")),
        ):
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, value)
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGTERM, world.raise_cancelled)
            stack.callback(signal.signal, signal.SIGTERM, before)
        try:
            yield
        finally:
            set_here(None)
