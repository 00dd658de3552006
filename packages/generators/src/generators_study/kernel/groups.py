"""Groups: no task outlives the block that started it."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from types import GeneratorType
from typing import Any, NoReturn, TypeVar, TypeVarTuple, cast

from .loop import Kernel, Task, Wait
from .scopes import Cancelled, CancelScope, _running, current_kernel, current_task

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Group(CancelScope):
    """The tasks of a block, and the scope of them and of the block.

    Made by `open_group`.
    """

    __slots__ = ("_errors", "_ready", "joiners", "last", "waiter")
    last: Task | None
    """The child that came last; each knows the one before it."""
    _ready: list[Task] | None
    """The ready list, as long as it takes tasks."""
    waiter: Task | None
    """The task that waits for the end of the children."""
    joiners: dict[Task, list[Task]] | None
    """Who waits for the end of a single child."""
    _errors: list[BaseException] | None
    """What children, and the block, have raised."""

    def __init__(self, kernel: Kernel | None = None) -> None:
        # Of a scope, too: to call its `__init__` costs more.
        self.shield = self.cancel_called = self.cancelled_caught = False
        self.doomed = self.cut = False
        self._seconds = self._parent = self.host = None
        self.last = self.waiter = self.joiners = self._errors = self._ready = None
        self.kernel = kernel or _running.get() or current_kernel()

    def children(self) -> list[Task]:
        """The children that have not ended, in the order of their spawning."""
        found: list[Task] = []
        task = self.last
        while task is not None:
            found.append(task)
            task = task.previous
        found.reverse()
        return found

    def spawn(self, function: Callable[..., Wait[Any]], *args: Any) -> Task:
        """Start ``function(*args)`` as a task; its first line runs later.

        Raises:
            RuntimeError: the group has ended, or not begun.
        """
        ready = self._ready
        if ready is None:
            raise RuntimeError("the group is not open; it takes no tasks")
        generator = function(*args)
        if type(generator) is not GeneratorType:
            name = getattr(function, "__name__", function)
            text = f"{name} must be a generator function: it returned {generator!r}"
            raise TypeError(text)
        task = Task()
        task.generator = generator
        task._scope = self
        task.context = copy_context()
        task.place = None
        task.previous = last = self.last
        if last is not None:
            last.next = task
        self.last = task
        ready.append(task)
        return task

    def wake_joiners(self, task: Task) -> None:
        """Wake who waits for the end of a child, which has come."""
        joiners = (self.joiners or {}).pop(task, [])
        self.kernel.ready.extend(joiners)
        joiners.clear()  # who is woken is in no place

    def failed(self, error: BaseException) -> None:
        """Take the error of a task or of the block; the first cancels the rest."""
        # Also a `Cancelled` that somebody made up, if nothing is cancelled here.
        if self.doomed and isinstance(error, Cancelled):
            self.cut = True
            return
        if self._errors is None:
            self._errors = []
        self._errors.append(error)
        self.cancel()

    # A place: the one in which the block waits for the end of its children.

    def append(self, task: Task) -> None:
        self.waiter = task
        task.place = None  # out of which nobody takes it

    def remove(self, _: Task) -> NoReturn:
        raise ValueError("only the end of its children ends this wait")


def open_group(body: Callable[[Group, *Args], Wait[T] | T], *args: *Args) -> Wait[T]:
    """Run ``body(group, *args)``, then wait for all tasks spawned into the group.

    The body may be a generator function or a plain one. The first error, of a task or
    of the body, cancels all others.

    Raises:
        BaseExceptionGroup: with every error, as soon as all have ended.
    """
    group = Group()
    result: Any = None
    # What follows, and the end, are those of a scope; to call them costs more.
    group.host = task = group.kernel.current or current_task()
    group._parent = parent = task._scope
    group.doomed = parent.doomed
    task._scope = group
    group._ready = group.kernel.ready
    try:
        try:
            made: Any = body(group, *args)
            if cast(Any, type(made)) is GeneratorType:
                waiting: Wait[Any] = made
                made = yield from waiting
            result = made
        except GeneratorExit:
            raise
        except BaseException as error:
            group.failed(error)
        while group.last is not None:
            yield group
    except GeneratorExit:  # whoever is closed cannot wait
        group.cancel()
        if group._errors:
            raise BaseExceptionGroup("errors in a group", group._errors) from None
        raise
    finally:
        group._ready = None
        if task._scope is not group:
            raise RuntimeError("cancel scopes must be left in the order of entering")
        task._scope = parent
    if group._errors:
        raise BaseExceptionGroup("errors in a group", group._errors)
    if group.cut:
        if not group.cancel_called or (parent.doomed and not group.shield):
            raise Cancelled
        group.cancelled_caught = True
    return result
