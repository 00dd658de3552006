"""A world whose paradigm has an event loop in one thread, and worker threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from .base import World
from .errors import NotCovered, TimeLimit
from .unpatched import get_ident

if TYPE_CHECKING:
    from ..worlds.threads.machine import Machine


class LoopWorld(World):
    """A world whose paradigm has an event loop in one thread, and worker threads.

    The loop's thread is the main thread of the machine that runs the threads world (see
    `concurrency_study.worlds.threads`). So every clock shows virtual time, and so do
    all waits of the threads that the code starts: worker threads, threads of its own,
    and loops in them. ``time.sleep`` on the loop's thread blocks the whole loop, as in
    real time.
    """

    machine: Machine
    """The scheduler of the threads, and the clock, of the present run."""

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        super().__init__(answer)
        self.unfinished = 0
        """Calls in worker threads that have not ended."""
        self._thread = -1
        self._worker_names: dict[int, str] = {}
        self._began = False

    @property
    def clock(self) -> float:
        """The virtual time, in seconds."""
        return self.machine.ns / 1e9 if self._began else 0.0

    def now(self) -> float:
        return self.clock

    def as_worker(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function that a worker thread will call, so that its call is noted."""
        if not self.trace.watching:
            return function
        # On the loop's thread, so that numbers are the same in every run.
        name = self.trace.named("thread")

        def working(*args: Any, **kwargs: Any) -> Any:
            ident = get_ident()
            self._worker_names[ident] = name
            self.trace.spawned(name, WORKER)
            how = "error"
            try:
                value = function(*args, **kwargs)
                how = "end"
                return value
            finally:
                self.trace.exited(name, how)

        return working

    def leftover_threads(self, *workers: object) -> list[str]:
        """Return the names of threads and of calls in worker threads that are alive.

        ``workers`` are functions or classes of worker threads, which may be idle.
        """
        own = [
            f"thread {thread.name}"
            for thread in self.machine.threads()
            if _target(thread.owner) not in workers
            and type(thread.owner) not in workers
        ]
        return own + ["a worker thread"] * self.unfinished

    @classmethod
    def exploring(cls) -> contextlib.AbstractContextManager[object]:
        from ..worlds.threads.patches import keeping

        return keeping(greenlets=cls.greenlets)

    tells_jumps = True
    greenlets = False
    """True if it runs in a process that `gevent.monkey` has patched."""

    def give_up_at_limit(self, limit: TimeLimit) -> None:
        self.machine.fail(limit)

    def waiting(self) -> list[str]:
        return self.machine.waiters()

    def _whose(self) -> str:
        ident = get_ident()
        if ident != self._thread:
            return self._worker_names.get(ident, "")
        return super()._whose()

    @contextlib.contextmanager
    def virtual_time(self) -> Generator[Callable[[Any], Any]]:
        """Run the block in virtual time, with this thread as that of the loop.

        The block gets a function that returns the replacement of ``time.sleep`` and the
        like, or else its argument. Afterwards the other threads of the run are ended.

        Raises:
            NotCovered: Another world runs, or the code did what none covers.
        """
        from ..worlds.threads.machine import Machine, active
        from ..worlds.threads.patches import running

        if active():
            raise NotCovered("only one world runs at a time: run it later")
        machine = self.machine = Machine(self.lose, self.patience)
        machine.is_of_loop = True
        machine.schedule = self.schedule
        machine.may_jump = lambda ns: self.may_jump(ns / 1e9)
        self._began, self.unfinished = True, 0
        self._thread = get_ident()
        self._worker_names.clear()
        with running(machine, greenlets=self.greenlets) as replaced:
            try:
                yield replaced
            except KeyboardInterrupt:
                # The watchdog interrupts a thread that is blocked for real.
                if machine.failure is None:
                    raise
            finally:
                events = len(self.trace)
                machine.unwind()
                del self.trace.events[events:]  # they were only the unwinding
        if machine.failure:
            raise machine.failure


def _target(thread: object) -> object:
    target = getattr(thread, "_target", None)
    return getattr(target, "__func__", target)


WORKER = "worker thread"
"""The kind of a native actor that is a call in a thread beside the loop."""
