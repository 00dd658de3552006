"""Follow: say every line that is added to a file, as tail -f does.

For whoever waits for something that no event loop can wait for: a regular file is
always "ready", so one has to look again and again, and stop looking when told.

    follow(path, say, until)

- Starts at the end of the file as it is now; says every complete new line, without
  its newline, blank lines too.
- Holds a partial line until its newline comes. When the file shrinks, starts again at
  its beginning (and forgets the partial line).
- Looks every `POLL` seconds. ``until`` is native (in the threads study it takes the
  stop event); when it returns, follow looks once more, ends within one poll, and the
  file is closed. An error of ``until`` or of ``say`` stops the other and reaches the
  caller, and the file is closed.
- UTF-8; bytes that are not are shown as U+FFFD, not fatal.
- Cancelled from outside, it stops ``until``, too, and closes the file.
- A path that is not there is a FileNotFoundError that says so, a folder an
  IsADirectoryError, before ``until`` is started.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from . import Probe, need_callable

STEPS = (
    "Open the file, at its end.",
    "Look, say what is new, wait, look again.",
    "Stop when `until` returns, after one last look.",
)

POLL = 0.1
"""Seconds between two looks at the file."""

EXAMPLE = ["one", "", "three"]
"""The lines that the program writes while it follows the file."""
PRINTS = ("one", "", "three")


class Tail:
    """What is known of the file: how far it was read, and what has no newline yet."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open at the end.

        Raises:
            OSError: FileNotFoundError, IsADirectoryError ... that name the path.
        """
        self._file = open(path, "rb")  # noqa: SIM115  closed by close()
        self._at = self._file.seek(0, os.SEEK_END)
        self._partial = b""

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> list[str]:
        """The complete lines that are new since the last look; never waits for any."""
        if os.fstat(self._file.fileno()).st_size < self._at:
            self._at, self._partial = 0, b""
        self._file.seek(self._at)
        new = self._file.read()
        self._at += len(new)
        *lines, self._partial = (self._partial + new).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return means.path, means.say, partial(means.job, 0)


def check(
    path: str | os.PathLike[str], say: Callable[[str], Any], until: Callable[..., Any]
) -> None:
    """Raise TypeError for what is no path or cannot be called."""
    need_callable(say=say, until=until)
    os.fspath(path)
