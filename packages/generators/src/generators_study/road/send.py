"""Send: a generator that takes something, too: a coroutine.

What the other side sends is the value of ``yield``, so the coroutine waits there for
whoever has something for it. There are four ways between the two: what is yielded comes
out, what is sent and what is thrown goes in, and what is returned comes last, in a
StopIteration. ``pipeline_send.py`` in the concepts makes a whole pipeline of that.
"""

from __future__ import annotations

from collections.abc import Generator


def average() -> Generator[float, float, str]:
    """Take numbers, give the average so far; a ValueError ends it."""
    total, taken = 0.0, 0
    try:
        while True:
            number = yield (total / taken if taken else 0.0)
            total, taken = total + number, taken + 1
    except ValueError as error:
        return f"{taken} numbers, then {error}"


def main() -> None:
    """Send it numbers, throw an error in, and see what it returns."""
    averaging = average()
    next(averaging)  # up to its first yield, where it can take something
    for number in (10, 20, 60):
        print(averaging.send(number))
    try:
        averaging.throw(ValueError("no number"))
    except StopIteration as end:
        print(end.value)


if __name__ == "__main__":
    main()
