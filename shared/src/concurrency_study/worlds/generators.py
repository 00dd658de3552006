"""Generators in virtual time: their kernel, unchanged, in a world of threads.

The clock, the selector and the threads are those of `ThreadsWorld`. An answer may be a
generator function, which runs as the main task of a kernel. Or it may be a plain
function, which makes its own loop. A generator of the study that is left suspended
counts as a leftover.

Not covered: a plain function cannot be cancelled from outside.
"""

from __future__ import annotations

import functools
import gc
import inspect
import math
import os
import sys
import threading
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

from ..world import Deadlock, Job, World, coroutine_frames, waits_at
from ..world.schedules import CLOCK, WIDTH, Schedule
from .threads import ThreadsWorld
from .threads.machine import Machine
from .threads.outside import outwards
from .threads.spins import loop_that_looks


class GeneratorsJob(Job):
    """The view that a job has of its world."""

    async def native_sleep(self, seconds: float) -> None:
        await _Awaitable(_kernel().sleep(seconds))

    async def native_forever(self) -> None:
        await _Awaitable(_kernel().sleep_forever())

    async def native_time_out(self, seconds: float) -> None:
        with _kernel().fail_after(seconds):
            await self.native_forever()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        def start(group: Any) -> None:
            for call in calls:
                group.spawn(call)

        await _Awaitable(_kernel().open_group(start))

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        return await _Awaitable(_kernel().in_thread(call))

    async def native_readable(self, descriptor: int) -> None:
        await _Awaitable(_kernel().wait_readable(descriptor))

    def shield(self) -> Any:
        """Return a shielded scope."""
        return _kernel().CancelScope(shield=True)


class _Awaitable:
    def __init__(self, waiting: Any) -> None:
        self._waiting = waiting

    def __await__(self) -> Any:
        return self._waiting


