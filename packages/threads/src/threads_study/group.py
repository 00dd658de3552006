"""Threads that end together: the standard library has no group of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any


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
        """Within this block, ``function()`` is called when the event is set.

        It is called by whoever sets the event, once, or at once if it is set already;
        never after the block. It must neither block nor raise.
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


class ThreadGroup:
    """Threads of a block: leaving it waits for all, and raises what they raised.

    The first error, of a thread or of the block, sets ``stop``; threads have to look
    at it, for nobody can stop them. One that raises `CancelledError` has done so.

    Raises:
        BaseExceptionGroup: with every error, when all threads have ended.
        KeyboardInterrupt: bare, whatever else was raised.
    """

    def __init__(self) -> None:
        self.stop = Stop()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run ``function(*args)`` in a thread of the group.

        Raises:
            RuntimeError: the system has no room for another thread.
        """
        name = getattr(function, "__name__", None)
        thread = threading.Thread(target=self._work, args=(function, *args), name=name)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError as error:
            self._threads.pop()
            there = f"there are {threading.active_count()}"
            limits = "memory, ulimit -u, vm.max_map_count, or the pids of a container"
            raise RuntimeError(f"{error}, {there}; limits are {limits}") from None

    def _work(self, function: Callable[..., object], *args: Any) -> None:
        try:
            function(*args)
        except CancelledError:
            pass
        except BaseException as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._errors.append(error)
        self.stop.set()

    def __enter__(self) -> ThreadGroup:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, CancelledError):
            self.stop.set()  # it passes, unless there are errors to raise instead
        elif error is not None:
            self._failed(error)
        for thread in self._threads:
            try:
                thread.join()
            except KeyboardInterrupt as interrupt:
                self._failed(interrupt)
                thread.join()
        for error in self._errors:
            if isinstance(error, KeyboardInterrupt):
                raise error
        if self._errors:
            raise BaseExceptionGroup("errors in threads", self._errors) from None
