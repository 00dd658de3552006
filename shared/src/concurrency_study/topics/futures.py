"""Futures: an IOU, a value to come that many may wait for.

For one result that several readers want, each with a patience of its own.

    futures(job, readers, report)

- ``job`` is native. Its result, or the Exception it raises, settles the future. It
  starts at once and runs to its end, even if no reader waits.
- Each reader (name, comes, patience) begins to wait at second ``comes``, and waits at
  most ``patience`` seconds (None: without limit). At the end of its wait it reports
  (name, value), (name, error) or (name, "gave up"). Example: the job takes 2 s. The
  reader ("hasty", 0.1, 0.4) reports "gave up" at 0.5 s.
- ``report`` is a plain callable that never waits. It is never called by two threads at
  once, so it needs no lock.
- A late reader is served at once. A reader that gives up harms neither the future nor
  the others.
- The job's Exception is reported to the readers. If no reader got it, it reaches the
  caller: an error is never lost.
- A BaseException that is not an Exception, or an unrequested cancellation of the job,
  settles nothing. It stops all readers and reaches the caller.
- Settling twice is an error. Last of all, when the job and all readers have ended, the
  answer tries it and reports ("settled again", error).
- Cancelled from outside, the job and the readers stop. Nothing is reported. An error of
  the job's cleanup reaches the caller.
- Raises ValueError or TypeError for a negative time, a reader that is not a triple, or
  a name that is not text, before the job starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from . import Probe, need_callable, need_iterable, need_number

NEIGHBOURS = ("tasks", "chaining", "results_at_end")
NATIVE = ("job",)
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "A future: a place for a value to come, and those who wait.",
    "The job settles the future, with its result or its error.",
    "A reader: come, wait no longer than patience lasts, report.",
    "Start the job and the readers; wait for all.",
    "An error that no reader was given reaches the caller.",
    "Settling twice is an error.",
)

GAVE_UP = "gave up"
AGAIN = "settled again"

Reader = tuple[str, float, float | None]

EXAMPLE = [("early", 0.0, None), ("hasty", 0.1, 0.4), ("late", 2.5, 0.1)]
"""The readers of a job that takes two seconds."""
PRINTS = ("hasty gave up", "early 42", "late 42", "settled again")
"""The last line is followed by the error, which each library words in its own way."""


JOBS = 1
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return partial(means.job, 0), [("reader", 0, None), ("other", 0, None)], means.say


def check(
    job: Callable[..., Any],
    readers: Iterable[Reader],
    report: Callable[[str, Any], Any],
) -> list[Reader]:
    """Return the readers as a list; raise TypeError or ValueError for a bad one."""
    need_callable(job=job, report=report)
    checked = need_iterable("readers", readers)
    for reader in checked:
        if not (isinstance(reader, tuple) and len(reader) == 3):
            raise TypeError(f"a reader is (name, comes, patience), not {reader!r}")
        name, comes, patience = reader
        if not isinstance(name, str):
            raise TypeError(f"a reader's name must be text, not {name!r}")
        need_number(comes=comes, patience=0 if patience is None else patience)
    return checked
