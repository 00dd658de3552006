"""The toy scheduler in virtual time.

The scheduler waits with `time.sleep` and reads `time.monotonic`. `LoopWorld` replaces
both, so that a sleep moves the clock on and takes no real time.

Not covered are threads and descriptors, which the toy does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, NoReturn

from concurrency_study.world import (
    Deadlock,
    Job,
    LoopWorld,
    coroutine_frames,
    waits_at,
)

from . import scheduler
from .scheduler import Call, Cancelled, Scheduler, Task


class ToyJob(Job):
    """The view that a job has of its world."""

    async def native_sleep(self, seconds: float) -> None:
        await scheduler.sleep(seconds)

    async def native_forever(self) -> None:
        while True:
            await scheduler.wait()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        await scheduler.together(*calls)


class ToyWorld(LoopWorld):
    """A place where code on the toy scheduler runs in virtual time."""

    name = "toy"
    colour = "async"
    Cancelled = Cancelled
    kind = "task"
    absent: ClassVar = {
        "in_thread": "the toy has no threads",
        "readable": "the toy waits for time only",
    }
    order = "tasks that are ready run first come, first served"

    def here(self) -> object:
        return scheduler.this_task()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return function

    def native_job(self, actor: str) -> Job:
        return ToyJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        self._scheduler.call_at(seconds, callback)

    def native_run(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[Any, BaseException | None]:
        self._scheduler = _Watched(self)

        async def main() -> Any:
            task = scheduler.this_task()
            self.note_main(task)
            self.call_planned()
            self.cancel_by(task.cancel)
            try:
                return await self.counted(function(*args))
            finally:
                others = [each for each in self._scheduler.alive if each is not task]
                self.note_end([f"task {_name(each.call)}" for each in others])

        with self.virtual_time():
            try:
                return self._scheduler.run(main), None
            except BaseException as error:
                return None, error


class _Watched(Scheduler):
    """A scheduler that reports its tasks to a world, and names them in a deadlock."""

    def __init__(self, world: ToyWorld) -> None:
        super().__init__()
        self._world = world

    def spawn(self, call: Call, ended: Callable[[Task], object]) -> Task:
        if self.current is None or not self._world.trace.watching:
            return super().spawn(call, ended)

        def exited(task: Task) -> None:
            self._world.trace.exited(name, self._world.how_it_ended(task.error))
            ended(task)

        task = super().spawn(call, exited)
        name = self._world.note_spawned(task, _name(call))
        return task

    def give_up(self) -> NoReturn:
        raise Deadlock(
            [f"task {_name(task.call)}: {_where(task)}" for task in self.alive]
        )


def _name(call: Any) -> str:
    """Return the name of a function, also of one inside a `functools.partial`."""
    return str(getattr(getattr(call, "func", call), "__name__", "task"))


def _where(task: Task) -> str:
    """Return where a task waits, in code that is neither the toy nor its world."""
    toy = (scheduler.__file__, __file__)
    frames = coroutine_frames(task.coroutine)
    return waits_at([f for f in frames if f.f_code.co_filename not in toy])
