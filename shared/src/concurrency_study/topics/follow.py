"""Follow: say every line that is added to a file, as tail -f does.

For readers who wait for something that no event loop can wait for. A regular file is
always "ready", so a program has to look again and again, until it is to stop.

    follow(path, say, until)

- Starts at the end of the file as it is now. Says every complete new line, also blank
  ones, without its newline and with everything else: of b"a \\r\\n" it says "a \\r".
- Holds a partial line until its newline comes: b"on" now and b"e\\n" later is one line,
  "one". A line without a newline is never said.
- Looks every `POLL` seconds. The wall clock plays no part. ``until`` is native (in the
  threads study it takes the stop event). When it returns, follow looks once more, ends
  within one poll and closes the file. An error of ``until`` or of ``say`` stops the
  other and reaches the caller, and the file is closed.
- Only the caller's thread calls ``say``.
- Decodes UTF-8. Other bytes are shown as U+FFFD.
- Starts again at the beginning, and forgets the partial line, when the file was
  rewritten: it is shorter than what was read, or the last `MARK` bytes that were read
  are no longer there. b"old\\n" replaced by b"new-1\\nnew-2\\n" between two looks gives
  "new-1" and "new-2". It does not notice a rewrite in which those bytes are the same in
  the same place (the rest counts as added), nor text that came and went between two
  looks.
- Follows the file and not its name. It stays with a file that is renamed, deleted or
  replaced, and a symbolic link that changes has no effect.
- The variant ``follow_name`` follows the name, as tail -F does. It switches when
  another file has taken the name (by rotation, or since a symbolic link points
  elsewhere) and holds a byte. It then says the lines that the old file still has,
  forgets the partial line, and continues at the beginning of the new file. Until then
  it stays with the old one. It does not say lines that the old file gets later, nor
  those of a file that had the name between two looks only.
- Cancelled from outside, it stops ``until`` and closes the file.
- Raises an OSError that names the path, before ``until`` starts and without waiting,
  for a missing file (FileNotFoundError), a directory (IsADirectoryError), a FIFO, a
  socket, a device, and a file whose size is not that of its contents, as in /proc.
  With ``follow_name`` the error comes later if a new file is of that kind.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from typing import Any

from . import Probe, need_callable

NEIGHBOURS = ("pipeline", "event_loop")
NATIVE = ("until",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "Open the file, at its end.",
    "Look, say what is new, wait, look again.",
    "Stop when `until` returns, after one last look.",
)

POLL = 0.1
"""Seconds between two looks at the file."""
MARK = 4096
"""The number of bytes before the position that each look compares."""

EXAMPLE = ["one", "", "three"]
"""The lines that the program writes while it follows the file."""
PRINTS = ("one", "", "three")


class Tail:
    """An open file, the position up to which it was read, and its partial line."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open at the end.

        Raises:
            OSError: The path, which the error names, cannot be followed.
        """
        self._path = os.fspath(path)
        self._file = _open(self._path)
        self._at = self._size()
        self._partial = b""
        with _naming(self._path):
            self._mark = self._bytes(max(0, self._at - MARK), self._at)

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> list[str]:
        """Return the lines that were completed since the last look; never wait."""
        with _naming(self._path):
            data = self._bytes(self._at - len(self._mark), self._size())
            if not data.startswith(self._mark):
                self._start_over()
                data = self._bytes(0, self._size())
        new = data[len(self._mark) :]
        self._at += len(new)
        self._mark = data[-MARK:]
        *lines, self._partial = (self._partial + new).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _start_over(self) -> None:
        self._at, self._mark, self._partial = 0, b"", b""

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _bytes(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, end - start))


class NameTail(Tail):
    """A tail that switches to another file as soon as that has taken the name."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._name = os.path.abspath(self._path)  # the working directory may change

    def read(self) -> list[str]:
        lines = super().read()
        successor = self._successor()
        if successor is None:
            return lines
        lines += super().read()  # lines that came before the name changed
        self.close()
        self._file = successor
        self._start_over()
        return lines + super().read()

    def _successor(self) -> FileIO | None:
        try:
            found = os.stat(self._name)
            if os.path.samestat(found, os.fstat(self._file.fileno())):
                return None
            if stat.S_ISREG(found.st_mode) and found.st_size == 0:
                return None  # the writer may not know it yet, and add to the old file
            return _open(self._name)
        except FileNotFoundError:
            return None


def _open(path: str) -> FileIO:
    """Open a file without waiting; raise OSError if it cannot be followed."""
    _need_regular(os.stat(path), path)  # opening a device may have side effects
    file = FileIO(
        path,
        opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)),
    )
    try:
        found = os.fstat(file.fileno())
        _need_regular(found, path)  # it may be another file now
        with _naming(path):
            _need_true_size(file, found, path)
    except BaseException:
        file.close()
        raise
    return file


def _need_regular(found: os.stat_result, path: object) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        kind = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}.get(
            stat.S_IFMT(found.st_mode), "device"
        )
        reason = f"Only a regular file can be followed, not a {kind}"
        raise OSError(errno.ESPIPE, reason, path)


def _need_true_size(file: FileIO, found: os.stat_result, path: object) -> None:
    """Refuse a file of /proc or /sys: its size is not that of its contents."""
    file.seek(max(0, found.st_size - 1))
    there = len(file.read(2) or b"")
    unchanged = os.fstat(file.fileno()).st_size == found.st_size
    if unchanged and there != min(1, found.st_size):
        reason = "Only a file that has its true size can be followed"
        raise OSError(errno.ESPIPE, reason, path)


@contextmanager
def _naming(path: object) -> Generator[None]:
    """Add the path to errors of the file, as `open` does to its errors."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.path, means.say, partial(means.job, 0)


def check(
    path: str | os.PathLike[str], say: Callable[[str], Any], until: Callable[..., Any]
) -> None:
    """Raise TypeError if ``path`` is not a path, or the others are not callable."""
    need_callable(say=say, until=until)
    os.fspath(path)
