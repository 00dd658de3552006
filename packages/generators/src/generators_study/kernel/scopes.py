"""Cancellation: blocks whose waits can be cancelled together."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .loop import Kernel, Task


class Cancelled(BaseException):
    """A scope around this wait is cancelled. Clean up, and let it pass."""


class Deadlock(RuntimeError):
    """Nobody can ever move again; the message names who waits where."""

    def __init__(self, waiters: list[str]) -> None:
        lines = "".join(f"\n  {waiter}" for waiter in waiters)
        super().__init__(f"nobody can ever move; these wait:{lines}")
        self.waiters = waiters


_running: ContextVar[Kernel | None] = ContextVar("running", default=None)
"""The kernel of this context; there may be one in each thread."""


def current_kernel() -> Kernel:
    """The kernel that runs in this thread; RuntimeError if none does."""
    kernel = _running.get()
    if kernel is None:
        raise RuntimeError("no kernel runs in this thread; begin with run()")
    return kernel


def current_task() -> Task:
    """The task that is running; RuntimeError outside of one."""
    task = current_kernel().current
    if task is None:
        raise RuntimeError("no task is running here")
    return task


class CancelScope:
    """A block whose waits can be cancelled together: ``with CancelScope() as scope``.

    Leaving the block by its own cancellation is silent; ``cancelled_caught`` tells.

    Args:
        seconds: Cancel that long after the block was entered (None: never).
        shield: Keep out the cancellation of the scopes around it.
    """

    # A task knows the innermost scope that it is in, a scope the one around it.
    __slots__ = (
        *("_deadline", "_parent", "_seconds", "cancel_called", "cancelled_caught"),
        *("cut", "doomed", "host", "kernel", "shield"),
    )
    _deadline: float
    """When it is cancelled, if it has seconds."""
    _parent: CancelScope | None
    kernel: Kernel
    host: Task | None
    """The task that has entered it."""
    cut: bool
    """Of a group: whether one of its tasks, or its block, was cancelled."""

    def __init__(self, seconds: float | None = None, *, shield: bool = False) -> None:
        self.shield = shield
        self.cancel_called = self.cancelled_caught = False
        self.doomed = False
        """Whether every wait in here raises: cancelled itself, or one around it is."""
        self._seconds = seconds
        self._parent = self.host = None

    def cancel(self) -> None:
        """Make every wait in this scope raise `Cancelled`, now and from now on."""
        self.cancel_called = True
        if not self.doomed:
            self.doomed = True
            tasks = self.children()
            if self.host is not None:
                tasks.insert(0, self.host)
            if tasks:
                kernel = self.kernel
                if (running := kernel.current) is not None:
                    running.place = None  # who is running is in none
                if cancelled := [*self._cut_short(tasks)]:
                    kernel.cancel_soon(cancelled)

    def _cut_short(self, tasks: list[Task]) -> Iterator[Task]:
        """End the waits of these, unless a shield keeps that out; whose have ended."""
        ready = self.kernel.ready
        for task in tasks:
            if task._scope is not self:
                reached = yield from self._reach(task)
                if not reached:
                    continue
            place = task.place
            if place is None or place is ready:
                continue
            try:
                place.remove(task)
            except ValueError:  # it goes on already
                continue
            task.place = None
            yield task

    def _reach(self, task: Task) -> Generator[Task, None, bool]:
        """Cancel the scopes between this one and the task; whose waits have ended."""
        scopes: list[CancelScope] = []
        scope: CancelScope | None = task._scope
        while scope is not self:
            if scope is None:
                return False  # it has left this scope
            scopes.append(scope)
            scope = scope._parent
        for scope in reversed(scopes):
            if scope.shield or scope.doomed:
                return False
            scope.doomed = True
            yield from scope._cut_short(scope.children())
        return True

    def __enter__(self) -> CancelScope:
        task = current_task()
        self.kernel = task._scope.kernel
        if self.host is not None:
            raise RuntimeError("a cancel scope can be entered only once")
        if self._seconds is not None:
            self._deadline = time.monotonic() + self._seconds
            self.kernel.call_at(self._deadline, self.cancel)
            if self._seconds <= 0:
                self.cancel()
        self.host = task
        self._parent = parent = task._scope
        if parent.doomed and not self.shield:
            self.doomed = True
        task._scope = self
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        task, parent = self.host, self._parent
        assert task is not None
        assert parent is not None
        if self._seconds is not None:
            self.kernel.do_not_call_at(self._deadline, self.cancel)
        if task._scope is not self:
            raise RuntimeError("cancel scopes must be left in the order of entering")
        task._scope = parent
        if not self.cancel_called or (parent.doomed and not self.shield):
            return False
        self.cancelled_caught = isinstance(error, Cancelled)
        return self.cancelled_caught

    if not TYPE_CHECKING:

        @property
        def joiners(self):
            """What a task that ends asks its group for; it must be back there."""
            raise RuntimeError("a task has ended in a cancel scope, without leaving it")

    def children(self) -> list[Task]:
        """The tasks of the group, if this is one."""
        return []

    def everybody(self) -> Iterator[Task]:
        """The children, theirs, and so on."""
        for task in self.children():
            yield task
            scope = task._scope
            while scope is not self and scope is not None:
                yield from scope.everybody()
                scope = scope._parent


def move_on_after(seconds: float) -> CancelScope:
    """A scope that is cancelled after so many seconds and then left in silence."""
    return CancelScope(seconds)


@contextlib.contextmanager
def fail_after(seconds: float) -> Generator[CancelScope]:
    """A scope that is cancelled after so many seconds.

    Raises:
        TimeoutError: that is how the block ended.
    """
    with CancelScope(seconds) as scope:
        yield scope
    if scope.cancelled_caught:
        raise TimeoutError(f"not done within {seconds} s")
