"""The replacements: every name through which a thread waits or reads a clock."""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import os
import queue
import select
import selectors
import socket
import subprocess
import sys
import threading
import time
import weakref
from _thread import allocate_lock as real_lock
from _thread import start_new_thread
from collections.abc import Callable, Generator
from concurrent.futures import _base  # pyright: ignore[reportPrivateUsage]
from multiprocessing.process import BaseProcess
from typing import Any

from ...world import NotCovered
from .descriptors import (
    Poller,
    before_io,
    selecting,
    selecting_function,
    socket_methods,
)
from .locks import (
    REAL_SIMPLE_QUEUE,
    Handle,
    Lock,
    RLock,
    Signal,
    SimpleQueue,
    sentinel_of,
)
from .machine import Machine, ManagedThread, set_active

_pools: Any = concurrent.futures.thread
_PACKAGE = __name__.rpartition(".")[0]


@contextlib.contextmanager
def running(machine: Machine) -> Generator[Callable[[Any], Any]]:
    """Make the calling thread the managed ``main``, and install the replacements.

    Afterwards every name is what it was before. The block gets a function that returns
    the replacement of a value, or else the value: the answer itself may be
    ``time.sleep``.
    """
    replaced: dict[int, Any] = {}
    over = real_lock()
    over.acquire()
    log = _base.LOGGER
    quiet = log.disabled
    with contextlib.ExitStack() as undo:
        undo.callback(setattr, log, "disabled", quiet)
        set_active(machine)
        undo.callback(set_active, None)
        for place, name, new in replacements(machine):
            missing = name not in vars(place)
            old = getattr(place, name)
            replaced[id(old)] = new
            setattr(place, name, new)
            if missing:
                undo.callback(delattr, place, name)
            else:
                undo.callback(setattr, place, name, old)
        undo.callback(over.release)
        start_new_thread(machine.watchdog, (over,))
        yield lambda value: replaced.get(id(value), value)


def replacements(machine: Machine) -> list[tuple[Any, str, Any]]:
    """Return the patches, as (place, name, replacement). The caller has the baton."""
    real: dict[str, Any] = {}

    def teller(
        name: str, tell: Callable[[], float], *, locked: bool = False
    ) -> Callable[[], float]:
        def told() -> float:
            if not machine.mine():
                return real[name]()
            machine.look(locked=locked)
            return tell()

        return told

    def sleep(seconds: float, /) -> None:
        if not machine.mine():
            real["sleep"](seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        else:
            machine.sleep(seconds)

    clocks: dict[str, Callable[..., Any]] = {
        "sleep": sleep,
        "monotonic": teller("monotonic", lambda: machine.reading),
        "perf_counter": teller("perf_counter", lambda: machine.ns / 1e9),
        "time": teller("time", lambda: machine.ns / 1e9),
    }
    for name in ("monotonic_ns", "perf_counter_ns", "time_ns"):
        clocks[name] = teller(name, lambda: machine.ns)
    under_lock = teller("monotonic", lambda: machine.reading, locked=True)
    for name in clocks:
        real[name] = getattr(time, name)

    def read(descriptor: int, length: int, /) -> bytes:
        before_io(descriptor, select.POLLIN)
        return real_read(descriptor, length)

    def write(descriptor: int, data: Any, /) -> int:
        if not machine.mine() or not os.get_blocking(descriptor):
            return real_write(descriptor, data)
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):  # PIPE_BUF bytes fit, once there is room at all
                machine.until(descriptor, select.POLLOUT)
                sent += real_write(descriptor, rest[sent : sent + select.PIPE_BUF])
            return sent

    real_read, real_write = os.read, os.write

    def polling(real: Callable[..., Any], unit: float) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            made = real(*args, **kwargs)
            return Poller(made, unit) if machine.mine() else made

        return make

    def start(function: Any, *args: Any, **kwargs: Any) -> Any:
        """Replace ``_start_new_thread`` (to 3.12) and ``_start_joinable_thread``."""
        if not machine.mine():
            return real_start(function, *args, **kwargs)
        owner = function.__self__
        if any(isinstance(value, REAL_SIMPLE_QUEUE) for value in owner._args):
            raise NotCovered(
                "a pool or a SimpleQueue was made before the run: make it in the answer"
            )
        thread = ManagedThread("?", owner, function)
        if starts == "_start_joinable_thread":
            owner._handle = Handle(thread)
        machine.spawn(thread)
        return None

    def sentinel() -> Any:
        return sentinel_of(machine.current) if machine.mine() else real_sentinel()

    def never(real: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if machine.mine():
                raise NotCovered(f"{what} takes real time; do that outside of a world")
            return real(*args, **kwargs)

        return call

    starts = "_start_joinable_thread"
    if not hasattr(threading, starts):
        starts = "_start_new_thread"
    real_start = getattr(threading, starts)
    real_sentinel: Any = getattr(threading, "_set_sentinel", None)
    process: Any = BaseProcess
    listed: list[tuple[Any, str, Any]] = [
        *((time, name, new) for name, new in clocks.items()),
        (threading, "Lock", Lock),
        (queue, "SimpleQueue", SimpleQueue),
        (select, "select", selecting_function(select.select)),
        (select, "poll", polling(select.poll, 1e-3)),
        (os, "read", read),
        (os, "write", write),
    ]
    if hasattr(select, "epoll"):
        listed.append((select, "epoll", polling(select.epoll, 1.0)))
    listed += _captured({id(getattr(place, n)): new for place, n, new in listed})
    if real_sentinel:
        listed.append((threading, "_set_sentinel", sentinel))
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector"):
        if selector := getattr(selectors, name, None):
            listed.append((selector, "select", selecting(selector.select)))
    listed += ((socket.socket, name, new) for name, new in socket_methods().items())
    listed += [
        (threading, "_time", under_lock),
        (queue, "time", under_lock),
        (threading, "_allocate_lock", Signal),
        (threading, "_CRLock", RLock),
        (threading, "excepthook", machine.excepthook),
        (threading, starts, start),
        (_pools, "_global_shutdown_lock", Lock()),
        (_pools, "_threads_queues", weakref.WeakKeyDictionary[Any, Any]()),
        (subprocess.Popen, "__init__", never(subprocess.Popen.__init__, "a process")),
        (process, "start", never(process.start, "a process")),
    ]
    if hasattr(os, "fork"):
        listed.append((os, "fork", never(os.fork, "fork")))
    return listed


def _captured(replaced: dict[int, Any]) -> list[tuple[Any, str, Any]]:
    """Return the other names of these values, as after ``from time import sleep``."""
    found: list[tuple[Any, str, Any]] = []
    for label, module in list(sys.modules.items()):
        names: dict[str, Any] = getattr(module, "__dict__", {})
        state = id(names), len(names)
        if label in ("_thread", "threading") or label.startswith(_PACKAGE):
            continue
        if _scanned.get(label, ())[:1] != (state,):
            hits = [n for n, value in list(names.items()) if id(value) in replaced]
            _scanned[label] = state, hits
        for name in _scanned[label][1]:
            if new := replaced.get(id(names.get(name))):
                found.append((module, name, new))
    return found


_scanned: dict[str, tuple[tuple[int, int], list[str]]] = {}
"""The names found in each module so far, because searching all modules takes time."""
