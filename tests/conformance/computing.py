"""Functions that compute, for the answers to `cpu`: a worker imports them by name.

A call leaves files in a folder, so that another process learns that it has begun. If it
is not stopped, it ends by itself when it has computed for ``limit`` seconds. These are
seconds of its own processor time, which other programs do not use up.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HELPERS = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")
"""Modules whose name is in the command line of a helper of multiprocessing."""


@dataclass(frozen=True)
class Job:
    """The input of a call: its name, and the files of the calls that it knows of."""

    folder: Path
    name: str
    limit: float = 60
    others: tuple[str, ...] = ()

    def begin(self) -> None:
        """Leave a file with the number of the process.

        A call that is made again leaves another file.
        """
        began = self.folder / f"{self.name}.began"
        if began.exists():
            (self.folder / f"{self.name}.again").touch()
        new = began.with_suffix(".new")
        new.write_text(f"{os.getpid()}")
        new.rename(began)  # never seen half written

    def end(self) -> str:
        """Leave another file, for a test that the call was stopped before."""
        (self.folder / f"{self.name}.ended").touch()
        return self.name


def double(number: int) -> int:
    return 2 * number


def spin(job: Job) -> str:
    """Compute for some time."""
    job.begin()
    due = time.thread_time() + job.limit
    while time.thread_time() < due:
        pass
    return job.end()


def spin_in_c(job: Job) -> str:
    """Compute for some time, without a chance for handlers of signals.

    What a handler raises after that comes too late: the call has ended.
    """
    job.begin()
    try:
        sum(range(int(job.limit * 3e7)))
    finally:
        job.end()
    return job.name


def after_others(job: Job) -> str:
    """Return when the other calls have begun."""
    job.begin()
    due = time.monotonic() + 3 * job.limit
    while not all((job.folder / f"{each}.began").exists() for each in job.others):
        if time.monotonic() > due:
            raise TimeoutError(f"{job.others} did not begin")
        time.sleep(0.005)
    return job.end()


def fail_after_others(job: Job) -> None:
    after_others(job)
    raise ValueError("no")


def exit_after_others(job: Job) -> None:
    after_others(job)
    raise SystemExit(3)


def killed_after_others(job: Job) -> None:
    after_others(job)
    os.kill(os.getpid(), signal.SIGKILL)


def quit_after_others(job: Job) -> None:
    after_others(job)
    os._exit(0)


class Deadly:
    """A result that kills the process in which it is pickled."""

    def __reduce__(self) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return "Deadly"


def killed_by_its_result(job: Job) -> Deadly:
    after_others(job)
    return Deadly()


def tasks(job: tuple[Job, str]) -> Any:
    """Call one of the functions by its name, so that calls of a test may differ."""
    return getattr(sys.modules[__name__], job[1])(job[0])


def unpicklable(number: int) -> Callable[[], int]:
    return lambda: number


def noted(job: Job) -> None:
    """Note when the call begins and ends; appending a line is atomic.

    It computes for 50 ms of processor time, in which others begin if they may.
    """
    line = os.open(job.folder / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"+{job.name}\n".encode())
    due = time.thread_time() + 0.05
    while time.thread_time() < due:
        pass
    os.write(line, f"-{job.name}\n".encode())
    os.close(line)


def meet(job: tuple[Path, int, tuple[int, ...], float]) -> bool:
    """Compute until other calls have begun, and return whether they did.

    Calls meet in shared memory, as reading it does not release the GIL.
    """
    path, own, others, limit = job
    due = time.thread_time() + limit
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
        shared[own] = 1
        while not all(shared[other] for other in others):
            if time.thread_time() > due:
                return False
    return True


class Native:
    """A native function that calls an answer; it takes a stop event and ignores it."""

    def __init__(self, answer: Callable[..., Any], *args: Any) -> None:
        self.answer = answer
        self.args = args

    def __call__(self, *_: Any) -> Any:
        return self.answer(*self.args)


def is_alive(pid: int) -> bool:
    """Return whether there is such a process, a zombie included."""
    return Path(f"/proc/{pid}").exists()


def children(parent: int = 0) -> set[int]:
    """Return the child processes of this one or of another, zombies included.

    The helpers of multiprocessing are left out: a program starts them once and keeps
    them. Another test may have started a fork server.
    """
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            rest = (path / "stat").read_text().rpartition(")")[2].split()
            command = (path / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if int(rest[1]) == (parent or os.getpid()) and not any(
            helper in command for helper in HELPERS
        ):
            found.add(int(path.name))
    return found


def see_a_child(limit: float) -> float:
    """Return when this process has a child, or after some time."""
    due = time.monotonic() + limit
    while not children() and time.monotonic() < due:
        time.sleep(0.001)
    return limit
