"""Kernel: what a task yields is the place where it waits. A miniature of the real one.

A place is a list. The kernel puts the task into it without looking at its kind, as
there are no kinds of requests any more. To wake is to move all tasks from the place to
the ready list. To cancel is to take one task out and to throw. A future, a timer, a
queue, the end of a task: each is such a list. A new kind of waiting is one more list.

`generators_study.kernel` works like this, and adds what real programs need. The README
of this package lists the additions.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any


class Cancelled(Exception):
    """The task is to stop: its result is no longer wanted."""


class Task:
    """A running coroutine, and the place where it waits."""

    def __init__(self, coroutine: Generator[list[Task], None, Any], place: list[Task]):
        self.coroutine = coroutine
        self.place = place
        self.cancelled = self.done = False
        self.joiners: list[Task] = []


class Kernel:
    """A loop that walks the ready list, then sleeps until the next instant."""

    def __init__(self) -> None:
        self.ready: list[Task] = []
        self.instants: list[float] = []
        self.sleepers: dict[float, list[Task]] = {}

    def spawn(self, coroutine: Generator[list[Task], None, Any]) -> Task:
        """Start a task beside the others."""
        task = Task(coroutine, self.ready)
        self.ready.append(task)
        return task

    def run(self) -> None:
        """Run until no task is ready or asleep."""
        while self.ready or self.instants:
            for task in self.ready:  # it grows while it is walked
                self.step(task)
            self.ready.clear()
            if self.instants:
                when = heappop(self.instants)
                time.sleep(max(0, when - time.monotonic()))
                self.wake(self.sleepers.pop(when))

    def step(self, task: Task) -> None:
        """Run a task up to its next wait; an error that it raises ends the run."""
        coroutine = task.coroutine
        try:
            if task.cancelled:
                task.cancelled = False
                task.place = coroutine.throw(Cancelled())
            else:
                task.place = next(coroutine)
        except (StopIteration, Cancelled):
            task.done = True
            self.wake(task.joiners)
        else:
            task.place.append(task)

    def wake(self, place: list[Task]) -> None:
        """Make all tasks ready that wait there."""
        self.ready.extend(place)
        place.clear()

    def cancel(self, task: Task) -> None:
        """Raise `Cancelled` where it waits; has no effect if it does not wait."""
        if task.place is not self.ready and task in task.place:
            task.place.remove(task)
            task.cancelled = True
            self.ready.append(task)

    def instant(self, seconds: float) -> list[Task]:
        """Return the place of the tasks that sleep until ``seconds`` from now."""
        when = time.monotonic() + seconds
        if when not in self.sleepers:
            heappush(self.instants, when)
            self.sleepers[when] = []
        return self.sleepers[when]


def main() -> None:
    """Let three tasks wait at a door, one of them not for long."""
    kernel = Kernel()
    door: list[Task] = []

    def guest(name: str) -> Generator[list[Task], None, None]:
        print(name, "waits")
        try:
            yield door
            print(name, "enters")
            yield kernel.ready  # let the others go first
            print(name, "sits down")
        except Cancelled:
            print(name, "leaves")
            raise

    def host() -> Generator[list[Task], None, None]:
        yield kernel.instant(0.1)
        kernel.cancel(guests["b"])
        yield guests["b"].joiners
        kernel.wake(door)
        kernel.cancel(guests["a"])  # too late: harmless
        print("the door is open")

    guests = {name: kernel.spawn(guest(name)) for name in "abc"}
    kernel.spawn(host())
    kernel.run()


if __name__ == "__main__":
    main()
