"""Kernel: what a task yields is the place where it waits. A miniature of the real one.

A place is a list. The kernel puts the task in and asks no questions, as there are no
kinds of requests any more; to wake is to move all that is in the place to the ready
list; to cancel is to take out and to throw. A future, a timer, a queue, the end of a
task: each is such a list, and whoever needs another kind of waiting brings another.

`generators_study.kernel` is made like this, and adds what a program needs that is to be
trusted: the README of this package says what.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any


class Cancelled(Exception):
    """Nobody wants the result of this task any more."""


class Task:
    """A coroutine on its way, and where it waits."""

    def __init__(self, coroutine: Generator[list[Task], None, Any], place: list[Task]):
        self.coroutine = coroutine
        self.place = place
        self.cancelled = self.done = False
        self.joiners: list[Task] = []


class Kernel:
    """Walks the ready list; when it is at the end, sleeps until the next instant."""

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
        """Run until nobody is left who could go on."""
        while self.ready or self.instants:
            for task in self.ready:  # it grows while it is walked
                self.step(task)
            self.ready.clear()
            if self.instants:
                when = heappop(self.instants)
                time.sleep(max(0, when - time.monotonic()))
                self.wake(self.sleepers.pop(when))

    def step(self, task: Task) -> None:
        """Let it go on to the next place; an error that it raises ends the run."""
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
        """Let all go on who wait there."""
        self.ready.extend(place)
        place.clear()

    def cancel(self, task: Task) -> None:
        """Raise `Cancelled` where it waits; no effect on one that does not."""
        if task.place is not self.ready and task in task.place:
            task.place.remove(task)
            task.cancelled = True
            self.ready.append(task)

    def instant(self, seconds: float) -> list[Task]:
        """The place of those who wait so many seconds from now."""
        when = time.monotonic() + seconds
        if when not in self.sleepers:
            heappush(self.instants, when)
            self.sleepers[when] = []
        return self.sleepers[when]


def main() -> None:
    """Let three wait at a door; one of them not for long."""
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
