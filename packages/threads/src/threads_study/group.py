"""Threads that end together: the standard library has no group of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any


class ThreadGroup:
    """Threads of a block: leaving it waits for all, and raises what they raised.

    The first error, of a thread or of the block, sets ``stop``; threads have to look
    at it, for nobody can stop them. One that raises `CancelledError` has done so.

    Raises:
        BaseExceptionGroup: with every error, when all threads have ended.
        KeyboardInterrupt: bare, whatever else was raised.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run ``function(*args)`` in a thread of the group."""
        name = getattr(function, "__name__", None)
        thread = threading.Thread(target=self._work, args=(function, *args), name=name)
        self._threads.append(thread)
        thread.start()

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
        if error is not None:
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
