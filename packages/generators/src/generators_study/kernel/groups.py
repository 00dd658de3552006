"""Groups: no task outlives the block that started it."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from types import GeneratorType
from typing import Any, NoReturn, TypeVar, cast

from .loop import WAITS, Task, Wait, Waits, checked
from .scopes import Cancelled, CancelScope, _running, current_kernel

T = TypeVar("T")
new = object.__new__


class Group:
    """The tasks of a block; made by `open_group`."""

    __slots__ = (
        *("_errors", "_open", "cancelled", "kernel", "last", "parent", "ready"),
        "scope",
    )
    last: Task | None
    """The child that came last; each knows the one before it."""
    parent: Task | None
    """The task that waits for the end of the children."""
    cancelled: bool
    """Whether a child, or the block, was left by the cancellation of the group."""
    _errors: list[BaseException] | None

    def __init__(self, scope: CancelScope | None = None) -> None:
        self.kernel = kernel = _running.get() or current_kernel()
        self.ready = kernel.ready
        self.scope = scope = scope or CancelScope()
        scope.group = self
        self.last = self.parent = self._errors = None
        self.cancelled = self._open = False

    @property
    def tasks(self) -> list[Task]:
        """The children that have not ended, in the order of their spawning."""
        found: list[Task] = []
        task = self.last
        while task is not None:
            found.append(task)
            task = task.previous
        found.reverse()
        return found

    def spawn(
        self, function: Callable[..., Waits], *args: Any, name: str | None = None
    ) -> Task:
        """Start ``function(*args)`` as a task; its first line runs later.

        Raises:
            RuntimeError: the group has ended, or not begun.
        """
        if not self._open:
            raise RuntimeError("the group is not open; it takes no tasks")
        generator = function(*args)
        if type(generator) is not GeneratorType:
            checked(generator, function)
            name = name or getattr(function, "__name__", repr(function))
        # Here and not in Task.__init__: to call a class with slots costs more.
        task = new(Task)
        task.generator = generator
        task.group = self
        task._scope = scope = self.scope
        task.doomed = scope.doomed
        task.context = copy_context()
        task.place = task.joiners = task.result = task.error = None
        task.previous = last = self.last
        if last is not None:
            last.next = task
        self.last = task
        self.ready.append(task)
        if name is not None:
            task.name = name
        return task

    def cancel(self) -> None:
        """Cancel all tasks of the group and the block that opened it."""
        self.scope.cancel()

    def failed(self, error: BaseException) -> None:
        """Take the error of a task or of the block; the first cancels the rest."""
        if self.scope.doomed and isinstance(error, Cancelled):
            self.cancelled = True
        else:  # also a `Cancelled` that somebody made up: nothing is cancelled here
            if self._errors is None:
                self._errors = []
            self._errors.append(error)
            self.scope.cancel()

    def closed(self) -> None:
        """The block is closed before its children have ended: tell what they raised."""
        if self._errors is not None:
            raise BaseExceptionGroup("errors in a group", self._errors)

    # A place: the one in which the block waits for the end of its children.

    def append(self, task: Task) -> None:
        self.parent = task

    def remove(self, _: Task) -> NoReturn:
        raise ValueError("only the end of its children ends this wait")


def open_group(body: Callable[[Group], Wait[T] | T]) -> Wait[T]:
    """Run ``body(group)``, then wait for all tasks that were spawned into the group.

    The body may be a generator function or a plain one. The first error, of a task or
    of the body, cancels all others.

    Raises:
        BaseExceptionGroup: with every error, as soon as all have ended.
    """
    group = Group()
    result: Any = None
    with group.scope as scope:
        group._open = True
        try:
            made: Any = body(group)
            kind = cast(Any, type(made))
            if kind is GeneratorType or kind is WAITS:
                waiting: Wait[Any] = made
                result = yield from waiting
            else:
                result = made
        except GeneratorExit:  # whoever is closed cannot wait
            scope.cancel()
            group.closed()
            raise
        except BaseException as error:
            group.failed(error)
        task: Any = scope.host
        try:
            while group.last is not None:
                task.doomed = False  # the children are cancelled through their scope
                yield group
        except GeneratorExit:
            group.closed()
            raise
        task.doomed = scope.doomed
        group._open = False
        # As long as each knows the other, they are left to the garbage collector.
        scope.group = None
        if group.cancelled and group._errors is None:
            raise Cancelled
    if group._errors is not None:
        raise BaseExceptionGroup("errors in a group", group._errors)
    return result
