"""Send: a generator that also takes values: a coroutine.

The value of ``yield`` is what the other side sends, so the coroutine waits there until
a value is sent. There are four ways between the two. A yielded value comes out. A sent
value and a thrown error go in. The returned value comes last, in a StopIteration.
``pipeline_send.py`` in the concepts makes a whole pipeline of that.
"""

from __future__ import annotations

from collections.abc import Generator


def average() -> Generator[float, float, str]:
    """Take numbers and yield the average so far; a ValueError ends it."""
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
