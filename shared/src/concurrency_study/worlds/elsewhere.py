"""The common part of worlds whose jobs run elsewhere: in processes, or on a cluster.

A job arrives pickled. With it come the world and its trace, by name: a job finds those
of the place where it runs. A signal to the process of the caller is a cancellation from
outside.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from ..trace import Trace
from ..world import NotCovered
from .threads.world import HORIZON, ThreadsJob, ThreadsWorld


class JobElsewhere(ThreadsJob):
    """A job that starts no other ones."""

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        raise NotCovered(self.world.absent["together"])


class TraceByName(Trace):
    """A trace that travels by name."""

    def __reduce__(self) -> Any:
        return _trace_here, ()


class WorldElsewhere(ThreadsWorld):
    """A world that travels by name, and whose answer is cancelled by a signal."""

    counts_waits = True

    def __reduce__(self) -> Any:
        return _here, ()

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        self.cancel_by(self._cancel)
        if self.this_run.cancel_at:
            self.native_call_at(
                self.this_run.cancel_at[-1] + HORIZON, self._not_cancelled
            )
        return function(*args)

    def _cancel(self) -> None:
        assert self._machine
        self._machine.deliver(signal.SIGTERM, self.raise_cancelled)

    def _count_wait(self) -> None:
        if self._running and self.this_run.cancel_at_wait is not None:
            self.count_wait()

    @staticmethod
    def raise_cancelled(*_: object) -> None:
        """Handle the signal that cancels the answer, in the main thread."""
        raise CancelledError


_current: WorldElsewhere | None = None


def set_here(world: WorldElsewhere | None) -> None:
    """Set the world that jobs find in this process; None after the run."""
    global _current
    _current = world


def _here() -> WorldElsewhere:
    """Return the world of the run, in which a job arrives."""
    assert _current is not None
    return _current


def _trace_here() -> Trace:
    return _here().trace
