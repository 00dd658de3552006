"""Calls on a cluster that end together: dask has no group of calls.

A `Group` submits calls: `Group.map` at most as many at once as the cluster has threads,
`Group.submit` each one at once. A call that waits in the cluster might start after the
group has stopped. If the cluster has no other client, no call of `map` waits there. The
block ends when all calls have ended, and raises every error.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from itertools import islice, repeat
from typing import Any

from concurrency_study.topics.race import of_cleanup
from concurrency_study.topics.signals import held_back
from distributed import Event, Future, as_completed, get_client, wait

UNREACHABLE = (OSError, RuntimeError, AttributeError)
"""Errors of a message to a scheduler that is gone, from when the client notices."""


class Group:
    """Calls of a block. Leaving the block waits for all and raises their errors.

    The first error, of a call or of the block, sets ``stop``. A call cannot be stopped
    from outside, so it has to look at ``stop``. If it gives up because of that, it
    returns, or raises `CancelledError`.

    Args:
        most: The number of calls of `map` that run at once. The default is the number
            of threads of the cluster.

    Raises:
        BaseExceptionGroup: With every error, when all calls have ended, unless the
            block itself has raised the only one. An error of a call that the block has
            taken is the block's own affair.
        KeyboardInterrupt, SystemExit: Bare, if it is the only error.
    """

    def __init__(self, most: int | None = None) -> None:
        self.client: Any = get_client()
        self._stops: list[Event] = []
        self.stop = self.new_stop()
        self.stopped = False
        """True if ``stop`` was set by `cancel`."""
        self.futures: list[Future[Any]] = []
        """The calls that have started, in their order."""
        # At least one call is submitted: it waits if the cluster has no worker yet.
        threads = max(1, sum(self.client.nthreads().values()))
        self._most = min(most or threads, threads)
        self._waiting: list[Iterator[tuple[Any, ...]]] = []
        self._running: set[Future[Any]] = set()
        self._ended = as_completed()
        self._errors: list[BaseException] = []
        self._batch: deque[Future[Any]] = deque()
        """The calls that have ended and that `next` has not returned yet."""
        self._taken: set[Future[Any]] = set()

    def new_stop(self) -> Event:
        """Return an event that the group sets as well when it sets ``stop``."""
        self._stops.append(Event())
        return self._stops[-1]

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Submit a call of ``function(*args)``."""
        with held_back():
            self._start(
                [self.client.submit(call_in_worker, function, *args, pure=False)]
            )
        return self.futures[-1]

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> None:
        """Submit a call for each item, as soon as the cluster has a thread for it."""
        self._waiting.append(zip(repeat(function), *iterables, strict=False))
        self._hand_out()

    def next(self, timeout: float | None = None) -> Future[Any] | None:
        """Return a call that has ended, each once; wait until there is one.

        Return None if the time is up, or if all calls have been returned.
        """
        if not self._batch:
            self._wait(timeout)
        if not self._batch:
            return None
        future = self._batch.popleft()
        self._taken.add(future)
        return future

    def as_ended(self) -> Iterator[Future[Any]]:
        """Yield the calls as they end."""
        while (future := self.next()) is not None:
            yield future

    def batches(self) -> Iterator[list[Future[Any]]]:
        """Yield the calls that have succeeded, those of one moment together.

        Raises:
            BaseException: The error of the first call that has failed.
        """
        while self.busy:
            self._wait()
            yield [future for future in self._batch if failure(future) is None]
            while self._batch:
                future = self._batch.popleft()
                self._taken.add(future)
                if (error := failure(future)) is not None:
                    raise error

    def _wait(self, timeout: float | None = None) -> None:
        """Wait for calls to end, no longer than for ``timeout`` seconds."""
        self._hand_out()
        if not self._running:
            return
        # `distributed.wait` leaves a task for each call when its time is up.
        with self._ended.thread_condition:
            self._ended.thread_condition.wait_for(self._ended.has_ready, timeout)
        with held_back():
            batch = self._ended.next_batch(block=False)
            self._running.difference_update(batch)
            self._batch.extend(batch)

    def cancel(self) -> None:
        """Set ``stop``, and start no further call.

        A CancelledError from now on means that the call obeyed.
        """
        self.stopped = True
        self._waiting.clear()
        # Without a connection to the scheduler, the client has lost all calls already.
        with contextlib.suppress(*UNREACHABLE):
            for stop in self._stops:
                stop.set()

    @property
    def busy(self) -> bool:
        """True if there are calls that `next` has not returned."""
        return bool(self._running or self._batch or self._waiting)

    def obeyed(self, future: Future[Any]) -> bool:
        """Return whether a call has ended as cancelled because it was asked to."""
        return self.stopped and isinstance(failure(future), CancelledError)

    def failed(self, future: Future[Any]) -> bool:
        """Return whether a call of a race has failed.

        The block raises what ends the race as a whole: a cancellation that was not
        asked for, an error that is not an Exception, and an error of a cleanup.
        """
        error = failure(future)
        if isinstance(error, CancelledError) or not isinstance(error, Exception):
            if error is not None and not self.obeyed(future):
                self.fail(error)
        elif self.stopped and of_cleanup(error, CancelledError):
            self.fail(error)
        return error is not None

    def fail(self, error: BaseException) -> None:
        """Keep an error, which the block will raise, and cancel all calls."""
        if not any(error is known for known in self._errors):
            self._errors.append(error)
        self.cancel()

    def _start(self, futures: list[Future[Any]]) -> None:
        self.futures += futures
        self._running.update(futures)
        self._ended.update(futures)

    def _hand_out(self) -> None:
        """Submit as many calls as the cluster has threads for."""
        while self._waiting and (free := self._most - len(self._running)) > 0:
            if chunk := list(islice(self._waiting[0], free)):
                with held_back():
                    columns = zip(*chunk, strict=True)
                    self._start(self.client.map(call_in_worker, *columns, pure=False))
            else:
                self._waiting.pop(0)

    def __enter__(self) -> Group:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        first = error
        while True:
            try:
                if first is not None:
                    self.cancel()
                self._finish()
                break
            except (KeyboardInterrupt, CancelledError) as again:
                first = first or again
        taken = any(first is failure(future) for future in self._taken if first)
        if first is not None and (taken or not isinstance(first, CancelledError)):
            self._errors.insert(0, first)
        errors = [e for i, e in enumerate(self._errors) if e not in self._errors[:i]]
        if len(errors) == 1 and isinstance(errors[0], KeyboardInterrupt | SystemExit):
            raise errors[0]
        if errors and errors != [error]:
            raise BaseExceptionGroup("errors of calls", errors) from None
        if first is not None and first is not error:
            raise first

    def _finish(self) -> None:
        """Wait for all calls."""
        for future in self.as_ended():
            if (error := failure(future)) is not None and not self.obeyed(future):
                self.fail(error)
        # A signal may have come between the end of a call and the books about it.
        wait([future for future in self.futures if not future.done()])
        with contextlib.suppress(*UNREACHABLE):
            for stop in self._stops if self.stopped else ():
                stop.clear()  # or the scheduler would keep it for ever


