"""Event loop: say hello every three seconds, and answer every line meanwhile.

For readers who wonder what an event loop is for. One program waits for two things, the
clock and its input, and must not miss either.

    event_loop(source, say)

- ``source`` is a readable binary file with a descriptor: a pipe, a terminal, a socket,
  a redirected file, /dev/null. ``say`` is a plain callable that never waits. It is
  never called by two threads at once, not even in the threads study.
- Says `HELLO` at 0 s and every `EVERY` seconds. The wall clock plays no part.
- Each line gets one answer, in order, also when two come in one write or one comes in
  two. A whole number n from 0 to `BOUND` gets "fib(n) = F". Anything else gets a polite
  error that says which input is valid. Blanks around a line do not count, nor does the
  carriage return of a CRLF: b"10\\r\\n" is answered like b"10\\n".
- "exit" or the end of input stops the loop at once. Lines after "exit" are not
  answered. If they were read together with it, they are lost. A last line without a
  newline counts.
- Lines that the source has read ahead are answered first. If the program called
  ``source.readline()`` and the pipe held b"header\\n10\\nexit\\n", the first answer is
  that to "10", at 0 s.
- A terminal whose other side is gone (EIO) is the end of input. Any other error of
  reading reaches the caller, as does an error of ``say``. Cancelled from outside, the
  answer stops at once.
- Fibonacci numbers are computed the slow way, on purpose. Computing on the loop delays
  the hellos. Computing in a thread shares the interpreter.
- The source belongs to the caller. It is not closed. A blocking descriptor stays
  blocking, and a non-blocking one non-blocking. No other reader may take its bytes.
- Raises TypeError if the source has no descriptor, is in text mode (pass its
  ``buffer``) or decodes what it reads (gzip, bz2, an HTTP response). Raises ValueError
  if it is closed or not open for reading. Both come before the first hello.
"""

from __future__ import annotations

import errno
import io
import os
import selectors
import stat
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from . import Probe, need_callable

NEIGHBOURS = ("blocking_calls", "periodic", "follow")
NATIVE = ()
"""The native callables, as answers name them: a call of one may wait."""
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
"""The largest number of bytes to read at once."""

EXAMPLE = b"10\nfoo\n\nexit\n"
"""The text that a person might type."""
PRINTS = (
    HELLO,
    "fib(10) = 55",
    "'foo' is not a whole number from 0 to 30; 'exit' ends",
    "'' is not a whole number from 0 to 30; 'exit' ends",
)
ANY_ORDER = True
"""Lines of one instant may change places."""


def fib(n: int) -> int:
    """Return the n-th Fibonacci number, the slow way."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def answer(line: str) -> str | None:
    """Return the answer to a line; None if the line is "exit"."""
    word = line.strip()
    if word == "exit":
        return None
    if word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= BOUND:
        return f"fib({int(word)}) = {fib(int(word))}"
    shown = word if len(word) <= 40 else word[:40] + "..."
    return f"{shown!r} is not a whole number from 0 to {BOUND}; 'exit' ends"


class Lines:
    """The lines of a source, however its bytes were divided into reads."""

    LIMIT = 1000
    """Bytes of a line that are kept; the rest of a longer one is dropped."""

    def __init__(self, source: BinaryIO) -> None:
        self.descriptor = source.fileno()
        self.ended = False
        """True after the end of input."""
        self._selectable = _is_selectable(self.descriptor)
        self._ahead = _read_ahead(source)
        self._partial = b""

    @property
    def ready(self) -> bool:
        """True if `read` need not wait: bytes are there, or the file is regular."""
        return bool(self._ahead) or not self._selectable

    def read(self) -> list[str]:
        """Read once, and return the lines that are complete now.

        Does not block after the descriptor was readable, or if `ready`.
        """
        try:
            data = self._ahead or os.read(self.descriptor, CHUNK)
        except BlockingIOError:  # a false alarm, on a non-blocking descriptor
            return []
        except OSError as error:
            is_terminal = stat.S_ISCHR(os.fstat(self.descriptor).st_mode)
            if error.errno != errno.EIO or not is_terminal:
                raise
            data = b""  # the other side of the terminal is gone
        self._ahead = b""
        self.ended = not data
        return self._feed(data)

    def _feed(self, data: bytes) -> list[str]:
        *lines, self._partial = (self._partial + data).split(b"\n")
        if self.ended and self._partial:
            lines, self._partial = [self._partial], b""
        self._partial = self._partial[: self.LIMIT]
        return [line[: self.LIMIT].decode(errors="replace") for line in lines]


def _is_selectable(descriptor: int) -> bool:
    """Return whether a selector takes it: epoll refuses files that are always ready."""
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(descriptor, selectors.EVENT_READ)
        except PermissionError:
            return False
    return True


def _read_ahead(source: Any) -> bytes:
    """Take the bytes that a buffered source has read and not yet handed out.

    A buffer can only be looked at by ``peek``, which reads if the buffer is empty. That
    may block, or swallow the end of input (of a terminal it comes only once). So for
    the length of this call the file below the buffer says that it has nothing to read.
    """
    raw = getattr(source, "raw", None)
    if raw is None:
        return b""

    def read_nothing(_: object) -> None:
        """Return None, as a file does that would block."""

    raw.readinto = read_nothing
    try:
        return source.read(len(source.peek()))
    finally:
        del raw.readinto


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.source, means.say


def check(source: BinaryIO, say: Callable[[str], Any]) -> Lines:
    """Return the lines of the source; raise TypeError or ValueError for a bad one."""
    need_callable(say=say)
    what: Any = source
    if isinstance(what, io.TextIOBase):
        raise TypeError(f"source must be a binary file; pass its buffer, not {what!r}")
    if getattr(what, "closed", False):
        raise ValueError(f"source must be open, but it is closed: {what!r}")
    try:
        descriptor = what.fileno()
    except (AttributeError, OSError) as error:
        raise TypeError(
            f"source must be an open file with a descriptor, not {what!r}"
        ) from error
    if isinstance(what, io.BufferedIOBase) and not hasattr(what, "raw"):
        raise TypeError(
            f"source must hand out the bytes of its descriptor as they are, "
            f"and this one decodes them: {what!r}"
        )
    if not _is_readable(what, descriptor):
        raise ValueError(f"source must be open for reading: {what!r}")
    return Lines(source)


def _is_readable(source: Any, descriptor: int) -> bool:
    import fcntl  # there is none on Windows

    if isinstance(source, io.IOBase) and not source.readable():
        return False
    try:
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    except (OSError, ValueError):  # its descriptor was closed
        return False
    return mode != os.O_WRONLY


def standard_input() -> BinaryIO:
    """Return the program's standard input; end the program if that is closed."""
    stdin: Any = sys.stdin
    if stdin is None or stdin.closed:
        sys.exit("standard input is closed: redirect it from a file, pipe or terminal")
    return stdin.buffer
