"""The questions: statement, contract, domain and example of each; no waiting.

Every topic is a module of the same name as the function that answers it. It holds

- its docstring: the title, the reader it helps, the call, the contract;
- ``NEIGHBOURS``: one to three topics for a reader of this one to look at next;
- ``STEPS``: the numbered steps of an answer, which may leave some out;
- ``check``: refuses bad input before anything starts, and returns the iterable argument
  as a list;
- ``EXAMPLE``: the arguments of the call that ``python -m`` shows, as far as they are
  data (bytes: the typed text), and ``PRINTS``: how its lines begin (a line that is
  repeated at once is listed once);
- ``JOBS`` and ``probe``: how many native jobs run side by side in a call, and the
  arguments of such a call, for the common questions;
- the domain, if there is one: everything that is the same however the answer waits.

What holds for every topic, unless its contract says otherwise:

- **Nothing starts before the arguments are checked.** Bad input raises TypeError or
  ValueError. A number of seconds is an int or a float from 0 to `LONGEST`, some 31
  years. Not accepted are nan, inf, larger numbers, a bool and a Decimal.
- **No inputs at all** are fine. The call ends at once.
- **Nothing is left** when the call returns or raises: no task, thread, greenlet, open
  descriptor or registered reader.
- **The first error stops the rest.** Running jobs are cancelled at once, all of them
  together, and finish their cleanup before the error reaches the caller, bare or in an
  ExceptionGroup. Example: of three jobs one fails at 1 s, and two clean up for a second
  each. The caller gets the error at 2 s.
- **No error is lost or replaced.** The caller gets every error: those of jobs that fail
  at the same instant, and those of a cleanup. One may be the ``__context__`` or
  ``__cause__`` of another.
- **A BaseException that is not an Exception** (SystemExit, KeyboardInterrupt) stops the
  rest, also where failures are only collected, and reaches the caller as one: an
  ``except Exception`` does not catch it.
- **A job that ends as cancelled, although nothing cancelled it,** has failed likewise.
  The caller gets the library's cancellation exception, or `Unrequested` with it as
  its cause. Example: a call awaits a future that another task has cancelled.
- **Cancelled from outside,** the call cancels every job and waits for their cleanup.
  Nothing is said, reported or handed over after that. An error of a cleanup reaches the
  caller.
- **A second cancellation** during the cleanup does not cut it short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

Input = TypeVar("Input")
"""The input of a job."""
Result = TypeVar("Result")
"""The result of a job."""


class Unrequested(RuntimeError):
    """A job ended as cancelled, although nothing had cancelled it.

    Raised from the library's own cancellation exception, where the library would take
    that for a requested one and continue without the job.
    """

    def __init__(self) -> None:
        super().__init__("a job ended as cancelled, but nothing had cancelled it")


@dataclass(frozen=True)
class Probe:
    """The means from which a topic's ``probe`` makes the arguments of a call."""

    job: Callable[..., Any]
    """A native job that takes a number: 0 for the first that is started, then 1, 2."""
    say: Callable[..., Any]
    """A plain callable."""
    path: Path
    """An empty file."""
    source: BinaryIO
    """A readable file with a descriptor, which holds the lines "1" and "2"."""


SECTIONS = {
    "concepts": (
        "countdown",
        "pipeline",
        "follow",
        "blocking_calls",
        "cpu",
        "event_loop",
        "futures",
        "tasks",
        "chaining",
        "factorial",
        "periodic",
        "sync_vs_async",
    ),
    "use_cases": (
        "results_at_end",
        "results_as_we_go",
        "race",
        "hedge",
        "timeout",
        "resource",
    ),
}
"""The topics of each section, which is a folder in every study."""
TOPICS = tuple(topic for topics in SECTIONS.values() for topic in topics)
"""All topics, in the order of reading."""
REAL = ("cpu",)
"""The topics that run in real time only, because no world covers what they do.

The common questions, explored schedules and mutants leave them out. Their pages have no
timeline.
"""
VIRTUAL = tuple(topic for topic in TOPICS if topic not in REAL)
"""The topics whose answers run in virtual time."""


LONGEST = 1e9
"""The largest number of seconds that an answer takes: some 31 years.

Every library here waits for up to this many seconds without an error. The reason for a
bound is threads: above `threading.TIMEOUT_MAX`, 9.2e9 seconds on Linux, a timer thread
dies of OverflowError.
"""


def need_callable(**named: Any) -> None:
    """Raise TypeError unless every argument can be called."""
    for name, value in named.items():
        if not callable(value):
            raise TypeError(f"{name} must be callable, not {value!r}")


def need_number(least: float = 0, **named: Any) -> None:
    """Check numbers of seconds: each an int or a float, from ``least`` to `LONGEST`.

    nan and inf are outside of these bounds. A bool, a Decimal, a Fraction and a string
    are the wrong type. numpy.float64 is a float; other numbers of numpy are not.

    Raises:
        TypeError: the value is not an int or a float.
        ValueError: the value is out of bounds.
    """
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(
                f"{name} must be a number, an int or a float, not {value!r}"
            )
        if not least <= value <= LONGEST:  # nan fails both comparisons
            raise ValueError(
                f"{name} must be a number of seconds from {least:g} to {LONGEST:g}, "
                f"not {_shown(value)}"
            )


def need_whole(least: int | None = 0, **named: Any) -> None:
    """Raise TypeError or ValueError unless all are whole numbers >= ``least``."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if least is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, not {_shown(value)}")


def need_iterable(name: str, value: Iterable[Input]) -> list[Input]:
    """Return the items as a list; raise TypeError if the value is not iterable."""
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list or the like, not {value!r}")
    return list(value)


def _shown(value: float) -> str:
    """Return a number as text; Python refuses to print an int of 5,000 digits."""
    if isinstance(value, int) and value.bit_length() > 64:
        sign = "-" if value < 0 else ""
        return f"an int of about {sign}2**{value.bit_length()}"
    return repr(value)
