"""Worker processes that end together: the standard library has no group of them.

A `Pool` starts a worker process when a call needs one, up to a bound, and gives it
further calls later. The calling process is a single thread: it selects on the pipes of
the workers. The block ends when all calls have ended, and raises every error.

A call runs at most once. If its worker dies, it has failed with `WorkerDied`, and the
other workers are not disturbed. (With `ProcessPoolExecutor`, all calls fail then.)
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import pickle
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic

from concurrency_study.topics import Result
from concurrency_study.topics.race import of_cleanup
from concurrency_study.topics.signals import SIGNALS, held_back

from . import MOST
from .errors import pack, unpack

PATIENCE = 90.0
"""Seconds that a cancelled call has for its cleanup; then its process is killed.

A process that gets no further call has as long to end. A thread of a call keeps it
alive.
"""

ASK_AGAIN = 1.0
"""Seconds after which a call that was asked to stop is asked again.

Python handles a signal between two instructions. One that comes just before a system
call is handled after it, and the next one interrupts it.
"""

LONGEST_SELECT = 86_400.0
"""Seconds of one wait: a selector cannot wait for a month."""

_ends: set[Connection] = set()
"""The ends of all pipes in this process. A forked child must not keep them open."""


class WorkerDied(RuntimeError):
    """The process of a call has ended during the call, which is not repeated."""


class Call(Generic[Result]):
    """A call in another process, with its result or its error once it has ended."""

    def __init__(self, pickled: bytes) -> None:
        self.pickled = pickled
        self.value: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self.asked = False
        """True if it was asked to stop."""
        self.due = math.inf
        """When its process will be killed, if it was asked to stop."""

    @property
    def obeyed(self) -> bool:
        """True if it has ended as cancelled because it was asked to."""
        return self.asked and isinstance(self.error, CancelledError)

    def result(self) -> Result:
        """Return the result of a call that has ended, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.value


