"""The world of dask, and the view that its jobs have of it."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from typing import Any, ClassVar

from dask import config
from distributed import Client

from ...world import is_of_libraries
from ..elsewhere import JobElsewhere, TraceByName, WorldElsewhere, set_here
from ..threads.machine import Descriptors, Machine, ManagedThread
from . import travel
from .cluster import (
    Cluster,
    leaving_nothing,
    patches,
    settings,
    silence,
    within_this_process,
)

_OWN = re.compile(r"IO loop|(.*-)?(Dask|TCP)-.*")
"""The names of dask's own threads, those in which workers make calls included."""


class DaskJob(JobElsewhere):
    """A job that is asked to stop by a ``distributed.Event``."""


class _Machine(Machine):
    """The machine of a run, all of whose bytes come from the run itself."""

    before_wait: Callable[[], object] = staticmethod(lambda: None)
    """Called before each wait of the main thread."""
    close: Callable[[], object] = staticmethod(lambda: None)
    """Closes the cluster, before the other threads are unwound."""

    def wait(self, deadline: int | None = None, descriptors: Descriptors = ()) -> bool:
        if self.current is self.main and not self.unwinding:
            self.before_wait()
        return super().wait(deadline, descriptors)

    def unwind(self) -> None:
        with silence():
            self.before_wait = _nothing
            if not self.failure:
                self.close()
            super().unwind()

    def _service(self) -> ManagedThread | None:
        if (found := super()._service()) is not None or self.schedule is None:
            return found
        # Messages travel at once. The choices are for the calls and their caller.
        loops = [thread for thread in self._ready if thread.name == "IO loop"]
        return loops[0] if loops and not self.unwinding else None

    def waiters(self) -> list[str]:
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        idle = tuple(
            f"thread {thread.name}: "
            for thread in self.threads()
            if _is_own(thread) and is_of_libraries(frames.get(thread.ident))
        )
        return [line for line in super().waiters() if not line.startswith(idle)]

    def _expects_input(self) -> bool:
        return False  # a message between two threads has arrived once it is sent


class DaskWorld(WorldElsewhere):
    """A place where a cluster of dask runs in virtual time.

    A cancellation from outside is a signal to the process of the caller, as a handler
    of SIGTERM gets it: it raises `concurrent.futures.CancelledError` in its main
    thread. A job that is called with one more argument than it takes, an event, is
    asked to stop by that event.
    """

    name = "dask"
    libraries = ("distributed", "dask", "tornado")
    absent: ClassVar[Mapping[str, str]] = {
        "together": "a job is alone in its thread; an answer starts jobs"
    }
    order = (
        "workers make calls side by side; here one thread runs at a time, first come, "
        "first served"
    )

    def __init__(
        self, answer: Callable[..., Any] | None = None, seed: int | None = None
    ) -> None:
        super().__init__(answer, seed)
        self.trace = TraceByName(self.now, self._whose)

    def native_job(self, actor: str) -> DaskJob:
        return DaskJob(self, actor)

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        with contextlib.ExitStack() as stack:
            # Dask leaves the files of its locks in it, whatever is closed.
            new = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            folder = stack.enter_context(new)
            stack.enter_context(config.set({"temporary-directory": folder}))
            stack.enter_context(Client(stack.enter_context(within_this_process())))
            return function()

    def new_machine(self) -> Machine:
        return _Machine(self.lose, self.patience, self.seed)

    def native_enter(self) -> None:
        super().native_enter()
        machine = self._machine
        assert isinstance(machine, _Machine)
        try:
            self._patches.enter_context(leaving_nothing(machine.ports))
            self._patches.enter_context(_patched(self))
            machine.close = Cluster().close
            machine.before_wait = self._count_wait
        except BaseException:
            self.native_exit(None)
            raise

    def _natives(self) -> list[str]:
        assert self._machine
        return [f"thread {t.name}" for t in self._machine.threads() if not _is_own(t)]

    def _begins(self, thread: ManagedThread) -> None:
        if not _is_own(thread):
            super()._begins(thread)
        elif self.trace.watching and "Dask-Default-Threads" in thread.name:
            self.note_spawned(thread.owner or thread, "worker")  # it makes calls


def _nothing() -> None:
    """Do nothing."""


def _is_own(thread: ManagedThread) -> bool:
    return bool(_OWN.fullmatch(thread.name))


@contextlib.contextmanager
def _patched(world: DaskWorld) -> Generator[None]:
    """Let the messages of dask take no time during the run."""
    with settings(), contextlib.ExitStack() as stack:
        for place, name, value in patches():
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, value)
        set_here(world)
        try:
            yield
        finally:
            set_here(None)
            travel.forget()
