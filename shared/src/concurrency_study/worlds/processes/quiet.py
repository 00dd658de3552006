"""Looks at other processes: can one of them move by itself?

Theory of operation
===================

A run is quiet if each of its other processes sleeps in the kernel, at one and the same
instant. Linux tells of every thread, in files of proc(5):

- ``syscall``: the system call in which it sleeps, or "running". The kernel answers with
  a call only once the thread is really off its processor.
- ``status``: its state, and how often it has left a processor.

A look reads the counts of all threads. A second look then reads whether each of them
sleeps, and its counts again. If no count has changed, no thread has run between the two
looks. A thread that was running at the end of the first look could only sleep in the
second one by leaving its processor, and that is counted.

A write to a pipe, a socket or a futex makes its reader runnable before the call
returns. So no message can be on its way to a process that sleeps. A message to the root
is found by a poll after the second look.

Counting the messages instead was considered: a call counts as busy from ``submit`` to
the callback of its future. It has to know every way in which processes talk, which call
waits for a free worker, and which worker has died in between. The kernel knows all
that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

Seen = dict[int, bytes]
"""The counts of each thread, by its number."""


def look(processes: Iterable[int], *, sure: bool) -> Seen | None:
    """Return the counts of all threads of these processes and their descendants.

    Return None if one of them runs. With ``sure``, ask the kernel whether each is
    really off its processor.
    """
    seen: Seen = {}
    pending, known = list(processes), set[int]()
    if _ran[0] in pending:
        pending.append(_ran[0])  # it probably runs still
    while pending:
        process = pending.pop()
        if process in known:
            continue
        known.add(process)
        for thread in threads(process):
            folder = f"/proc/{process}/task/{thread}/"
            status = content(folder + "status")
            state = _between(status, _STATE, 1)
            if state in _ENDED:
                continue
            if state != b"S":
                _ran[0] = process
                return None
            if sure and content(folder + "syscall").startswith(b"running"):
                return None
            seen[thread] = status[status.rfind(b"\nvoluntary_ctxt_switches") :]
            pending += map(int, content(folder + "children").split())
    return seen


def children(process: int) -> list[int]:
    """Return the numbers of the children of a process, zombies included."""
    found: list[int] = []
    for thread in threads(process):
        found += map(int, content(f"/proc/{process}/task/{thread}/children").split())
    return found


def alive(processes: Iterable[int]) -> list[int]:
    """Return the numbers of those that live, of these and their descendants."""
    found: list[int] = []
    pending = list(processes)
    while pending:
        process = pending.pop()
        status = content(f"/proc/{process}/status")
        if process not in found and _between(status, _STATE, 1) not in _ENDED:
            found.append(process)
        pending += children(process)
    return found


def threads(process: int) -> list[int]:
    """Return the numbers of the threads of a process; none if it has ended."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{process}/task")]
    except OSError:
        return []


def content(path: str) -> bytes:
    """Return the bytes of a file of proc(5), or none if its process has ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return _read(descriptor, 65536)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


_ran = [0]
"""The number of the process that a look has found running."""
_read = os.read
_STATE = b"\nState:\t"
_ENDED = (b"Z", b"X", b"")


def _between(text: bytes, mark: bytes, length: int) -> bytes:
    at = text.find(mark)
    return text[at + len(mark) :][:length] if at >= 0 else b""