class GeneratorsWorld(ThreadsWorld):
    """A place where the generators' kernel runs in virtual time."""

    name = "generators"
    counts_waits = True
    colour = "any"
    kind = "task"
    order = "tasks of the kernel that are ready run first come, first served"

    def __init__(
        self, answer: Callable[..., Any] | None = None, seed: int | None = None
    ) -> None:
        super().__init__(answer, seed)
        self.Cancelled = _kernel().Cancelled
        self._noted = False
        self._loop: Any = None
        """The kernel that runs the answer."""

    def native_enter(self) -> None:
        if not self._runs:
            World.native_enter(self)  # refuses
        super().native_enter()

    def native_run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        self._runs = True
        try:
            return super().native_run(function, args)
        finally:
            self._runs = False

    _runs = False

    def here(self) -> object:
        """Return the task that runs now, or the thread outside of a kernel."""
        kernel = _kernel().scopes._running.get()
        return kernel.current if kernel else super().here()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        def native(*args: Any) -> Generator[Any, Any, Any]:
            waiting: Any = function(*args)
            return (yield from waiting)  # pyright: ignore[reportUnknownVariableType]

        return types.coroutine(native)

    def enter_job(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Job]:
        return World.enter_job(self, function, args)

    def native_job(self, actor: str) -> Job:
        return GeneratorsJob(self, actor)

    def note_end(self, natives: list[str]) -> None:
        if not self._noted:
            super().note_end(natives)
            self._noted = True

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        self._noted = False
        assert self._machine
        self._machine.inside, self._machine.loop_looks = self._waiters, self._looks
        self._machine.loop_timer = self._later_timer
        told, spawn = _kernel().Task.waits_at, _kernel().Group.spawn
        _kernel().Task.waits_at = _waits_at
        if self.trace.watching:
            _kernel().Group.spawn = self._watching(spawn)
        making = _kernel().Kernel.__init__
        if self.schedule is not None:
            _kernel().Kernel.__init__ = self._scheduling(making)
        gc.freeze()  # so that `_natives` sees only what is made from here on
        try:
            value = super()._call(function, args)
            if inspect.isgenerator(value):
                value = _kernel().run(self._main, value)
            return value
        except _kernel().Deadlock as error:
            raise Deadlock(error.waiters) from error
        finally:
            self.note_end(self._natives())
            self._loop = None
            gc.unfreeze()
            _kernel().Task.waits_at, _kernel().Group.spawn = told, spawn
            _kernel().Kernel.__init__ = making

    def _scheduling(self, making: Callable[..., None]) -> Callable[..., None]:
        """Wrap `kernel.Kernel.__init__` so that a schedule chooses the next task."""
        schedule, machine = self.schedule, self._machine
        assert schedule is not None
        assert machine is not None

        def made(kernel: Any) -> None:
            making(kernel)
            kernel.ready = _Ready(kernel, machine, schedule)

        return made

    def _waiters(self) -> list[str]:
        """Return where the tasks wait, if the kernel waits for a descriptor."""
        return sorted(map(_waits_at, self._loop.tasks())) if self._loop else []

    def _looks(self) -> bool:
        """Return whether all that runs in the main thread only looks."""
        kernel = self._loop
        if kernel is None or kernel.current:
            return loop_that_looks(outwards(sys._getframe())) is not None  # pyright: ignore
        runs = [*kernel.ready, *kernel.later]
        return bool(runs) and all(
            hasattr(task, "generator")
            and loop_that_looks(reversed(coroutine_frames(task.generator)))
            for task in runs
        )

    def _later_timer(self) -> int | None:
        """Return the first instant after now, in nanoseconds, that has a timer."""
        assert self._machine
        kernel, now = self._loop, self._machine.ns
        if kernel is None:
            return None
        live = [
            round(when * 1e9)
            for when in kernel._timers
            if kernel._sleepers.get(when) or kernel._alarms.get(when)
        ]
        return min((due for due in live if due > now), default=None)

    def _watching(self, spawn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap `kernel.Group.spawn` so that it notes each task, and its end."""

        def spawned(group: Any, function: Any, *args: Any, **options: Any) -> Any:
            if group is group.kernel.root:  # the answer itself
                return spawn(group, function, *args, **options)
            name = ""

            @functools.wraps(function)
            def watched(*args: Any) -> Any:
                waiting = function(*args)
                if not hasattr(waiting, "__next__"):
                    return waiting
                same: Any = watch(waiting)
                # A task gets the name of its generator.
                same.__name__ = getattr(waiting, "__name__", watched.__name__)
                return same

            def watch(waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
                try:
                    value = yield from waiting
                except BaseException as error:
                    self.trace.exited(name, self.how_it_ended(error))
                    raise
                self.trace.exited(name, "end")
                return value

            def became() -> str:
                # It was cancelled before it began to run.
                return "cancelled" if task.done else ""

            task = spawn(group, watched, *args, **options)
            name = self.note_spawned(task, task.name, became)
            return task

        return spawned

    def _begins(self, thread: Any) -> None:
        """Note a thread. An idle worker of the kernel counts as ended."""
        super()._begins(thread)
        owner = thread.owner or thread
        idle = _kernel().outside.IDLE
        self.this_run.became[self.this_run.names[owner]] = lambda: (
            "end" * (owner.name == idle)
        )

    def is_native(self, function: Callable[..., Any]) -> bool:
        return inspect.isgeneratorfunction(inspect.unwrap(function))

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        return _kernel().run(function)

    def native_kind(self, native: object) -> str:
        bare: Any = inspect.unwrap(native) if callable(native) else native
        plain = inspect.isfunction(bare) and not inspect.isgeneratorfunction(bare)
        return "thread" if plain or isinstance(native, threading.Thread) else "task"

    def _main(self, answer: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        kernel = self._loop = _kernel().current_kernel()
        self.note_main(_kernel().current_task())
        with _kernel().CancelScope() as scope:

            def cancel() -> None:
                if kernel.current:  # the answer itself calls, at one of its waits
                    scope.cancel()
                else:
                    kernel.call_soon_threadsafe(from_outside)

            def from_outside() -> None:
                kernel.outside -= 1
                scope.cancel()

            kernel.outside += len(self.this_run.cancel_at)
            self.cancel_answer = (
                cancel  # cancellations at an instant are scheduled already
            )
            try:
                return (yield from self.counted(answer))  # pyright: ignore
            finally:
                self.note_end(self._natives())
        raise self.Cancelled

    def _natives(self) -> list[str]:
        if self._noted:
            return []
        kernel: Any = _kernel().scopes._running.get()
        made: list[Any] = gc.get_objects()
        threads = super()._natives()
        if kernel:  # its idle workers run no call, and end with the run
            idle = f"thread {_kernel().outside.IDLE}"
            threads = [thread for thread in threads if thread != idle]
        return (
            threads
            + sorted(
                f"task {task.name}"
                for task in made
                if type(task) is _kernel().Task
                and not task.done
                and not (kernel and task is kernel.current)
            )
            + sorted(f"unclosed generator {name}" for name in _unclosed(made))
        )


class _Ready(list[Any]):
    """A ready queue from which a schedule takes the next task.

    The kernel walks along it while it grows. The walk moves the chosen task to its
    place first.
    """

    def __init__(self, kernel: Any, machine: Machine, schedule: Schedule) -> None:
        super().__init__()
        self.kernel, self.machine, self.schedule = kernel, machine, schedule

    def __iter__(self) -> _Walk:
        return _Walk(self)


class _Walk:
    def __init__(self, ready: _Ready) -> None:
        self._ready, self._walked, self._over = ready, 0, False

    def __iter__(self) -> _Walk:
        return self

    def __length_hint__(self) -> int:
        return 0 if self._over else len(self._ready) - self._walked

    def __next__(self) -> Any:
        ready, schedule = self._ready, self._ready.schedule
        if self._over or self._walked >= len(ready):
            self._over = True
            raise StopIteration
        at = self._walked
        while schedule.on:
            later = ready.kernel.later
            lanes = [*ready[at : at + WIDTH], *later[:WIDTH]]
            schedule.cut = schedule.cut or len(ready) + len(later) - at > len(lanes)
            ahead = self._ahead()
            index = schedule.pick(lanes, _describe, ahead)
            if index == CLOCK:
                self._go(ready.machine.ns + (ahead or 0))
                continue
            waiting = min(len(ready) - at, WIDTH)
            if index >= waiting:
                ready.insert(at, later.pop(index - waiting))
            elif index:
                ready.insert(at, ready.pop(at + index))
            break
        self._walked += 1
        return ready[at]

    def _go(self, ns: int) -> None:
        """Move the clock to the next timer, and wake the tasks that sleep until it."""
        kernel, machine = self._ready.kernel, self._ready.machine
        machine.go_ahead(ns)
        when = max(kernel._timers[0], machine.ns / 1e9)  # a float may be an ulp later
        walk = kernel._walked, kernel._walk
        kernel._walked, kernel._walk = [None], iter(())  # no task runs
        kernel._wake_sleepers(when)
        kernel._walked, kernel._walk = walk

    def _ahead(self) -> int | None:
        """Return the nanoseconds to the next timer, if the clock may go there."""
        ready = self._ready
        seconds = ready.kernel._until_next_timer()
        if seconds == math.inf:
            return None
        ahead = round(seconds * 1e9)
        return ahead if ready.machine.may_go_ahead(ahead, ready.schedule) else None


def _describe(task: Any) -> str:
    return _waits_at(task) if hasattr(task, "name") else "the cancellation of tasks"


def _kernel() -> Any:
    from generators_study import kernel

    return kernel


def _unclosed(made: list[Any]) -> list[str]:
    """Return the names of the suspended generators of the study's own files."""
    kernel = os.path.dirname(_kernel().__file__) + os.sep
    study = os.path.dirname(os.path.dirname(kernel)) + os.sep
    return [
        generator.gi_code.co_qualname
        for generator, kind in ((one, cast(Any, type(one))) for one in made)
        if kind is types.GeneratorType
        and inspect.getgeneratorstate(generator) == inspect.GEN_SUSPENDED
        and generator.gi_code.co_filename.startswith(study)
        and not generator.gi_code.co_filename.startswith(kernel)
    ]


def _waits_at(task: Any) -> str:
    """Return where a task waits, also through coroutines that its generator awaits."""
    ours = (os.path.dirname(_kernel().__file__) + os.sep, __file__)
    frames = coroutine_frames(task.generator)
    if len(frames) == 1 and frames[0].f_code.co_filename == __file__:
        # A task that is watched and has not begun.
        frames = coroutine_frames(frames[0].f_locals.get("waiting"))
    lines = [f for f in frames if not f.f_code.co_filename.startswith(ours)]
    return f"task {task.name}: {waits_at(lines)}"
