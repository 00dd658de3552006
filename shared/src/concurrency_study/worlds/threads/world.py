"""The world of threads, and the view that its jobs have of it."""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import inspect
import io
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import (
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from typing import Any, BinaryIO

from ...world import Job, NotCovered, TimeLimit, World, driven, leaves
from . import machine as machines
from .descriptors import Source
from .machine import Machine, ManagedThread, active, preempting
from .patches import keeping, running

HORIZON = 3600.0
"""Virtual seconds for which an answer may run after it was cancelled."""

_pools: Any = concurrent.futures.thread


class ThreadsJob(Job):
    """A job that may have been given a stop event.

    The event stays set. So a job that swallows its cancellation is cancelled again in
    its next wait. A wait in a cleanup, while the cancellation is handled or in a
    `shield`, only sleeps.
    """

    stop: Any = None
    """The stop event, if the job was given one."""
    _shields = 0

    @contextlib.contextmanager
    def shield(self) -> Generator[None]:
        """Return a block whose waits do not look at the event."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    async def native_sleep(self, seconds: float) -> None:
        if self._may_stop():
            self._wait(seconds)
        else:
            time.sleep(seconds)  # noqa: ASYNC251

    async def native_forever(self) -> None:
        if self._may_stop():
            self._wait(None)
        else:
            threading.Event().wait()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        with ThreadPoolExecutor(len(calls) or 1) as pool:
            for future in as_completed([pool.submit(call) for call in calls]):
                future.result()

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(call).result()

    async def native_readable(self, descriptor: int) -> None:
        select.select([descriptor], [], [])

    def _may_stop(self) -> bool:
        if self.stop is None or self._shields:
            return False
        handled = sys.exception()  # of this thread, anywhere on its stack
        while handled is not None:
            if any(isinstance(leaf, CancelledError) for leaf in leaves(handled)):
                return False
            handled = handled.__context__
        return True

    def _wait(self, seconds: float | None) -> None:
        if self.stop.wait(seconds):
            raise CancelledError


class ThreadsWorld(World):
    """A place where threads run in virtual time.

    A job that is called with one more argument than it takes, an event, is asked to
    stop by that event: its sleeps then raise `concurrent.futures.CancelledError`.

    Nothing can cancel a running call from outside: with ``cancel_at``, `run` calls
    ``Future.cancel()`` at that instant, to no effect. An answer that still runs
    `HORIZON` seconds later fails.
    """

    name = "threads"
    counts_waits = False
    tells_jumps = True
    Cancelled = CancelledError
    kind = "thread"
    order = (
        "the system chooses which of the threads that are ready runs next; here the "
        "order is first come, first served"
    )

    def __init__(
        self, answer: Callable[..., Any] | None = None, seed: int | None = None
    ) -> None:
        self._machine: Machine | None = None
        super().__init__(answer)
        self.seed = seed

    def now(self) -> float:
        """Return virtual seconds since the world began to run, to the nanosecond."""
        return self._machine.ns / 1e9 if self._machine else 0.0

    def source(self, descriptor: int) -> BinaryIO:
        """Return a readable binary file over a real descriptor, which it closes."""
        return io.BufferedReader(Source(descriptor))

    def here(self) -> object:
        """Return the thread that runs now."""
        return threading.current_thread()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return driven(function)

    def enter_job(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Job]:
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        takes = sum(k <= inspect.Parameter.POSITIONAL_OR_KEYWORD for k in kinds) - 1
        stop = None
        if len(args) == takes + 1 and inspect.Parameter.VAR_POSITIONAL not in kinds:
            last = args[-1]
            if hasattr(last, "wait") and hasattr(last, "is_set"):
                args, stop = args[:-1], last
        args, w = super().enter_job(function, args)
        assert isinstance(w, ThreadsJob)
        w.stop = stop
        return args, w

    def native_job(self, actor: str) -> Job:
        return ThreadsJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        assert self._machine
        self._machine.call_at(round(seconds * 1e9), callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        self.native_enter()
        value, error = None, None
        try:
            function, *args_ = map(self._replaced, (function, *args))
            with self._traced():
                value = self._call(function, tuple(args_))
        except BaseException as raised:
            error = raised
        return value, self.native_exit(error)

    @classmethod
    @contextlib.contextmanager
    def exploring(cls) -> Generator[None]:
        with keeping(), preempting():
            yield

    @contextlib.contextmanager
    def _traced(self) -> Generator[None]:
        """Let the schedule preempt the calling thread, on Python 3.11."""
        if self.schedule is None or machines.tracer is None:
            yield
            return
        before = sys.gettrace()
        sys.settrace(machines.tracer)
        try:
            yield
        finally:
            sys.settrace(before)

    def native_enter(self) -> None:
        if active():
            raise NotCovered("only one world of threads runs at a time: run it later")
        machine = self._machine = self.new_machine()
        machine.may_jump = lambda ns: self.may_jump(ns / 1e9)
        machine.schedule = self.schedule
        if self.schedule is not None:
            machines.begin_points()
        if self.trace.watching:
            machine.begins, machine.ends = self._begins, self._ends
        self._patches = contextlib.ExitStack()
        self._replaced = self._patches.enter_context(running(machine))
        try:
            self.note_main(threading.current_thread())
            self.call_planned()
        except BaseException:
            self.native_exit(None)
            raise

    def new_machine(self) -> Machine:
        """Return the machine of a run; a subclass may have another one."""
        return Machine(self.lose, self.patience, self.seed)

    def native_exit(self, error: BaseException | None) -> BaseException | None:
        machine = self._machine
        assert machine
        with self._patches:
            if isinstance(error, KeyboardInterrupt):
                machine.fail(error)
            events = len(self.trace)
            if not machine.failure:
                self.note_end(self._natives())
            machine.unwind()
            del self.trace.events[events:]  # they were only the unwinding
            if machine.failure:
                self.this_run.given_up = True
                self.note_end([])
        return machine.failure or error

    def give_up_at_limit(self, limit: TimeLimit) -> None:
        assert self._machine
        self._machine.fail(limit)

    def waiting(self) -> list[str]:
        return self._machine.waiters() if self._machine else []

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call the answer in the calling thread, which has the baton.

        A subclass may run something else here, inside the machine.
        """
        if self.this_run.cancel_at:
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()
            self.cancel_by(future.cancel)
            self.native_call_at(
                self.this_run.cancel_at[-1] + HORIZON, self._not_cancelled
            )
        return function(*args)

    def _begins(self, thread: ManagedThread) -> None:
        """Note a thread that the answer has started."""
        name = thread.name
        target = getattr(thread.owner, "_target", None)
        if target is _pools._worker:
            name = "worker"
        elif re.fullmatch(r"\?|Thread-\d+( \(.*\))?", name):
            name = str(getattr(target, "__name__", "thread"))
        self.note_spawned(thread.owner or thread, name)

    def _ends(self, thread: ManagedThread) -> None:
        name = self.this_run.names.get(thread.owner or thread, "")
        self.trace.exited(name, "error" if thread.failed else "end")

    def _not_cancelled(self) -> None:
        if self._machine:
            text = f"the answer still runs, {HORIZON:g} s after it was cancelled"
            self._machine.fail(AssertionError(text))

    def _natives(self) -> list[str]:
        """Return the names of the threads that are alive, without the answer itself."""
        return self._machine.alive() if self._machine else []
