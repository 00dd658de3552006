"""Threads that end together: the standard library has no group of threads.

`ThreadGroup` starts a thread for each call. `Pool` is a `ThreadPoolExecutor`, with
futures. The block of either ends when all calls have ended, and raises every error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, ParamSpec

from concurrency_study.topics import Result

P = ParamSpec("P")


class Stop(threading.Event):
    """An event that also reaches threads that block elsewhere than in its ``wait``."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._calls: dict[object, Callable[[], object]] = {}

    def set(self) -> None:
        with self._lock:
            if not self.is_set():
                super().set()
                for call in self._calls.values():
                    call()

    @contextmanager
    def calling(self, function: Callable[[], object]) -> Generator[None]:
        """Call ``function()`` when the event is set within this block.

        The thread that sets the event calls the function, once. If the event is set
        already, the caller calls it at once. The function must neither block nor raise.
        """
        key = object()
        with self._lock:
            self._calls[key] = function
            if self.is_set():
                function()
        try:
            yield
        finally:
            with self._lock:
                del self._calls[key]


class _Calls:
    """The calls of a group: the first error stops the rest, and no error is lost."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._cancelled = False
        self._errors: list[BaseException] = []

    def cancel(self) -> None:
        """Set ``stop``. A `CancelledError` from now on means that the call obeyed."""
        self._cancelled = True
        self.stop.set()

    def _failed(self, error: BaseException) -> None:
        """Keep an error, and cancel the rest.

        A CancelledError before ``cancel()`` is an error as well: a call of a library
        may end that way by itself.
        """
        obeyed = self._cancelled and isinstance(error, CancelledError)
        if not obeyed and not any(error is known for known in self._errors):
            self._errors.append(error)
        self.cancel()

    def _wait(self, wait: Callable[[], object], error: BaseException | None) -> None:
        """End a block that has raised ``error``: wait for all, and raise all errors.

        Ctrl-C does not end this wait. Threads cannot be left behind, so Ctrl-C asks
        them to stop, and is raised in the end.
        """
        while True:
            if error is not None:
                self._failed(error)
            try:
                wait()
            except KeyboardInterrupt as interrupt:
                error = interrupt
            else:
                break
        if len(self._errors) == 1:
            (only,) = self._errors
            if isinstance(only, KeyboardInterrupt | SystemExit):
                raise only
        if self._errors:
            raise BaseExceptionGroup("errors in threads", self._errors) from None


class ThreadGroup(_Calls):
    """Threads of a block. Leaving the block waits for all and raises their errors.

    The first error, of a thread or of the block, sets ``stop``. A thread cannot be
    stopped from outside, so it has to look at ``stop``. If it gives up because of that,
    it returns, or raises `CancelledError`.

    Raises:
        BaseExceptionGroup: With every error, when all threads have ended.
        KeyboardInterrupt, SystemExit: Bare, if it is the only error.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads: list[tuple[threading.Thread, threading.Event]] = []

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run ``function(*args)`` in a thread of the group.

        Raises:
            RuntimeError: The system has no room for another thread.
        """
        name = getattr(function, "__name__", None)
        ended = threading.Event()
        call = (ended, function, *args)
        thread = threading.Thread(target=self._work, args=call, name=name)
        self._threads.append((thread, ended))
        try:
            thread.start()
        except RuntimeError as error:
            there = f"there are {threading.active_count()}"
            limits = "memory, ulimit -u, vm.max_map_count, or the pids of a container"
            raise RuntimeError(f"{error}, {there}; limits are {limits}") from None

    def _work(
        self, ended: threading.Event, function: Callable[..., object], *args: Any
    ) -> None:
        try:
            function(*args)
        except BaseException as error:
            self._failed(error)
        finally:
            ended.set()

    def _join(self) -> None:
        for thread, ended in self._threads:
            try:
                thread.join()
            except RuntimeError:  # it has not started, or Ctrl-C has interrupted that
                while thread in threading.enumerate() and not thread.is_alive():
                    time.sleep(0.001)  # it begins to run in a moment
                if thread.is_alive():
                    thread.join()
            else:
                # Before 3.13, a thread counts as ended if Ctrl-C interrupts its join.
                ended.wait()

    def __enter__(self) -> ThreadGroup:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._wait(self._join, error)


class Pool(_Calls, ThreadPoolExecutor):
    """A pool of threads that keeps the rules of `ThreadGroup`.

    After the first error no further call starts. A call that returns after the stop
    counts as cancelled, so that its result is not used.
    """

    def __init__(self, most: int) -> None:
        _Calls.__init__(self)
        ThreadPoolExecutor.__init__(self, most)
        self._futures: list[Future[Any]] = []

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        def call() -> Result:
            try:
                if self.stop.is_set():
                    raise CancelledError
                result = fn(*args, **kwargs)
                if self.stop.is_set():
                    raise CancelledError
            except BaseException as error:
                self._failed(error)
                raise
            return result

        self._futures.append(future := super().submit(call))
        return future

    def _end(self) -> None:
        self.shutdown()
        wait(self._futures)  # as in a group, its join may have been interrupted

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._wait(self._end, error)
