"""Groups: no task outlives the block that started it."""

from __future__ import annotations

from collections.abc import Callable
from types import GeneratorType
from typing import Any, NoReturn, TypeVar

from .loop import WAITS, Task, Wait, Waits, as_generator
from .scopes import Cancelled, CancelScope, current_kernel, current_task

T = TypeVar("T")


class Group:
    """The tasks of a block; made by `open_group`."""

    def __init__(self) -> None:
        self.scope = CancelScope()
        self._errors: list[BaseException] = []
        self._cancelled: Cancelled | None = None
        self._running = 0
        self._parent: Task | None = None
        self._open = False

    @property
    def tasks(self) -> list[Task]:
        """The children that have not ended."""
        return [task for task in self.scope.all_tasks() if task.group is self]

    def spawn(
        self, function: Callable[..., Waits], *args: Any, name: str | None = None
    ) -> Task:
        """Start ``function(*args)`` as a task; its first line runs later.

        Raises:
            RuntimeError: the group has ended, or not begun.
        """
        if not self._open:
            raise RuntimeError("the group is not open; it takes no tasks")
        generator = as_generator(function, args)
        if name is not None:
            generator.__name__ = name
        self._running += 1
        return Task(current_kernel(), generator, self.scope, self)

    def cancel(self) -> None:
        """Cancel all tasks of the group and the block that opened it."""
        self.scope.cancel()

    def ended(self, error: BaseException | None) -> None:
        """A task has ended so; the last one wakes whoever waits for the group."""
        self._running -= 1
        if error is not None:
            self._failed(error)
        if not self._running and self._parent is not None:
            self._parent.wake()
            self._parent = None

    def _failed(self, error: BaseException) -> None:
        """Take the error of a task or of the block; the first cancels the rest."""
        if isinstance(error, Cancelled) and self.scope.doomed:
            self._cancelled = error
        else:  # also a `Cancelled` that somebody made up: nothing is cancelled here
            self._errors.append(error)
            self.scope.cancel()

    # A place: the one in which the block waits for the end of its children.

    def append(self, task: Task) -> None:
        self._parent = task

    def remove(self, _: Task) -> NoReturn:
        raise ValueError("only the end of its children ends this wait")

    def run(self, body: Callable[[Group], Any]) -> Wait[Any]:
        result: Any = None
        with self.scope:
            task = current_task()
            self._open = True
            try:
                result = body(self)
                if type(result) is GeneratorType or type(result) is WAITS:
                    result = yield from result
            except GeneratorExit:  # whoever is closed cannot wait
                self.scope.cancel()
                raise
            except BaseException as error:
                self._failed(error)
            while self._running:
                task.doomed = False  # the children are cancelled through their scope
                yield self
            task.doomed = self.scope.doomed
            self._open = False
            if not self._errors and self._cancelled is not None:
                raise self._cancelled
        if self._errors:
            raise BaseExceptionGroup("errors in a group", self._errors)
        return result


def open_group(body: Callable[[Group], Wait[T] | T]) -> Wait[T]:
    """Run ``body(group)``, then wait for all tasks that were spawned into the group.

    The body may be a generator function or a plain one. The first error, of a task or
    of the body, cancels all others.

    Raises:
        BaseExceptionGroup: with every error, as soon as all have ended.
    """
    return Group().run(body)
