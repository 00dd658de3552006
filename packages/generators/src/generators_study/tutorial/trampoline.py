"""Trampoline: coroutines that call each other, and a loop that keeps the stack.

A coroutine yields the coroutine that it calls. The trampoline runs that one, and then
sends its result, or throws its error, into the caller. No frame waits for another
meanwhile, so calls may be nested deeper than Python's recursion limit.

``yield from`` does the same in C, up to that limit. It makes the calls from here on, so
that a ``yield`` is free to say what a coroutine waits for.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

Call = Generator["Call", Any, Any]


def trampoline(call: Call) -> Any:
    """Run a coroutine and all that it calls, and return its result."""
    stack = [call]
    value, error = None, None
    while stack:
        top = stack[-1]
        try:
            called = top.send(value) if error is None else top.throw(error)
        except StopIteration as end:
            stack.pop()
            value, error = end.value, None
        except Exception as raised:
            stack.pop()
            value, error = None, raised
        else:
            stack.append(called)
            value, error = None, None
    if error is not None:
        raise error
    return value


def depth(n: int) -> Call:
    """Call itself n times, and return the number of calls."""
    if n == 0:
        return 0
    return 1 + (yield depth(n - 1))


def divide(x: float, y: float) -> Call:
    """Divide, after a few nested calls."""
    yield depth(3)
    return x / y


def careful(x: float, y: float) -> Call:
    """Catch the error of the coroutine that it calls."""
    try:
        return (yield divide(x, y))
    except ZeroDivisionError as error:
        return f"caught: {error}"


if __name__ == "__main__":
    print(trampoline(depth(100_000)))
    print(trampoline(careful(1, 4)))
    print(trampoline(careful(1, 0)))
