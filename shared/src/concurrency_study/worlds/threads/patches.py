"""The replacements: every name through which a thread waits or reads a clock.

Theory of operation
===================

`_PATCHES` lists the places, each with its original and its replacement. They are made
once in a process. While a run is active, each place holds its replacement. A place that
holds something else when the run begins, a mock for instance, is left alone.

Others hold the originals as well: after ``from time import sleep``, in a partial, as a
default argument. `_Elsewhere` finds them: it looks through the names of modules, and it
asks the garbage collector who refers to an original. That takes tens of milliseconds,
so it is done only when modules have been loaded since the last time.

Code that is loaded during a run gets the replacements. These are put back when the run
ends, where they are found. One that is not found does no harm: outside of a run, it
does what its original does.
"""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import ctypes
import datetime
import errno
import functools
import gc
import inspect
import os
import queue
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import _base  # pyright: ignore[reportPrivateUsage]
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, cast

from ...world import NotCovered
from ...world.unpatched import is_patched, unpatched
from . import clocks
from .descriptors import (
    Poller,
    before_io,
    selecting,
    selecting_function,
    socket_methods,
    tls_methods,
)
from .locks import (
    Handle,
    Lock,
    RLock,
    Signal,
    SimpleQueue,
    sentinel_of,
)
from .machine import Machine, ManagedThread, active, is_handled, mine, set_active

_pools: Any = concurrent.futures.thread
_PACKAGE = __name__.rpartition(".")[0].rpartition(".")[0].rpartition(".")[0]


class Patch(NamedTuple):
    """A name in a module or a class, with its value before and during a run."""

    place: Any
    name: str
    original: Any
    replacement: Any


@contextlib.contextmanager
def running(
    machine: Machine, *, greenlets: bool = False
) -> Generator[Callable[[Any], Any]]:
    """Make the calling thread the managed ``main``, and install the replacements.

    With ``greenlets``, the process may be one that gevent has patched. What gevent has
    put into the standard library then stays, because it takes its time from the hub.

    Afterwards every name is what it was before. The block gets a function that returns
    the replacement of a value, or else the value: the answer itself may be
    ``time.sleep``.
    """
    log, quiet = _base.LOGGER, _base.LOGGER.disabled
    own: list[tuple[Any, str, Any]] = []
    queues: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
    if _kept is None:
        installed = replacing(greenlets=greenlets)
    else:
        installed = contextlib.nullcontext(_kept)
    with installed as replaced:
        set_active(machine)
        workers = _workers_of_trio()
        idle: dict[Any, None] = workers._idle_workers if workers else {}
        try:
            for place, name, value in (
                (threading, "excepthook", machine.excepthook),
                (_base, "time", _AHEAD),
                (_pools, "_global_shutdown_lock", threading.Lock()),
                (_pools, "_threads_queues", queues),
            ):
                own.append((place, name, getattr(place, name)))
                setattr(place, name, value)
            if workers:
                workers._idle_workers = _WorkersOfRun(idle)
            yield lambda value: _instead(value, replaced)
        finally:
            # They are put back whatever the run has put there.
            if workers := _workers_of_trio():
                workers._idle_workers = idle
            for place, name, old in reversed(own):
                setattr(place, name, old)
            set_active(None)
            log.disabled = quiet


@contextlib.contextmanager
def replacing(*, greenlets: bool) -> Generator[dict[int, Any]]:
    """Install the replacements, and yield them by the identity of the originals.

    (`running` does this; a block of its own serves to measure it.)
    """
    places: list[tuple[Any, str, Any, Any]] = []
    replaced: dict[int, Any] = {}
    patched = is_patched()
    if patched and not greenlets:
        raise NotCovered(
            "gevent has patched this process, so that its threads are greenlets: use "
            "the world 'gevent', or a process without `monkey.patch_all()`"
        )
    _add_tls()
    try:
        for place, name, original, replacement in _PATCHES:
            old = place.__dict__.get(name, _MISSING)
            # Gevent's own os.fork and the like are refused, too.
            of_gevent = patched and place is os and _is_of_gevent(old)
            if old is original or old is replacement or of_gevent:
                if patched and place in _SELECTORS:
                    continue
                places.append(
                    (place, name, old if of_gevent else original, replacement)
                )
                _set(place, name, replacement)
                if original is not _MISSING:
                    replaced.setdefault(id(original), replacement)
        _elsewhere.replace(replaced)
        yield replaced
    finally:
        _elsewhere.put_back()
        for place, name, old, new in reversed(places):
            if place.__dict__.get(name, _MISSING) is not new:
                continue  # the run has put something there, such as a mock
            if old is _MISSING:
                delattr(place, name)
            else:
                _set(place, name, old)