class _Carrier(Exception):
    """It carries an error to the client, as its cause."""


LONG = 5000
"""Characters of a long error. Dask replaces the error by its first 10,000."""

DEEP = 50
"""Entries of a traceback that reach the client: the last ones."""


def call_in_worker(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a worker, and let each of its errors reach the client.

    A worker raises SystemExit and KeyboardInterrupt again in its own loop, which ends
    it, so that the client does not get the error. A long error would lose its context.
    On Python 3.11, a traceback of 400 entries, as of a RecursionError, cannot be
    pickled. Dask sends its text instead, which the client does not expect: it would
    wait for ever.
    """
    try:
        return function(*args)
    except BaseException as error:
        shorten_tracebacks(error)
        if isinstance(error, SystemExit | KeyboardInterrupt) or len(str(error)) > LONG:
            raise _Carrier from error
        raise


def shorten_tracebacks(error: BaseException) -> None:
    """Cut off the start of deep tracebacks, of an error and of those behind it."""
    found = [error]
    for each in found:  # grows
        entries = [each.__traceback__]
        while entries[-1] is not None:
            entries.append(entries[-1].tb_next)
        if len(entries) > DEEP:
            each.__traceback__ = entries[-1 - DEEP]
        behind = [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            behind += each.exceptions
        found += [e for e in behind if e is not None and not any(e is f for f in found)]


def failure(future: Future[Any]) -> BaseException | None:
    """Return the error of a call that has ended, or None if it has succeeded.

    If the result has been lost with its worker, wait until the call has been made
    again.
    """
    try:
        while not future.done():
            wait(future)
        if future.status == "error":
            error: Any = future.exception()
            carried = error.__cause__ if isinstance(error, _Carrier) else None
            return error if carried is None else carried
        if future.cancelled():
            future.result()  # raises the error that tells why
    except CancelledError as error:
        return error
    return None


def result(future: Future[Any]) -> Any:
    """Return the result of a call that has ended, or raise its error.

    ``Future.result`` of dask never returns if the error is a BaseException that is not
    an Exception.
    """
    if (error := failure(future)) is not None:
        raise error
    return future.result()
