"""Tasks: generators that the kernel runs, and the places where they wait."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import linecache
import os
from collections import deque
from collections.abc import Generator
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .scopes import Cancelled, CancelScope

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .groups import Group

    R = TypeVarWithDefault("R", default=Any)
    """The result of a task; a bare `Task` has a result of any type."""
else:
    # Only type checkers need a base class. Each task would pay for it when it is freed.
    Generic = {"R": object}
    R = "R"

T = TypeVar("T")

Wait = Generator[Any, Any, T]
"""The type of a generator function that waits; ``yield from`` it to get the T."""

NOT_LEFT = (
    "task {} ended in a cancel scope or group that it has not left. Typical causes: "
    "`open_group(...)` was begun by hand and not finished (use `yield from`); "
    "`__enter__` was called without `__exit__`; a generator that yields values from "
    "inside `with CancelScope()` was abandoned (read it to its end, or close it)"
)
FOLDER = os.path.dirname(__file__)


class TaskCancelled(Exception):
    """The task that was joined has been cancelled; the joining task was not."""


class Place(Protocol):
    """A wait queue: a list, a deque, or an object that behaves like one.

    ``remove`` raises ValueError or LookupError if the task is not in it.
    """

    def append(self, task: Task[Any], /) -> object: ...

    def remove(self, task: Task[Any], /) -> object: ...


class Task(Generic[R]):
    """A generator that the kernel runs, and the place where it waits."""

    # Each attribute costs time at each spawn, so there are few.
    __slots__ = (
        *("_scope", "context", "generator", "next", "place", "previous", "result"),
    )
    _scope: CancelScope
    """Its innermost scope. This is its group at the beginning and at the end."""
    generator: Any
    previous: Task[Any] | None
    """The sibling that was spawned before this one, among those that have not ended."""
    next: Task[Any] | None
    """The sibling that was spawned after it; set only while there is one."""
    context: Any
    """Its context variables; None once it has ended."""
    place: Place | None
    """The place of its last wait."""
    result: R
    """Its return value, or `Raised`; set once it has ended."""

    if not TYPE_CHECKING:
        __class_getitem__ = classmethod(GenericAlias)

    @property
    def name(self) -> str:
        """The name of its generator function, unless another one was assigned."""
        return self.generator.__name__

    @name.setter
    def name(self, name: str) -> None:
        self.generator.__name__ = name

    @property
    def group(self) -> Group:
        """The group that it was spawned into."""
        scope: Any = self._scope
        while scope.host is self:
            scope = scope._parent
        return scope

    @property
    def done(self) -> bool:
        """True once it has ended."""
        return self.context is None

    @property
    def doomed(self) -> bool:
        """True if its next wait raises `Cancelled`."""
        return self._scope.doomed

    @property
    def error(self) -> BaseException | None:
        """The error that ended it, or None."""
        result = getattr(self, "result", None)
        return result.error if type(result) is Raised else None

    def join(self) -> Wait[R]:
        """Wait until the task has ended, and return its result.

        Raises:
            TaskCancelled: The task was cancelled.
            BaseException: The error that ended the task.
        """
        if not self.done:
            group = self.group
            if group.joiners is None:
                group.joiners = {}
            yield group.joiners.setdefault(self, deque())
        error = self.error
        if isinstance(error, Cancelled):
            raise TaskCancelled(f"{self.name} was cancelled")
        if error is not None:
            raise error
        return self.result

    def wake(self) -> None:
        """Schedule the task, which has been taken out of its place."""
        self.place = None
        self._scope.kernel.ready.append(self)

    def fail(self, error: BaseException) -> None:
        """Schedule the task, which is in no place, so that its wait raises this."""
        self.generator = Raising(self, error)
        self.wake()

    def raised(self, error: BaseException) -> None:
        """Keep the error as the result, and report it to the group."""
        group: Any = self._scope
        if group.host is self:
            raise RuntimeError(NOT_LEFT.format(self.name))
        result: Any = Raised(error)
        self.result = result
        if group.joiners is not None:
            # The joiners first: they get the error, and not the cancellation it causes.
            group.wake_joiners(self)
        group.failed(error)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def waits_at(self) -> str:
        """Return the innermost line outside of the kernel at which it waits."""
        generator, frame = self.generator, None
        while generator is not None:
            code = getattr(generator, "gi_code", None)
            if code and os.path.dirname(code.co_filename) != FOLDER:
                frame = generator.gi_frame
            generator = getattr(generator, "gi_yieldfrom", None)
        if frame is None:
            return self.name
        path, line = frame.f_code.co_filename, frame.f_lineno
        text = linecache.getline(path, line).strip()
        return f"{self.name}: {os.path.basename(path)}:{line}: {text}"


class Raised:
    """The result of a task that ended by an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


GONE: Any = Raised(Cancelled())
"""The result of every cancelled task. An error of its own would keep frames alive."""


class Raising:
    """Replaces a task's generator for one step, which raises an error in it.

    So the loop has only two kinds of steps, and a task needs no attribute for an error
    that hardly ever comes. The first step puts the generator back.
    """

    def __init__(self, task: Task[Any], error: BaseException) -> None:
        self.task = task
        self.generator: Any = task.generator
        self.errors = [error]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def __next__(self) -> Place:
        self.task.generator = self.generator
        # Popped, because a frame that holds the error would make a reference cycle: the
        # error holds its traceback, and the traceback holds the frame.
        return self.generator.throw(self.errors.pop())