_kept: dict[int, Any] | None = None
"""The replacements that stay between runs, while a block of `keeping` runs."""


@contextlib.contextmanager
def keeping(*, greenlets: bool = False) -> Generator[None]:
    """Leave the replacements where they are between the runs of the block.

    They take half the time of a short run. Outside of a run, each one does what its
    original does.
    """
    global _kept
    if _kept is not None:
        yield
        return
    with replacing(greenlets=greenlets) as replaced:
        _kept = replaced
        try:
            yield
        finally:
            _kept = None


def _is_of_gevent(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith("gevent.")


class _WorkersOfRun(dict[Any, None]):
    """The idle workers of a run, and of no other time.

    A worker adds itself when it becomes idle. One from before the run, which may become
    idle during it, goes to the others, because its time is real.
    """

    def __init__(self, others: dict[Any, None]) -> None:
        super().__init__()
        self._others = others

    def __setitem__(self, worker: Any, _: None) -> None:
        if mine():
            super().__setitem__(worker, None)
        else:
            self._others[worker] = None


def _workers_of_trio() -> Any:
    """Return trio's worker threads, if trio is loaded: those of a run end with it."""
    module = sys.modules.get("trio._core._thread_cache")
    return getattr(module, "THREAD_CACHE", None)


def _set(place: Any, name: str, value: Any) -> None:
    if place not in _TYPES:
        setattr(place, name, value)
        return
    _TYPES[place][name] = value
    _modified(place)


_modified = ctypes.pythonapi.PyType_Modified
_modified.argtypes = [ctypes.py_object]


def _names_of(kind: type) -> dict[str, Any]:
    """Return the names of a class that is written in C, to change them.

    A class that takes its place would not do: pickle, and all that compares types, want
    the one and only ``datetime``. The garbage collector shows the dict behind the view
    of it, and PyType_Modified tells the interpreter that it has changed:
    https://docs.python.org/3/c-api/type.html#c.PyType_Modified
    """
    names: Any = gc.get_referents(vars(kind))[0]
    return names


_TYPES: dict[Any, dict[str, Any]] = {}
if sys.implementation.name == "cpython":
    _TYPES[datetime.datetime] = _names_of(datetime.datetime)


def _instead(value: Any, replaced: dict[int, Any]) -> Any:
    if type(value) is functools.partial:
        return functools.partial(
            _instead(value.func, replaced),
            *(_instead(each, replaced) for each in value.args),
            **value.keywords,
        )
    return replaced.get(id(value), value)


_SELECTORS: list[Any] = [
    getattr(selectors, name)
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector")
    if hasattr(selectors, name)
]
_AHEAD = types.SimpleNamespace(monotonic=clocks.monotonic_ahead)
_MISSING: Any = object()


def _held_by(place: Any, name: str) -> Any:
    return cast("dict[str, Any]", vars(place)).get(name, _MISSING)


def _make() -> list[Patch]:
    """Return all patches."""
    found: list[Patch] = []

    def add(place: Any, name: str, replacement: Any) -> None:
        original = _held_by(place, name)
        if original is not _MISSING and isinstance(place, types.ModuleType):
            original = unpatched(place, name)
        if isinstance(original, types.BuiltinFunctionType) and inspect.isfunction(
            replacement
        ):
            # As with a builtin, a class that keeps it does not bind it.
            replacement = staticmethod(replacement)
        found.append(Patch(place, name, original, replacement))

    for name, replacement in clocks.clocks().items():
        add(time, name, replacement)
    add(threading, "_time", clocks.monotonic_under_lock)
    add(queue, "time", clocks.monotonic_under_lock)
    if _TYPES:
        for name, replacement in clocks.dates().items():
            add(datetime.datetime, name, replacement)
    add(threading, "Lock", Lock)
    add(threading, "_allocate_lock", Signal)
    add(threading, "_CRLock", RLock)
    add(queue, "SimpleQueue", SimpleQueue)
    add(select, "select", selecting_function(unpatched(select, "select")))
    add(select, "poll", _polling(unpatched(select, "poll"), 1e-3))
    if hasattr(select, "epoll"):
        add(select, "epoll", _polling(select.epoll, 1.0))
    for selector in _SELECTORS:
        add(selector, "select", selecting(selector.select))
    add(os, "read", _reading(os.read))
    add(os, "write", _writing(os.write))
    for name, make in (
        ("readv", _reading),
        ("writev", _writing_all),
        ("sendfile", _sending_file),
    ):
        if real := getattr(os, name, None):
            add(os, name, make(real))
    for name, method in socket_methods().items():
        add(unpatched(socket, "socket"), name, method)
    starts = "_start_joinable_thread"
    if not hasattr(threading, starts):
        starts = "_start_new_thread"  # to 3.12
        add(
            threading, "_set_sentinel", _sentinel(unpatched(threading, "_set_sentinel"))
        )
    add(threading, starts, _starting(unpatched(threading, starts), starts))
    process = "a process"
    popen: Any = unpatched(subprocess, "Popen")
    add(popen, "__init__", _never(popen.__init__, process))
    add(BaseProcess, "start", _never(BaseProcess.start, process))
    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
        if real := getattr(os, name, None):
            add(os, name, _never(real, f"os.{name}"))
    add(os, "system", _never(getattr(os, "system"), "os.system"))  # noqa: B009
    for name, replacement in _waits_for_children().items():
        add(os, name, replacement)
    add(popen, "_wait", _waiting_for_process(popen._wait))
    for name in ("sigwait", "sigwaitinfo", "sigtimedwait", "pause"):
        if real := getattr(signal, name, None):
            add(signal, name, _never(real, f"signal.{name}"))
    add(signal, "alarm", _alarm(signal.alarm))
    add(signal, "setitimer", _setitimer(signal.setitimer))
    add(signal, "getitimer", _getitimer(signal.getitimer))
    add(os, "kill", _killing(os.kill, os.getpid))
    add(signal, "raise_signal", _raising(signal.raise_signal))
    return found


def _add_tls() -> None:
    """Add the methods of TLS sockets, once the module ``ssl`` is loaded.

    Loading it here would be too early for gevent, which has to patch it first.
    """
    ssl: Any = sys.modules.get("ssl")
    kind: Any = getattr(ssl, "SSLSocket", None)
    if kind is None or kind.__module__ != "ssl" or kind in (p.place for p in _PATCHES):
        return
    for name, method in tls_methods(ssl).items():
        _PATCHES.append(Patch(kind, name, vars(kind)[name], method))


def _never(real: Callable[..., Any], what: str) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        if mine():
            raise NotCovered(f"{what} takes real time; do that outside of a world")
        return real(*args, **kwargs)

    return call


# Children that were started before the run, or by code that is not replaced. A look
# whether one has ended takes no time. To wait for its end does.


def _waits_for_children() -> dict[str, Callable[..., Any]]:
    """Return the replacements for ``os.wait`` and the like, by name."""
    found: dict[str, Callable[..., Any]] = {}
    if real := getattr(os, "waitpid", None):
        found["waitpid"] = _looking(real, "waitpid", 1)
        found["wait"] = _looking(real, "wait", 1, -1, 0)
    for name, place in (("wait3", 0), ("wait4", 1), ("waitid", 2)):
        if real := getattr(os, name, None):
            found[name] = _looking(real, name, place)
    return found


def _looking(
    real: Callable[..., Any], name: str, place: int, *fixed: int
) -> Callable[..., Any]:
    """Replace a call that waits for a child; its options are the argument ``place``."""

    @functools.wraps(getattr(os, name))
    def wait(*args: int) -> Any:
        given = [*args, *fixed]
        if not mine() or len(given) <= place or given[place] & os.WNOHANG:
            return real(*given)
        given[place] |= os.WNOHANG
        found = real(*given)
        if found is None or not found[0]:
            raise NotCovered(
                f"os.{name} waits for a process in real time; "
                "do that outside of a world"
            )
        return found

    return wait


def _waiting_for_process(real: Callable[..., int]) -> Callable[..., int]:
    def _wait(self: Any, *args: Any, **kwargs: Any) -> int:
        if mine() and self.poll() is None:
            raise NotCovered(
                "Popen.wait waits for a process in real time; "
                "do that outside of a world"
            )
        return real(self, *args, **kwargs)

    return _wait


def _reading(real: Callable[..., Any]) -> Callable[..., Any]:
    def read(descriptor: int, what: Any, /) -> Any:
        before_io(descriptor, select.POLLIN)
        return real(descriptor, what)

    return read


def _writing(real: Callable[..., int]) -> Callable[..., int]:
    def write(descriptor: int, data: Any, /) -> int:
        machine = mine()
        if not machine or not os.get_blocking(descriptor):
            return real(descriptor, data)
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):  # PIPE_BUF bytes fit, once there is room at all
                machine.until(descriptor, select.POLLOUT)
                sent += real(descriptor, rest[sent : sent + select.PIPE_BUF])
            return sent

    return write


