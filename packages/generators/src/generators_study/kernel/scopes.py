"""Cancellation: blocks whose waits are cancelled together.

Every task knows the innermost scope it is in, and every scope knows its parent. Two
flags distinguish a cancelled scope from one that is only inside a cancelled scope:

- ``cancel_called``: `CancelScope.cancel` was called on this scope.
- ``doomed``: every wait in this scope raises `Cancelled`. This flag is set if the scope
  is cancelled, or if the flag of its parent is set and the scope has no shield.

The second flag could be computed from the parents at each wait, but a wait has to be
fast and a cancellation is rare. So `CancelScope._spread` writes the flag into every
scope that a cancellation reaches, and a wait reads one attribute. It is the only
function that walks down the tree. It keeps a stack of its own instead of calling
itself, because trees of tasks are often deeper than Python's recursion limit.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loop import Kernel
    from .tasks import Task

NOT_INNERMOST = (
    "cancel scopes and groups must be left in the reverse order of entering, and this "
    "one is not the innermost scope of its task. Typical causes: a generator yields "
    "values from inside a `with CancelScope()` block and is closed late; "
    "`open_group(...)` was begun by hand instead of with `yield from`; `__enter__` "
    "and `__exit__` were called by hand"
)


class Cancelled(BaseException):
    """A scope around this wait is cancelled. Clean up, and let this error pass."""


class Deadlock(RuntimeError):
    """No task can ever run again; the message names each task and where it waits."""

    def __init__(self, waiters: list[str]) -> None:
        lines = "".join(f"\n  {waiter}" for waiter in waiters)
        super().__init__(
            "no task can ever run again: each one waits, and no timer, descriptor or "
            f"thread will end a wait. Let one task wake another. Waiting:{lines}"
        )
        self.waiters = waiters


_running: ContextVar[Kernel | None] = ContextVar("running", default=None)
"""The kernel of this context; each thread may have one."""


def current_kernel() -> Kernel:
    """Return the kernel that runs in this thread.

    Raises:
        RuntimeError: No kernel runs in this thread.
    """
    kernel = _running.get()
    if kernel is None:
        raise RuntimeError("no kernel runs in this thread; begin with run()")
    return kernel


def current_task() -> Task[Any]:
    """Return the task that is running.

    Raises:
        RuntimeError: No task is running, or no kernel.
    """
    task = current_kernel().current
    if task is None:
        raise RuntimeError("no task is running here")
    return task


class CancelScope:
    """A block whose waits can be cancelled together: ``with CancelScope() as scope``.

    A block that ends by the cancellation of its own scope ends silently.
    ``cancelled_caught`` then is true.

    Args:
        seconds: Cancel this long after the block was entered (None: never).
        shield: Protect the block from cancellation of the scopes around it.
    """

    __slots__ = (
        *("_deadline", "_parent", "_seconds", "_shield", "cancel_called"),
        *("cancelled_caught", "cut", "doomed", "host", "kernel"),
    )
    _deadline: float
    """The instant at which it expires; set only if it has a deadline."""
    _parent: CancelScope | None
    """The scope around it; None until it is entered."""
    kernel: Kernel
    """The kernel of its task; None until it is entered."""
    host: Task[Any] | None
    """The task that is inside; None before entering and after leaving."""
    last: Task[Any] | None = None
    """For a group, the child that was spawned last, among those that have not ended."""
    cut: bool | None
    """For a group: True once the cancellation ended a task or the block. None if the
    group was cancelled from around it, and a shield has lifted that: a `Cancelled` that
    was raised before may still arrive."""

    def __init__(self, seconds: float | None = None, *, shield: bool = False) -> None:
        if seconds is not None and seconds != seconds:
            raise ValueError("seconds must be a number, not nan")
        self._shield = shield
        self.cancel_called = self.cancelled_caught = False
        self.doomed = False
        """True if every wait in this scope raises `Cancelled`."""
        self.cut = False
        self._seconds = seconds
        self._parent = self.host = None
        entered_later: Any = None
        self.kernel = entered_later

    @property
    def shield(self) -> bool:
        """True if it keeps out cancellation of the scopes around it; may be set."""
        return self._shield

    @shield.setter
    def shield(self, shield: bool) -> None:
        self._shield = shield
        parent = self._parent
        if self.host is None or parent is None or not parent.doomed:
            return
        if self.cancel_called or self.doomed is not shield:
            return
        if shield and self._is_due():
            return
        if self._seconds is not None:
            self._set_alarm(shield)
        self._spread(not shield)

    def cancel(self) -> None:
        """Make every wait in this scope raise `Cancelled`, from now on.

        From another thread, this asks the scope's loop to do so, and returns at once.
        """
        kernel = self.kernel
        entered: Any = kernel
        if entered is not None and kernel.thread != get_ident() and not kernel.over:
            kernel.call_soon_threadsafe(self.cancel)
            return
        self.cancel_called = True
        if self.doomed:
            return
        if entered is None:
            self.doomed = True
            return
        if self._seconds is not None and self.host is not None:
            self._set_alarm(False)
        self._spread(True)

    def _is_due(self) -> bool:
        """Mark it as cancelled if its deadline has passed; return `cancel_called`.

        A scope inside a cancelled one has no alarm. So this looks at the clock, when a
        shield lifts that cancellation.
        """
        if self._seconds is not None and time.monotonic() >= self._deadline:
            self.cancel_called = True
        return self.cancel_called

    def _set_alarm(self, on: bool) -> None:
        """Have the kernel cancel this scope at its deadline, or not.

        A scope whose waits raise `Cancelled` already has no alarm. An alarm would keep
        the kernel waiting for an instant at which nothing happens, and delay the report
        of a deadlock.
        """
        if on:
            self.kernel.call_at(self._deadline, self.cancel)
        else:
            self.kernel.do_not_call_at(self._deadline, self.cancel)

    def _spread(self, doomed: bool) -> None:
        """Set or clear the flag in this scope and in all scopes that depend on it.

        If it is set, interrupt the waits of the tasks in these scopes.
        """
        self.doomed = doomed
        if not doomed:
            self.cut = self.cut or None
        kernel = self.kernel
        if kernel.over:
            return
        if (running := kernel.current) is not None:
            running.place = None  # its place is that of an earlier wait
        ready = kernel.ready
        interrupted: list[Task[Any]] = []
        # Depth first, with a stack instead of recursion. Last task first, because that
        # is how the children are linked, and because the end of a long queue is found
        # at once. An entry is a scope, a task in it, and whether siblings follow.
        stack: list[tuple[CancelScope, Task[Any] | None, bool]] = []
        stack.append((self, self.host, False))
        stack.append((self, self.last, True))
        while stack:
            scope, task, siblings = stack.pop()
            while task is not None:
                following = task.previous if siblings else None
                if task._scope is not scope:
                    below: list[CancelScope] = []
                    reached = scope._pass_on(doomed, task, below)
                    if below:
                        stack.append((scope, following, siblings))
                        stack.extend([(group, group.last, True) for group in below])
                        following = None
                        if reached:
                            stack.append((task._scope, task, False))
                    if below or not reached:
                        task = following
                        continue
                place: Any = task.place
                if place is not None and place is not ready and doomed:
                    kind = type(place)  # pyright: ignore[reportUnknownVariableType]
                    try:
                        # remove() searches from the front. A look at the end keeps n of
                        # them, last first, from n²/2 comparisons.
                        if (
                            (kind is list or kind is deque)
                            and len(place) > 9
                            and place[-1] is task
                        ):
                            place.pop()
                        else:
                            place.remove(task)
                    except (ValueError, LookupError):
                        pass  # it is scheduled already
                    else:
                        task.place = None
                        interrupted.append(task)
                task = following
        if interrupted:
            interrupted.reverse()
            kernel.cancel_soon(interrupted)

    def _pass_on(
        self,
        doomed: bool,
        task: Task[Any],
        below: list[CancelScope],
    ) -> bool:
        """Set or clear the flag in the scopes between this one and the task.

        Add the groups among them to ``below``. Return whether the flag reached the
        innermost scope of the task: a shield stops it.
        """
        between: list[CancelScope] = []
        inner: CancelScope | None = task._scope
        while inner is not self:
            if inner is None:  # the task has left this scope
                return False
            between.append(inner)
            inner = inner._parent
        for inner in reversed(between):  # the outermost first
            if inner._shield or inner.doomed is doomed or inner.cancel_called:
                return False
            if not doomed and inner._is_due():
                return False
            inner.doomed = doomed
            if not doomed:
                inner.cut = inner.cut or None
            if inner._seconds is not None:
                inner._set_alarm(not doomed)
            if inner.last is not None:
                below.append(inner)
        return True

    def __enter__(self) -> CancelScope:
        task = current_task()
        if self._parent is not None:
            raise RuntimeError("a cancel scope can be entered only once")
        self.kernel = kernel = task._scope.kernel
        parent = task._scope
        if parent.doomed and not self._shield:
            self.doomed = True
        if self._seconds is not None:
            self._deadline = time.monotonic() + self._seconds
            if self._seconds <= 0:
                self.doomed = self.cancel_called = True
            elif not self.doomed:
                kernel.call_at(self._deadline, self.cancel)
        self.host = task
        self._parent = parent
        task._scope = self
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        task, parent = self.host, self._parent
        if task is None or parent is None:
            raise RuntimeError("this cancel scope is not entered, or left already")
        if self._seconds is not None:
            self._set_alarm(False)
            if self.doomed and not self.cancel_called:  # it had no alarm
                self.cancel_called = time.monotonic() >= self._deadline
        if task._scope is not self:
            raise RuntimeError(NOT_INNERMOST)
        task._scope = parent
        self.host = None  # a scope that is kept should not keep the task's result
        if not self.cancel_called or (parent.doomed and not self._shield):
            return False
        self.cancelled_caught = isinstance(error, Cancelled)
        return self.cancelled_caught

    def children(self) -> list[Task[Any]]:
        """Return the tasks of the group, if this is a group, and else none."""
        return []

    def everybody(self) -> Iterator[Task[Any]]:
        """Return the children, their children and so on; a parent before its children.

        This has to be read to its end before any task runs.
        """
        scopes: list[CancelScope] = [self]
        for scope in scopes:  # grows meanwhile
            for task in scope.children():
                yield task
                inner: CancelScope | None = task._scope
                while inner is not None and inner is not scope:
                    scopes.append(inner)
                    inner = inner._parent


def move_on_after(seconds: float) -> CancelScope:
    """Return a scope that is cancelled after ``seconds``, and then ends silently."""
    return CancelScope(seconds)


@contextlib.contextmanager
def fail_after(seconds: float) -> Generator[CancelScope]:
    """Open a scope that is cancelled after ``seconds``.

    Raises:
        TimeoutError: The block ended by this cancellation.
    """
    with CancelScope(seconds) as scope:
        yield scope
    if scope.cancelled_caught:
        raise TimeoutError(f"not done within {seconds} s")
