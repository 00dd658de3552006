"""Groups: no task outlives the block that started it."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, TypeVarTuple, cast

from .scopes import (
    NOT_INNERMOST,
    Cancelled,
    CancelScope,
    _running,
    current_kernel,
    current_task,
)
from .tasks import Task, Wait

if TYPE_CHECKING:
    from .loop import Kernel

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Group(CancelScope):
    """The tasks of a block, and the cancel scope of the block and its tasks.

    Made by `open_group`. The children form a doubly linked list: ``last`` is the one
    spawned last, and each child knows the one before and the one after it. So a child
    leaves the group in constant time, without a set that would have to hash it.
    """

    __slots__ = ("_errors", "_ready", "joiners", "last", "waiter")
    _ready: list[Task[Any]] | None
    """The kernel's ready queue; None while the group takes no tasks."""
    waiter: Task[Any] | None
    """The task that waits for the end of the children."""
    joiners: dict[Task[Any], deque[Task[Any]]] | None
    """For each child that is joined, the tasks that wait for its end."""
    _errors: list[BaseException] | None
    """The errors of the children and of the block."""

    def __init__(self, kernel: Kernel | None = None) -> None:
        # Repeats what `CancelScope.__init__` does, because calling it costs more.
        self._shield = self.cancel_called = self.cancelled_caught = False
        self.doomed = self.cut = False
        self._seconds = self._parent = self.host = None
        self.last = self.waiter = self.joiners = self._errors = self._ready = None
        self.kernel = kernel or _running.get() or current_kernel()

    def children(self) -> list[Task[Any]]:
        """Return the children that have not ended, in the order of spawning."""
        found: list[Task[Any]] = []
        task = self.last
        while task is not None:
            found.append(task)
            task = task.previous
        found.reverse()
        return found

    def spawn(self, function: Callable[[*Args], Wait[T]], *args: *Args) -> Task[T]:
        """Start ``function(*args)`` as a task; its first line runs later.

        Raises:
            RuntimeError: The group has ended, or has not begun.
            TypeError: The function did not return a generator.
        """
        ready = self._ready
        if ready is None:
            raise RuntimeError("the group is not open; it takes no tasks")
        generator = function(*args)
        if type(generator) is not GeneratorType:
            name = getattr(function, "__name__", function)
            text = f"{name} must be a generator function: it returned {generator!r}"
            raise TypeError(text)
        task: Task[T] = Task()
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

    def wake_joiners(self, task: Task[Any]) -> None:
        """Schedule the tasks that wait for the end of this child."""
        joiners = (self.joiners or {}).pop(task, ())
        if joiners:
            self.kernel.ready.extend(joiners)
            joiners.clear()  # a scheduled task must not be found in a place

    def failed(self, error: BaseException) -> None:
        """Take the error of a task or of the block; the first one cancels the rest."""
        # A `Cancelled` counts as an error if neither the group nor a scope around it
        # was ever cancelled.
        if isinstance(error, Cancelled) and (self.doomed or self.cut is not False):
            self.cut = True
            return
        if self._errors is None:
            self._errors = []
        self._errors.append(error)
        self.cancel()

    # A group is the place in which its block waits for the end of the children.

    def append(self, task: Task[Any]) -> None:
        self.waiter = task
        task.place = None  # so that no cancellation ends this wait

    def remove(self, _: Task[Any]) -> NoReturn:
        raise ValueError("only the end of its children ends this wait")


def open_group(body: Callable[[Group, *Args], Wait[T] | T], *args: *Args) -> Wait[T]:
    """Run ``body(group, *args)``, then wait for all tasks spawned into the group.

    The body may be a generator function or a plain function. The first error, of a task
    or of the body, cancels all others.

    Raises:
        BaseExceptionGroup: With every error, when all tasks have ended.
    """
    group = Group()
    kernel = group.kernel
    result: Any = None
    # Entering and leaving repeat those of a scope, because calling them costs more.
    group.host = task = kernel.current or current_task()
    group._parent = parent = task._scope
    group.doomed = parent.doomed
    task._scope = group
    group._ready = kernel.ready
    try:
        try:
            made: Any = body(group, *args)
            if cast(Any, type(made)) is GeneratorType:
                waiting: Wait[Any] = made
                made = yield from waiting
            result = made
        except BaseException as error:
            # close() closes the body first, and then raises GeneratorExit in this
            # frame. The traceback of one that the body raised has a frame below this.
            trace = error.__traceback__
            if isinstance(error, GeneratorExit) and trace and trace.tb_next is None:
                raise
            group.failed(error)
        while group.last is not None and not kernel.closing:
            yield group
    except GeneratorExit:  # a generator that is being closed cannot wait
        group.cancel()
        if group._errors:
            raise BaseExceptionGroup("errors in a group", group._errors) from None
        raise
    finally:
        group._ready = None
        if task._scope is not group:
            raise RuntimeError(NOT_INNERMOST)
        task._scope = parent
        group.host = None  # a child that is kept should not keep its parent's result
    errors, group._errors = group._errors, None
    if errors:
        raise BaseExceptionGroup("errors in a group", errors)
    if group.cut:
        if not group.cancel_called or (parent.doomed and not group._shield):
            raise Cancelled
        group.cancelled_caught = True
    return result
