"""Generator: a function that pauses, and remembers where it was.

``next`` runs it up to its next ``yield``. A function that does so with several
generators in turn is a scheduler. The next files improve on it.
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
    """Run each in turn up to its next pause, until all have ended."""
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
