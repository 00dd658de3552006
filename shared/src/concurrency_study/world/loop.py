"""A world whose paradigm has an event loop in one thread, and worker threads."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Generator
from typing import Any

from .base import World


class LoopWorld(World):
    """A world whose paradigm has an event loop in one thread, and worker threads.

    ``time.monotonic``, ``perf_counter``, ``time`` (and their ``_ns``) return virtual
    time while it runs, in the loop's thread and in its workers. ``time.sleep`` on the
    loop's thread blocks the whole loop, as in real time. In a worker thread it is a
    virtual sleep. Virtual time does not pass while a worker thread really works.

    Not covered are the other waits of a worker thread. ``Event.wait(1)`` takes a real
    second there, and virtual time does not pass meanwhile. A worker that waits for a
    later action of the loop waits for ever. Threads that the loop did not start are in
    real time.
    """

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        super().__init__(answer)
        self.clock = 0.0
        """The virtual time, in seconds."""
        self.busy = 0
        """Worker threads that have been given work and are not asleep."""
        self._thread = -1
        self._workers: set[int] = set()
        self._worker_names: dict[int, str] = {}

    def now(self) -> float:
        return round(self.clock, 9)

    @abstractmethod
    def native_call_soon(self, callback: Callable[[], None]) -> None:
        """Have this called on the loop's thread soon. Any thread may call this."""

    def as_worker(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function that a worker will call, so that it sleeps virtually."""

        # On the loop's thread, so that numbers are the same in every run.
        name = self.trace.named("thread") if self.trace.watching else ""

        def working(*args: Any, **kwargs: Any) -> Any:
            ident = threading.get_ident()
            self._workers.add(ident)
            self._worker_names[ident] = name
            self.trace.spawned(name, WORKER)
            how = "error"
            try:
                value = function(*args, **kwargs)
                how = "end"
                return value
            finally:
                self.trace.exited(name, how)
                self._workers.discard(ident)

        return working

    def _whose(self) -> str:
        ident = threading.get_ident()
        if ident != self._thread:
            return self._worker_names.get(ident, "")
        return super()._whose()

    def hold_up(self, seconds: float) -> None:
        """Move the clock on by the seconds for which the loop is blocked."""
        self.clock += seconds

    def _sleep_in_worker(self, seconds: float) -> None:
        woken = threading.Event()

        def wake() -> None:
            self.busy += 1
            woken.set()

        def fall_asleep() -> None:
            self.native_call_at(self.clock + max(0.0, seconds), wake)
            self.busy -= 1

        self.native_call_soon(fall_asleep)
        woken.wait()

    @contextlib.contextmanager
    def virtual_time(self) -> Generator[None]:
        """Patch the functions of ``time`` while the world runs in this thread."""
        self.clock, self.busy = 0.0, 0
        self._workers.clear()
        self._thread = threading.get_ident()
        real = {name: getattr(time, name) for name in _CLOCKS}

        def mine() -> bool:
            ident = threading.get_ident()
            return ident == self._thread or ident in self._workers

        def sleep(seconds: float) -> None:
            ident = threading.get_ident()
            if ident == self._thread:
                self.hold_up(seconds)
            elif ident in self._workers:
                self._sleep_in_worker(seconds)
            else:
                real["sleep"](seconds)

        def teller(name: str) -> Callable[[], float]:
            scale = 1_000_000_000 if name.endswith("_ns") else 1

            def tell() -> float:
                if not mine():
                    return real[name]()
                return round(self.clock * scale) if scale > 1 else self.clock

            return tell

        for name in _CLOCKS:
            setattr(time, name, sleep if name == "sleep" else teller(name))
        try:
            yield
        finally:
            for name, function in real.items():
                setattr(time, name, function)


WORKER = "worker thread"
"""The kind of a native actor that is a call in a thread beside the loop."""

_CLOCKS = (
    "sleep",
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
)
