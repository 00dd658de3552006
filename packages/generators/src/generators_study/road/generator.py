"""Generator: a function that pauses, and remembers where it was.

``next`` lets it go on to its next ``yield``. Whoever holds several of them lets each go
on in turn: that is a scheduler, and all that follows makes it wiser.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator


def count(name: str, n: int) -> Iterator[None]:
    """Say the numbers from n down to 1; pause after each."""
    for number in range(n, 0, -1):
        print(name, number)
        yield


def take_turns(*generators: Iterator[None]) -> None:
    """Let each go on to its next pause, until all have ended."""
    ready = deque(generators)
    while ready:
        generator = ready.popleft()
        try:
            next(generator)
        except StopIteration:
            continue
        ready.append(generator)


if __name__ == "__main__":
    take_turns(count("a", 3), count("b", 2))
