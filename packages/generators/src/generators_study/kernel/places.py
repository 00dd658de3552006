"""What one can wait for: events, futures, turns, items.

Whoever is handed something has it: nobody can snatch it, and a cancellation in the same
instant does not lose it. All serve first come, first served.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from .loop import Task, Wait
from .scopes import current_task

T = TypeVar("T")


class Closed(Exception):
    """The channel is closed, and nothing is left in it."""


class Event:
    """Something that happens once; whoever waits for it goes on then.

    It is a place itself: ``yield event`` waits, as ``yield from event.wait()`` does.
    """

    __slots__ = ("_waiters", "append", "remove")

    def __init__(self) -> None:
        self._waiters: list[Task] | None = []
        self.append: Callable[[Task], object] = self._waiters.append
        self.remove: Callable[[Task], object] = self._waiters.remove

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._waiters is None

    def set(self) -> None:
        """It has happened; may be called again."""
        if self._waiters:
            self._waiters[0]._scope.kernel.ready.extend(self._waiters)
            self._waiters.clear()
        self._waiters = None
        self.append = Task.wake

    def wait(self) -> Wait[None]:
        """Wait until it has happened."""
        if self._waiters is not None:
            yield self


class Future(Generic[T]):
    """A value to come, which many may wait for."""

    def __init__(self) -> None:
        self._event = Event()
        self._error: BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether the value, or an error in its place, is there."""
        return self._event.is_set()

    def set_result(self, value: T) -> None:
        """Settle it with a value; RuntimeError if it is settled already."""
        self._settle()
        self._value: T = value

    def set_error(self, error: BaseException) -> None:
        """Settle it with an error; RuntimeError if it is settled already."""
        self._settle()
        self._error = error

    def _settle(self) -> None:
        if self.settled:
            raise RuntimeError("the future is settled already")
        self._event.set()

    def wait(self) -> Wait[T]:
        """Wait for the value; raises the error that came in its place."""
        if not self._event.is_set():
            yield self._event
        if self._error is not None:
            raise self._error
        return self._value


class Semaphore:
    """So many at a time."""

    def __init__(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"a semaphore begins at 0 or more, not {value!r}")
        self._value = value
        self._waiters: deque[Task] = deque()

    def acquire(self) -> Wait[None]:
        """Wait for a turn."""
        if self._value:
            self._value -= 1
        else:
            yield self._waiters

    def release(self) -> None:
        """Give the turn to the one who has waited longest."""
        if self._waiters:
            self._waiters.popleft().wake()
        else:
            self._value += 1


class Lock:
    """One at a time; who holds it must release it."""

    def __init__(self) -> None:
        self._turn = Semaphore(1)
        self.owner: Task | None = None
        """The task that holds it."""

    def acquire(self) -> Wait[None]:
        """Wait until nobody holds it.

        Raises:
            RuntimeError: the task holds it already.
        """
        task = current_task()
        if self.owner is task:
            raise RuntimeError(f"{task.name} holds the lock already")
        yield from self._turn.acquire()
        self.owner = task

    def release(self) -> None:
        """Let the next one have it.

        Raises:
            RuntimeError: the task does not hold it.
        """
        if self.owner is not current_task():
            raise RuntimeError(f"{current_task().name} does not hold the lock")
        self.owner = None
        self._turn.release()


class Channel(Generic[T]):
    """A bounded queue with an end.

    Args:
        capacity: How many items may lie in it; 0 means hand to hand.
    """

    def __init__(self, capacity: float = 0) -> None:
        if capacity < 0:
            raise ValueError(f"a channel's capacity is 0 or more, not {capacity!r}")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._getters: deque[Task] = deque()
        self._handed: deque[T] = deque()
        """The items of getters that are on their way, in the order of theirs."""
        self._putters: deque[Task] = deque()
        self._offers: dict[Task, T] = {}
        self._closed = False

    def put(self, item: T) -> Wait[None]:
        """Hand over an item; waits while the channel is full.

        Raises:
            Closed: nobody will take it.
        """
        if self._closed:
            raise Closed("put into a closed channel")
        if self._getters:
            self._handed.append(item)
            self._getters.popleft().wake()
        elif len(self._items) < self._capacity:
            self._items.append(item)
        else:
            task = current_task()
            self._offers[task] = item
            try:
                yield self._putters
            finally:
                self._offers.pop(task, None)

    def get(self) -> Wait[T]:
        """Take the next item; waits for one.

        Raises:
            Closed: none will come.
        """
        if self._items:
            item = self._items.popleft()
            if self._putters:
                self._items.append(self._next_offer())
            return item
        if self._putters:
            return self._next_offer()
        if self._closed:
            raise Closed("the channel is closed and empty")
        yield self._getters
        return self._handed.popleft()

    def _next_offer(self) -> T:
        putter = self._putters.popleft()
        putter.wake()
        return self._offers.pop(putter)

    def close(self) -> None:
        """No more puts; what lies in the channel can still be taken."""
        self._closed = True
        for waiters in (self._getters, self._putters):
            while waiters:
                waiters.popleft().fail(Closed("the channel was closed"))