def _writing_all(real: Callable[..., int]) -> Callable[..., int]:
    def writev(descriptor: int, buffers: Any, /) -> int:
        if not mine() or not os.get_blocking(descriptor):
            return real(descriptor, buffers)
        return os.write(descriptor, b"".join(buffers))

    return writev


def _sending_file(real: Callable[..., int]) -> Callable[..., int]:
    def sendfile(out_fd: int, *args: Any, **kwargs: Any) -> int:
        machine = mine()
        if not machine or not os.get_blocking(out_fd):
            return real(out_fd, *args, **kwargs)
        while True:
            # As much as there is room for: a blocking call would wait for the rest.
            os.set_blocking(out_fd, False)
            try:
                return real(out_fd, *args, **kwargs)
            except BlockingIOError:
                pass
            finally:
                os.set_blocking(out_fd, True)
            machine.until(out_fd, select.POLLOUT)

    return sendfile


def _polling(real: Callable[..., Any], unit: float) -> Callable[..., Any]:
    def make(*args: Any, **kwargs: Any) -> Any:
        made = real(*args, **kwargs)
        return Poller(made, unit) if mine() else made

    return make


def _starting(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Replace ``_start_new_thread`` (to 3.12) and ``_start_joinable_thread``."""

    def start(function: Any, *args: Any, **kwargs: Any) -> Any:
        machine = mine()
        if not machine:
            return real(function, *args, **kwargs)
        owner = function.__self__
        thread = ManagedThread("?", owner, function)
        if name == "_start_joinable_thread":
            owner._handle = Handle(thread)
        machine.spawn(thread)
        return None

    return start


def _sentinel(real: Callable[[], Any]) -> Callable[[], Any]:
    def sentinel() -> Any:
        machine = mine()
        return sentinel_of(machine.current) if machine else real()

    return sentinel


# Signals of this process


def _alarm(real: Callable[[int], int]) -> Callable[[int], int]:
    def alarm(seconds: int, /) -> int:
        machine = mine()
        return real(seconds) if not machine else round(machine.alarm(seconds, 0)[0])

    return alarm


def _setitimer(real: Callable[..., Any]) -> Callable[..., Any]:
    def setitimer(which: int, seconds: float, interval: float = 0.0, /) -> Any:
        machine = mine()
        if not machine or which != signal.ITIMER_REAL:
            return real(which, seconds, interval)
        if seconds < 0 or interval < 0:
            raise signal.ItimerError(errno.EINVAL, os.strerror(errno.EINVAL))
        return machine.alarm(seconds, interval)

    return setitimer


def _getitimer(real: Callable[[int], Any]) -> Callable[[int], Any]:
    def getitimer(which: int, /) -> Any:
        machine = mine()
        if not machine or which != signal.ITIMER_REAL:
            return real(which)
        return machine.alarm_left()

    return getitimer


def _killing(real: Callable[..., None], own: Callable[[], int]) -> Callable[..., None]:
    def kill(pid: int, number: int, /) -> None:
        machine = mine()
        handler = signal.getsignal(number) if machine and number else None
        if machine and pid == own() and is_handled(handler):
            machine.deliver(number, handler)
        elif machine and pid == own() and callable(handler):
            # The system may deliver a signal of kill(2) later, in another thread. This
            # one has been delivered, and the loop's descriptor is ready, on return.
            raise_here(number)
        else:
            real(pid, number)

    raise_here = signal.raise_signal
    return kill


def _raising(real: Callable[[int], None]) -> Callable[[int], None]:
    def raise_signal(number: int, /) -> None:
        machine = mine()
        handler = signal.getsignal(number) if machine else None
        if machine and is_handled(handler):
            machine.deliver(number, handler)
        else:
            real(number)

    return raise_signal


# Others who hold the originals


class _Elsewhere:
    """The originals in other places, found and put back."""

    def __init__(self) -> None:
        self._modules: list[Any] = []
        """The modules that have been looked through."""
        self._named: list[tuple[dict[str, Any], str]] = []
        """The names of modules that hold an original: after ``from time import``."""
        self._held: list[tuple[Callable[[Any], None], Any]] = []
        """Setters of other places that hold an original, each with that original."""
        self._changed: list[tuple[dict[str, Any], str, Any]] = []
        self._replaced: dict[int, Any] = {}

    def replace(self, replaced: dict[int, Any]) -> None:
        """Put the replacements where the originals are."""
        self._replaced = replaced
        modules = list(sys.modules.values())
        if modules != self._modules:
            self._modules = modules
            originals = {id(p.original) for p in _PATCHES} - {id(_MISSING)}
            self._named = list(_names_of_modules(originals))
            with thawed():
                self._held = list(self._referrers(replaced))
        for names, name in self._named:
            value = names.get(name)
            if (new := replaced.get(id(value))) is not None:
                self._changed.append((names, name, value))
                names[name] = new
        for put, original in self._held:
            if id(original) in replaced:
                put(replaced[id(original)])

    def forget(self) -> None:
        """Forget which modules have been looked through."""
        self._modules = []

    def put_back(self) -> None:
        """Put the originals back, also in modules that the run has loaded."""
        for names, name, value in self._changed:
            if names.get(name) is self._replaced[id(value)]:
                names[name] = value
        self._changed.clear()
        for put, original in self._held:
            put(original)
        modules = list(sys.modules.values())
        if modules == self._modules:
            return
        originals = {
            id(patch.replacement): patch.original
            for patch in _PATCHES
            if id(patch.original) in self._replaced
        }
        seen = set(map(id, self._modules))
        for module in modules:
            names = _names_in(module) if id(module) not in seen else {}
            for name, value in list(names.items()):
                if id(value) in originals:
                    names[name] = originals[id(value)]

    def _referrers(
        self, replaced: dict[int, Any]
    ) -> Iterator[tuple[Callable[[Any], None], Any]]:
        """Yield partials, defaults, closures, class attributes, lists and dicts."""
        wanted = [
            patch.original
            for patch in _PATCHES
            if id(patch.original) in replaced
            and patch.place in (os, time, threading, queue)
        ]
        known = {id(_names_in(module)) for module in list(sys.modules.values())}
        ours = {id(wanted), id(globals())}
        for patch in _PATCHES:  # a replacement calls its original, in its closure
            made: Any = patch.replacement
            if isinstance(made, staticmethod):
                ours.add(id(made.__dict__))  # it may hold __wrapped__
                made = cast("Any", made).__func__
            if isinstance(made, types.FunctionType):
                ours |= {id(cell) for cell in made.__closure__ or ()}
                ours.add(id(made.__dict__))
        tuples: dict[int, tuple[Any, ...]] = {}
        statics: dict[int, Any] = {}
        holders: list[Any] = gc.get_referrers(*wanted)
        for holder in holders:
            if id(holder) in known | ours or isinstance(holder, Patch):
                continue
            if _is_tuple(holder):
                tuples[id(holder)] = holder
                continue
            if _is_static(holder):
                statics[id(holder)] = holder
                continue
            for value in wanted:
                if put := _setter(holder, value):
                    yield put, value
        classes: list[Any] = gc.get_referrers(*statics.values())
        for names in classes:
            owner = _owner(names)
            own: list[Any] = [k for k in names if owner and id(names[k]) in statics]
            for key in own:
                yield functools.partial(_set_static, owner, key), names[key].__func__
        functions: list[Any] = gc.get_referrers(*tuples.values())
        for function in functions:
            if isinstance(function, types.FunctionType):
                defaults: tuple[Any, ...] = tuples.get(id(function.__defaults__), ())
                for value in wanted:
                    if any(each is value for each in defaults):
                        yield functools.partial(_set_default, function, value), value


@contextlib.contextmanager
def thawed() -> Generator[None]:
    """Have the garbage collector see what `gc.freeze` has hidden from it."""
    frozen = gc.get_freeze_count()
    if frozen:
        gc.unfreeze()
    try:
        yield
    finally:
        if frozen:
            gc.freeze()


def _is_static(holder: object) -> bool:
    return isinstance(holder, staticmethod)


def _is_tuple(holder: object) -> bool:
    return isinstance(holder, tuple)


def _names_of_modules(originals: set[int]) -> Iterator[tuple[dict[str, Any], str]]:
    for label, module in list(sys.modules.items()):
        if not _is_left_alone(label):
            names = _names_in(module)
            for name, value in list(names.items()):
                if id(value) in originals:
                    yield names, name


def _names_in(module: object) -> dict[str, Any]:
    """Return the names of what is in ``sys.modules``, which need not be a module."""
    with contextlib.suppress(Exception):
        names = vars(module)
        if type(names) is dict:
            return names
    return {}


def _is_left_alone(label: str) -> bool:
    package = label.partition(".")[0]
    return label in ("_thread", "threading", "time", "datetime") or package in _TOOLS


_TOOLS = {
    _PACKAGE,
    *("_pytest", "pytest", "pluggy", "hypothesis", "xdist", "execnet"),
    *("pytest_timeout", "coverage", "gevent", "greenlet"),
}


def _setter(holder: Any, value: Any) -> Callable[[Any], None] | None:
    """Return a function that puts another value where a container holds this one."""
    kind = cast("type[Any]", type(holder))
    if kind is dict:
        keys = [key for key, each in list(holder.items()) if each is value]
        if owner := _owner(holder):
            return _all([functools.partial(setattr, owner, key) for key in keys])
        return _all([functools.partial(holder.__setitem__, key) for key in keys])
    if kind is list:
        places = [i for i, each in enumerate(holder) if each is value]
        return _all([functools.partial(holder.__setitem__, i) for i in places])
    if kind is types.CellType and holder.cell_contents is value:
        return functools.partial(setattr, holder, "cell_contents")
    if kind is functools.partial and holder.func is value:
        return functools.partial(_set_function, holder)
    names = _names_in(holder)  # an instance, for instance a rate limiter with a clock
    if names and not _is_left_alone(str(kind.__module__)):
        keys = [key for key, each in list(names.items()) if each is value]
        return _all([functools.partial(names.__setitem__, key) for key in keys])
    return None


def _owner(names: Any) -> Any:
    """Return the class whose names a dict holds, or None."""
    if type(names) is not dict:
        return None
    own: Any = cast("dict[str, Any]", names).get("__dict__")
    owner = getattr(own, "__objclass__", None)
    return owner if isinstance(owner, type) else None


def _set_static(owner: Any, name: str, function: Any) -> None:
    setattr(owner, name, staticmethod(function))


def _all(setters: list[Callable[[Any], None]]) -> Callable[[Any], None] | None:
    def put(value: Any) -> None:
        for each in setters:
            with contextlib.suppress(Exception):  # it has lost that item since
                each(value)

    return put if setters else None


def _set_function(partial: Any, function: Any) -> None:
    state: Any = partial.__reduce__()[2]
    partial.__setstate__((function, *state[1:]))


def _set_default(function: types.FunctionType, old: Any, new: Any) -> None:
    """Put a value in place of a default argument, or of what has taken its place."""
    taken = {id(old), id(_standing_for(old))}
    function.__defaults__ = tuple(
        new if id(each) in taken else each for each in function.__defaults__ or ()
    )


def _standing_for(original: Any) -> Any:
    return next((p.replacement for p in _PATCHES if p.original is original), original)


_elsewhere = _Elsewhere()


def clear() -> None:
    """Put back the originals where code outside of a run has put a replacement.

    That is what the undo of a mock does, if the mock was made in a run.
    """
    if active() is None:
        for place, name, original, replacement in _PATCHES:
            if place.__dict__.get(name, _MISSING) is not replacement:
                continue
            if original is _MISSING:
                delattr(place, name)
            else:
                _set(place, name, original)


def look_again() -> None:
    """Have the next run look for others who hold the originals in any case."""
    _elsewhere.forget()


_PATCHES = _make()
"""All patches, made when this module is loaded: before a test mocks anything."""