class _Worker:
    """A process, and the pipe to it."""

    def __init__(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        _ends.update((self.pipe, theirs))
        self.call: Call[Any] | None = None
        self.process = multiprocessing.Process(target=_work, args=(theirs,))
        try:
            self.process.start()
        except BaseException:
            self.close()
            raise
        finally:
            _close(theirs)

    def close(self) -> None:
        """Let the process end: its pipe has no other end any more."""
        _close(self.pipe)

    def wait_for_end(self) -> None:
        """Wait until the process has ended; kill it after `PATIENCE` seconds."""
        if not wait([self.process.sentinel], PATIENCE):
            self.process.kill()


class Pool:
    """Worker processes of a block. Leaving the block waits for all calls.

    An error of the block cancels all calls. A cancelled call gets SIGTERM, and cleans
    up. After `PATIENCE` seconds its process is killed, whatever the block waits for.
    While the block waits for cleanups, KeyboardInterrupt and CancelledError change
    nothing. Any other error of a signal handler kills all processes.

    Raises:
        BaseExceptionGroup: With every error, if there are several, when all calls have
            ended. An error of a call that the block has taken by `next` is the block's
            own affair.
    """

    def __init__(self, most: int) -> None:
        self.most = max(1, min(most, MOST))
        self.stopped = False
        self.killed = False
        self._waiting: deque[Call[Any]] = deque()
        self._ended: deque[Call[Any]] = deque()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._leaving: set[_Worker] = set()
        self._errors: list[BaseException] = []
        self._taken: list[BaseException] = []
        self._selector = selectors.DefaultSelector()
        with held_back(spawns=multiprocessing.get_start_method() != "fork"):
            pass  # what comes with the first process has started

    def submit(self, function: Callable[..., Result], *args: Any) -> Call[Result]:
        """Have a process call ``function(*args)``, as soon as one is free.

        Raises:
            Exception: The function or an argument cannot be pickled.
        """
        call: Call[Result] = Call(bytes(ForkingPickler.dumps((function, args))))
        with held_back():
            self._waiting.append(call)
            if self.stopped:
                self.cancel()
            self._hand_out()
        return call

    def next(self, timeout: float | None = None) -> Call[Any] | None:
        """Return a call that has ended, each once; wait until there is one.

        Return None if the time is up, or if all calls have been returned.
        """
        with held_back():
            self._hand_out()
        due = math.inf if timeout is None else time.monotonic() + timeout
        while not self._ended:
            if len(self._workers) == len(self._idle):
                return None
            now = time.monotonic()
            left = max(0, due - now)
            asked = [w for w in self._workers if w.call and w.call.asked]
            pauses = [min(ASK_AGAIN, max(0, w.call.due - now)) for w in asked if w.call]
            pause = min([left, LONGEST_SELECT, *pauses])
            never = timeout is None and not asked
            ready = self._selector.select(None if never else pause)
            if not ready and pause == left:
                return None
            with held_back():
                for worker in asked:
                    self._ask_again(worker, in_time=not ready)
                for key, _ in ready:
                    self._take(key.data)
                self._hand_out()
        call = self._ended.popleft()
        if call.error is not None:
            self._taken.append(call.error)
        return call

    def as_ended(self) -> Iterator[Call[Any]]:
        """Yield the calls as they end."""
        while (call := self.next()) is not None:
            yield call

    def cancel(self, call: Call[Any] | None = None) -> None:
        """Ask a call to stop; without one, all calls. No further call begins then."""
        with held_back():
            self._cancel(call)

    def _cancel(self, call: Call[Any] | None) -> None:
        if call is None:
            self.stopped = True
        for each in [c for c in self._waiting if call in (None, c)]:
            self._waiting.remove(each)
            each.asked, each.error = True, CancelledError()
            self._end(each)
        for worker in self._workers:
            running = worker.call
            if running and call in (None, running) and not running.asked:
                running.asked, running.due = True, time.monotonic() + PATIENCE
                worker.process.terminate()

    def _ask_again(self, worker: _Worker, *, in_time: bool) -> None:
        """Kill the process of a call whose time is up; otherwise, ask it once more.

        It is not asked while other workers have something to say (``in_time``).
        """
        if worker.call and time.monotonic() >= worker.call.due:
            worker.call.due = math.inf
            worker.process.kill()
        elif in_time:
            worker.process.terminate()

    def kill(self) -> None:
        """Cancel all calls without a cleanup: kill their processes at once."""
        with held_back():
            self.killed = True
            self._cancel(None)
            for worker in self._workers:
                worker.process.kill()

    def fail(self, error: BaseException) -> None:
        """Keep an error, which the block will raise, and cancel all calls."""
        if not any(error is known for known in self._errors):
            self._errors.append(error)
        self.cancel()

    def failed(self, call: Call[Any]) -> bool:
        """Return whether a call of a race has failed.

        The block raises what ends the race as a whole: a cancellation that was not
        asked for, an error that is not an Exception, and an error of a cleanup.
        """
        error = call.error
        if isinstance(error, CancelledError) or not isinstance(error, Exception):
            if error is not None and not call.obeyed:
                self.fail(error)
        elif self.stopped and of_cleanup(error, CancelledError):
            self.fail(error)
        return error is not None

    def _hand_out(self) -> None:
        """Give calls to free workers, unless the block has yet to learn of an error."""
        if any(call.error is not None for call in self._ended):
            return
        while self._waiting and not self.stopped:
            if self._idle:
                worker = self._idle.pop()
            elif len(self._workers) < self.most:
                worker = _Worker()
                self._workers.add(worker)
                self._selector.register(worker.pipe, selectors.EVENT_READ, worker)
            else:
                break
            worker.call = call = self._waiting.popleft()
            # If it has died, its pipe says so.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                worker.pipe.send_bytes(call.pickled)
            call.pickled = b""

    def _take(self, worker: _Worker) -> None:
        """Take the result of a worker's call, or learn that the worker has died."""
        call, worker.call = worker.call, None
        try:
            data = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            if worker in self._idle:
                self._idle.remove(worker)
            self._retire(worker)
            worker.wait_for_end()
            worker.process.join()
            if call is not None:
                code = worker.process.exitcode
                call.error = WorkerDied(f"the process has ended with code {code}")
                # SIGTERM ends a process in which the call had not begun yet.
                if call.asked and (self.killed or code == -signal.SIGTERM):
                    call.error = CancelledError()
                self._end(call)
            return
        assert call is not None
        try:
            call.value, packed = pickle.loads(data)
            call.error = unpack(packed)
        except Exception as error:
            error.add_note("raised while the result of a call was unpickled")
            call.error = error
        if call.asked:  # a late signal must not reach another call
            self._retire(worker)
        else:
            self._idle.append(worker)
        self._end(call)

    def _end(self, call: Call[Any]) -> None:
        call.ended = True
        self._ended.append(call)

    def _retire(self, worker: _Worker) -> None:
        """Let a process end, which gets no further call."""
        self._selector.unregister(worker.pipe)
        worker.close()
        self._workers.discard(worker)
        self._leaving.add(worker)

    def __enter__(self) -> Pool:
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
            except BaseException as again:  # of a signal handler
                if first is not None:
                    self._abandon()
                    raise
                first = again
        self._selector.close()
        of_call = any(first is taken for taken in self._taken)
        if first is not None and (of_call or not isinstance(first, CancelledError)):
            self._errors.insert(0, first)
        errors = [e for i, e in enumerate(self._errors) if e not in self._errors[:i]]
        if errors and errors != [first]:
            raise BaseExceptionGroup("errors of calls", errors) from None
        if first is not None and first is not error:
            raise first

    def _finish(self) -> None:
        """Wait for all calls, then for all processes."""
        while len(self._workers) > len(self._idle) or self._ended:
            call = self.next()
            if call and call.error is not None and not call.obeyed:
                self.fail(call.error)
        for worker in list(self._workers):
            self._retire(worker)
        while self._leaving:
            worker = next(iter(self._leaving))
            worker.wait_for_end()
            with held_back():  # or the exit code might be lost
                worker.process.join()
                self._leaving.discard(worker)
                worker.process.close()

    def _abandon(self) -> None:
        """Kill all processes, and wait for none: there may be more to interrupt it.

        Were they left, they would wait for calls, and the end of the program for them.
        """
        with held_back():
            for worker in self._workers | self._leaving:
                worker.process.kill()
                worker.close()
            self._selector.close()


def _close(end: Connection) -> None:
    _ends.discard(end)
    end.close()


# In the worker process

_running = _asked = False


def _work(pipe: Connection) -> None:
    """Make calls until the other end of the pipe is closed."""
    global _running, _asked
    _running = _asked = False
    for end in _ends - {pipe}:
        end.close()
    _ends.intersection_update({pipe})
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller gets it, and cancels
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send_bytes(_made(pipe.recv_bytes()))


def _made(call: bytes) -> bytes:
    """Make a call, and return its pickled result and error."""
    global _running
    value, failed = None, None
    try:
        function, args = pickle.loads(call)
        try:
            _running = True
            if _asked:
                raise CancelledError
            value = function(*args)
        finally:
            _running = False
    except BaseException as error:
        failed = error
    try:
        return bytes(ForkingPickler.dumps((value, pack(failed))))
    except Exception as error:
        error.add_note(f"raised while this was pickled: {failed or value!r}")
        return bytes(ForkingPickler.dumps((None, pack(error))))


def _terminated(*_: object) -> None:
    """Cancel the call that runs, or the one that begins. Later signals do nothing."""
    global _asked
    first, _asked = not _asked, True
    if first and _running:
        raise CancelledError
