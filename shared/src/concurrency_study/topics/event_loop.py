"""Event loop: say hello every three seconds, and answer every line meanwhile.

For whoever asks what an event loop is for: one program that waits for two things, the
clock and its input, and must not miss either.

    event_loop(source, say)

- ``source`` is a readable binary file with a descriptor: a pipe, a terminal, a
  redirected file. ``say`` is a plain callable that never waits.
- Says `HELLO` at 0 s and every `EVERY` seconds.
- Each line gets one answer, in order, also when two come in one write or one comes in
  two: a whole number n from 0 to `BOUND` gets "fib(n) = F", anything else a polite
  error that says what would do.
- "exit" or the end of input stops the loop at once; what comes after "exit" is not
  answered. A last line without newline counts.
- Fibonacci numbers are computed the slow way, on purpose: whoever computes on the loop
  holds up the hellos, and whoever computes in a thread shares the interpreter.
- An error of ``say`` reaches the caller. Cancelled from outside, it stops at once.
- The source is not closed: it belongs to the caller.
- A source without a descriptor is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from . import Probe, need_callable

STEPS = (
    "Say hello, now and every three seconds.",
    "Wait until there is input, or the next hello is due.",
    "Read what is there; a line may come in pieces.",
    "Answer each line; stop at exit or the end of input.",
)

HELLO = "Hello world!"
EVERY = 3.0
"""Seconds between two hellos."""
BOUND = 30
"""The largest n; fib(30), the slow way, takes some tenths of a second."""
CHUNK = 4096
"""How many bytes to read at once, at most."""

EXAMPLE = b"10\nfoo\n\nexit\n"
"""What a person might type."""
PRINTS = (
    HELLO,
    "fib(10) = 55",
    "'foo' is not a whole number from 0 to 30; 'exit' ends",
    "'' is not a whole number from 0 to 30; 'exit' ends",
)
ANY_ORDER = True
"""Lines of one instant may change places."""


def fib(n: int) -> int:
    """The n-th Fibonacci number, the slow way."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def answer(line: str) -> str | None:
    """What to say to a line; None when it says that all is over."""
    word = line.strip()
    if word == "exit":
        return None
    if word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= BOUND:
        return f"fib({int(word)}) = {fib(int(word))}"
    shown = word if len(word) <= 40 else word[:40] + "..."
    return f"{shown!r} is not a whole number from 0 to {BOUND}; 'exit' ends"


class Lines:
    """Bytes in, lines out, however the bytes were cut."""

    LIMIT = 1000
    """Bytes of a line that are kept; the rest of a longer one is dropped."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes; no data means the end of input."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if not data and self._partial:
            lines, self._partial = [self._partial], b""
        self._partial = self._partial[: self.LIMIT]
        return [line[: self.LIMIT].decode(errors="replace") for line in lines]


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.source, means.say


def check(source: BinaryIO, say: Callable[[str], Any]) -> int:
    """The descriptor of the source; TypeError if it has none."""
    need_callable(say=say)
    try:
        return source.fileno()
    except (AttributeError, OSError) as error:
        raise TypeError(
            f"source must be an open file with a descriptor, not {source!r}"
        ) from error
