"""The errors with which a world ends a run, and how errors are looked into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

E = TypeVar("E", bound=BaseException)


class Deadlock(RuntimeError):
    """Nothing can ever run again. The message names each waiter and its wait."""

    def __init__(self, waiters: list[str]) -> None:
        listed = "".join(f"\n  {waiter}" for waiter in waiters) or "\n  (none is known)"
        super().__init__(
            "nothing can ever run again: everything waits, and no timer or input will "
            f"end a wait. Let one waiter wake another. Waiting:{listed}"
        )
        self.waiters = waiters


class StillAlive(AssertionError):
    """Something that the answer started was alive when the answer had ended."""

    def __init__(
        self,
        message: str = "",
        *,
        value: Any = None,
        error: BaseException | None = None,
        alive: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.value = value
        """The value that the answer has returned."""
        self.error = error
        """The error that the answer has raised, or None."""
        self.alive = list(alive)
        """The names of the jobs, tasks, threads and greenlets that were alive."""


class TimeLimit(AssertionError):
    """The answer did not end within its limit of virtual time."""

    def __init__(self, message: str = "", waiters: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.waiters = list(waiters)
        """Each waiter and its wait, if the world can tell."""


class LostError(AssertionError):
    """An error that reached neither the caller nor any waiter."""


class NotCovered(RuntimeError):
    """The code used something that this world does not have in virtual time."""


class Unwind(BaseException):
    """The exception that ends a thread or a loop of a run that is over."""


FINDINGS = (Deadlock, StillAlive, TimeLimit, LostError, NotCovered)
"""The errors that a world raises itself; no answer raises them."""


def alive_line(entry: str) -> str:
    """Return the line that says that an actor was alive, and where it waited.

    An entry is a name, or a name and a wait: ``task Task-3: app.py:12: await job()``.
    Further lines of an entry are indented below the first.
    """
    name, *more = entry.splitlines() or [entry]
    found = _WAITS.fullmatch(name)
    line = f"{found[1]} was alive, at {found[2]}" if found else f"{name} was alive"
    return "\n    ".join([line, *(each.strip() for each in more)])


_WAITS = re.compile(r"(.*?): (\S+:\d+: .*)")
"""A name, then a file with a line number and the text of that line."""


class Raised(Generic[E]):
    """The errors that `World.raises` caught."""

    def __init__(self) -> None:
        self.errors: list[E] = []
        """Every error of the expected type, those inside groups included."""

    @property
    def value(self) -> E:
        """The only one of them. Raises AssertionError if there are several or none."""
        assert len(self.errors) == 1, f"one error was expected: {self.errors!r}"
        return self.errors[0]


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors inside an exception group, however deep, or the bare error."""
    if isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = error.exceptions  # pyright: ignore
        return [leaf for one in inner for leaf in leaves(one)]
    return [error]


BROKEN = (NameError, AttributeError, ImportError, SyntaxError, TypeError)
"""The errors of code that is wrong, not of a library that lacks a capability."""


def all_within(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all inside it: of a group, its causes, its contexts."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [*leaves(each), each.__cause__, each.__context__]


def broken_code(error: BaseException | None) -> BaseException | None:
    """Return an error of broken code in a group, a cause or a context, or None."""
    return next((each for each in all_within(error) if isinstance(each, BROKEN)), None)
