"""A place where code of one paradigm runs in virtual time.

A subclass implements the methods that begin with ``native_``, and `here` and `now`.
While it runs the answer, it calls the methods under "For worlds", which keep the books.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, TypeVar

from ..trace import Recorder, Trace
from .errors import (
    Deadlock,
    LostError,
    NotCovered,
    Raised,
    StillAlive,
    broken_code,
    leaves,
)
from .job import Job
from .waits import LIBRARIES

E = TypeVar("E", bound=BaseException)

CANCELLED = "cancelled"
"""The result of `World.run` if the cancellation that the test asked for ended it."""


@dataclass
class Run:
    """The state of one run of a world."""

    title: str = ""
    cancel_at: tuple[float, ...] = ()
    cancel_at_wait: int | None = None
    cancelled_at: float | None = None
    returned_at: float = -1.0
    given_up: bool = False
    """True if the world put an end to an answer that would not have ended."""
    names: MutableMapping[object, str] = field(default_factory=dict[object, str])
    """The names of the native actors that are watched."""
    became: dict[str, Callable[[], str]] = field(
        default_factory=dict[str, Callable[[], str]]
    )
    """By name, how to find out how a native actor ended."""
    alive: dict[object, str] = field(default_factory=dict[object, str])
    """The jobs that have begun and not ended."""
    left: list[str] = field(default_factory=list[str])
    """The names of what was alive when the answer ended."""
    mark: int = 0
    """The number of events in the trace when the answer ended."""
    lost: list[BaseException] = field(default_factory=list[BaseException])
    calls: list[Any] = field(default_factory=list[Any])
    """The coroutines of jobs that were called."""


class _Called:
    """A native job that remembers its calls, for `World._lose_calls`.

    Libraries ask ``inspect.iscoroutinefunction`` before they call. It takes an object
    with the attributes of a function for one, and looks at its code.
    """

    __defaults__ = __kwdefaults__ = None

    def __init__(
        self, native: Callable[..., Any], traced: Callable[..., Any], world: World
    ) -> None:
        functools.update_wrapper(self, native)
        self.__annotations__ = {}
        self.__code__ = getattr(native, "__code__", traced.__code__)
        self._native = native
        self._world = world

    def __call__(self, *args: Any) -> Any:
        call = self._native(*args)
        self._world.this_run.calls.append(call)
        return call


class World(ABC):
    """A place where code of one paradigm runs in virtual time.

    A world may run several things one after the other; each begins at 0 s, with an
    empty trace.
    """

    name: ClassVar[str]
    Cancelled: type[BaseException]
    """The exception in which a cancellation reaches a job of this world."""
    TimedOut: type[BaseException] = TimeoutError
    """The exception that an expired timeout of a job's own raises."""
    kind: ClassVar[str]
    """The kind of its native actors: ``task``, ``thread``, ``greenlet``."""
    absent: ClassVar[Mapping[str, str]] = {}
    """Why its jobs cannot do ``together``, ``in_thread`` or ``readable``, by name."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """The packages of its library: a deadlock names the line outside of them."""
    patience = 1.5
    """Real seconds that it waits for bytes from outside before it raises Deadlock."""
    order: ClassVar[str]
    """The order in which actors that are ready at one instant run: a sentence."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        LIBRARIES.update(cls.libraries)

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        self._answer = answer
        self.trace = Trace(self.now, self._whose)
        self.watching = False
        """True if the next run notes native actors in the trace, which costs time."""
        self.broken: BaseException | None = None
        """An error of broken code that a run ended with or lost: a NameError, say."""
        self.this_run = Run()
        self._planned: list[tuple[float, Callable[[], None]]] = []
        self._running = False

    # For tests

    @property
    def answer(self) -> Callable[..., Any]:
        """The answer under test: a native callable of the study's own colour."""
        if self._answer is None:
            raise LookupError(
                "this world has no answer: it was not asked for by a module "
                "test_<topic>.py of a topic that the study answers"
            )
        return self._answer

    @property
    def returned_at(self) -> float:
        """The instant at which the last answer returned or raised."""
        return self.this_run.returned_at

    @property
    def cancelled_at(self) -> float | None:
        """The instant at which the last answer was first cancelled from outside."""
        return self.this_run.cancelled_at

    @abstractmethod
    def here(self) -> object:
        """Return the native actor that runs now: a task, a greenlet, a thread."""

    @abstractmethod
    def now(self) -> float:
        """Return virtual seconds since the world began to run, to the nanosecond."""

    def job(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        """Recolour ``async def job(w, ...)`` into a native callable of this world.

        The job waits through ``w`` only. Its start, its sleeps and its end are in the
        trace under ``name(arguments)``.
        """

        async def traced(*args: Any) -> Any:
            args, w = self.enter_job(function, args)
            with self._in_trace(w.actor):
                return await function(w, *args)

        native = self.native_function(traced)
        native.__name__ = native.__qualname__ = function.__name__
        if self.colour == "plain":  # a call runs, so it cannot be forgotten
            return native
        return _Called(native, traced, self)

    def blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Trace an ordinary blocking function, which may call ``time.sleep``."""

        def traced(*args: Any) -> Any:
            with self._in_trace(_actor(function, args)):
                return function(*args)

        traced.__name__ = traced.__qualname__ = function.__name__
        return traced

    def recorder(self, name: str = "say") -> Recorder:
        """Return a plain callable that records ``(instant, *arguments)``; a list."""
        return Recorder(self.trace, name, self.now)

    def at(self, seconds: float, callback: Callable[..., None], *args: Any) -> None:
        """Call ``callback(*args)`` at that virtual instant of the (next) run.

        It is not part of the answer, which may end before that instant. An error in it
        fails the run.
        """

        def guarded() -> None:
            try:
                callback(*args)
            except BaseException as error:
                self.lose(error)

        if self._running:
            self.native_call_at(seconds, guarded)
        else:
            self._planned.append((seconds, guarded))

    def run(
        self,
        function: Callable[..., Any],
        *args: Any,
        cancel_at: float | tuple[float, ...] | None = None,
        cancel_at_wait: int | None = None,
    ) -> Any:
        """Run native ``function(*args)`` to its end and return what it returns.

        Args:
            cancel_at: Cancel the call from outside at that virtual second, the way the
                paradigm has for it. Several instants cancel it several times.
            cancel_at_wait: Cancel it the n-th time that the caller waits, counted from
                1. `cancelled_at` is None if it waited less often.

        Returns:
            The function's result, or `CANCELLED` if a cancellation ended it.

        Raises:
            Deadlock: Nothing can ever run again.
            StillAlive: Something outlived the call.
            LostError: An error reached neither the caller nor any waiter.
            BaseException: The error of ``function``, bare or in a group.
        """
        __tracebackhide__ = True
        if self._running:
            raise RuntimeError("this world runs already; a job calls by `w.call`")
        self._check_colour(function)
        title = _named(function)
        kind = self.native_kind(function)
        self.trace.begin(title, kind, watching=self.watching)
        run = self.this_run = Run(
            title,
            cancel_at if isinstance(cancel_at, tuple) else (),
            cancel_at_wait,
            names=self.new_names(),
        )
        if isinstance(cancel_at, int | float):
            run.cancel_at = (cancel_at,)
        run.cancelled_at = min(run.cancel_at, default=None)
        self._running = True
        try:
            value, error = self.native_run(function, args)
        finally:
            self._running = False
            self._planned.clear()
        self._lose_calls()
        for each in (error, *run.lost):
            self.broken = self.broken or broken_code(each)
        if not run.given_up and not isinstance(error, Deadlock):
            self.trace.answered(title, self.how_it_ended(error), run.returned_at)
        if isinstance(error, Deadlock):
            raise error
        events = self.trace.events[run.mark :]
        late = [f"{e.actor}: {e.what} at {e.at:g} s" for e in events]
        if run.left or late:
            story = "\n".join(
                [f"  {name} was alive" for name in run.left]
                + [f"  afterwards, {line}" for line in late]
            )
            raise StillAlive(
                f"the answer ended at {run.returned_at:g} s, but\n{story}"
            ) from error
        for lost in run.lost:
            if not isinstance(lost, Exception):  # Ctrl-C, pytest.fail in a callback
                raise lost
        if run.lost:
            raise LostError(f"lost: {run.lost!r}") from run.lost[0]
        if run.cancelled_at is not None and isinstance(error, self.Cancelled):
            return CANCELLED
        if error is not None:
            raise error
        return value

    def _lose_calls(self) -> None:
        """Report jobs that were called and never awaited.

        Python warns of them as well, but only when they are collected: perhaps much
        later, in another test.
        """
        for call in self.this_run.calls:
            if inspect.iscoroutine(call):
                forgotten = inspect.getcoroutinestate(call) == inspect.CORO_CREATED
            else:
                forgotten = inspect.getgeneratorstate(call) == inspect.GEN_CREATED
            if forgotten:
                call.close()
                self.lose(RuntimeError(f"{call.__name__} was called, never awaited"))

    @contextlib.contextmanager
    def raises(self, expected: type[E]) -> Generator[Raised[E]]:
        """Expect errors of a type, as ``pytest.raises`` does, also in a group.

        Another error beside the expected ones passes through.
        """
        raised: Raised[E] = Raised()
        try:
            yield raised
        except BaseException as error:
            found = leaves(error)
            raised.errors = [e for e in found if isinstance(e, expected)]
            if len(raised.errors) < len(found):
                raise
        else:
            raise AssertionError(f"{expected.__name__} was not raised")

    def source(self, descriptor: int) -> BinaryIO:
        """Return a readable binary file over a real descriptor, which it closes."""
        return os.fdopen(descriptor, "rb")

    # For worlds

    colour: ClassVar[str] = "plain"
    """The kind of function that `run` takes: ``plain``, ``async`` or ``any``."""

    def _check_colour(self, function: Any) -> None:
        """Refuse a function of another kind before it does anything."""
        __tracebackhide__ = True
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()
            raise TypeError(f"run takes a function and its arguments, not {function!r}")
        bare: Any = inspect.unwrap(function)
        is_async = inspect.iscoroutinefunction(bare)
        # A lambda or an object may still return a coroutine, so only functions count.
        tells = inspect.isroutine(bare) and bare.__name__ != "<lambda>"
        wrong = not is_async if self.colour == "async" else is_async
        if tells and wrong and self.colour != "any":
            raise TypeError(
                f"the world {self.name!r} runs {self.colour} functions, "
                f"and {bare.__name__} is not one"
            )

    # A world implements

    @abstractmethod
    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        """Return the native callable that does what this coroutine function does."""

    @abstractmethod
    def native_job(self, actor: str) -> Job:
        """Return the ``w`` of a job of this name."""

    @abstractmethod
    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back at that instant of the run, outside of every actor."""

    @abstractmethod
    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        """Run the answer from instant 0; return its value, or its error.

        1. Schedule what the test has planned: `call_planned`.
        2. Say how the answer is cancelled: `cancel_by`. Run what `counted` makes of it.
        3. At the instant at which it has returned or raised, before anything is torn
           down, report what is still alive: `note_end`.
        4. Tear down. If nothing can ever run again, the error is a `Deadlock`. Errors
           that nothing has taken go to `lose`.

        A KeyboardInterrupt may be raised instead of returned.
        """

    def native_kind(self, native: object) -> str:
        """Return the kind of a native actor, or of the one that runs this function."""
        return self.kind

    def new_names(self) -> MutableMapping[object, str]:
        """Return the mapping in which a run keeps the names of its native actors."""
        return {}

    def enter_job(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Job]:
        """Return the job's own arguments, and its ``w``."""
        return args, self.native_job(_actor(function, args))

    # For worlds

    def call_planned(self) -> None:
        """Schedule the calls that the test has planned before the run."""
        for seconds, callback in self._planned:
            self.native_call_at(seconds, callback)

    def cancel_by(self, cancel: Callable[[], object]) -> None:
        """Cancel the answer by this call, when the test asks for it."""
        self.cancel_answer = cancel
        for instant in self.this_run.cancel_at:
            self.native_call_at(instant, self._cancel_now)

    def _cancel_now(self) -> None:
        if self.this_run.cancelled_at is None:
            self.this_run.cancelled_at = self.now()
        self.cancel_answer()

    def count_wait(self) -> None:
        """Count a wait of the answer; cancel it in the one that the test names."""
        assert self.this_run.cancel_at_wait is not None
        self.this_run.cancel_at_wait -= 1
        if self.this_run.cancel_at_wait == 0:
            self._cancel_now()

    def counted(self, waiting: Any) -> Any:
        """Return an awaitable that counts the waits of another, if that is asked for.

        The cancellation comes before the wait begins. So it is delivered in that wait.
        """
        if self.this_run.cancel_at_wait is None:
            return waiting
        return self._counting(waiting)

    @types.coroutine
    def _counting(self, waiting: Any) -> Generator[Any, Any, Any]:
        sent, error = None, None
        while True:
            try:
                wait = waiting.send(sent) if error is None else waiting.throw(error)
            except StopIteration as stop:
                return stop.value
            self.count_wait()
            try:
                sent, error = (yield wait), None
            except BaseException as thrown:
                sent, error = None, thrown

    def lose(self, error: BaseException) -> None:
        """Remember an error that nothing has taken. It fails the run."""
        self.this_run.lost.append(error)

    def note_end(self, natives: list[str]) -> None:
        """Note the actors that are alive at the instant at which the answer ended."""
        run = self.this_run
        run.returned_at = self.now()
        run.left = [*run.alive.values(), *natives]
        run.mark = len(self.trace)
        if self.trace.watching:
            alive = {actor.name for actor in self.trace.actors if actor.end is None}
            for name, became in self.this_run.became.items():
                if name in alive and (how := became()):
                    self.trace.exited(name, how)
            self.trace.close()

    # Native actors, which are watched only on demand

    def _whose(self) -> str:
        """Return the name of the native actor that runs now; "" if it is not ours."""
        try:
            return self.this_run.names.get(self.here(), "")
        except RuntimeError:  # there is none: the world itself calls back
            return ""

    def note_main(self, native: object) -> None:
        """Name the native actor that is the answer itself."""
        if self.trace.watching:
            self.this_run.names[native] = self.this_run.title

    def note_spawned(
        self, native: object, name: str, became: Callable[[], str] = lambda: ""
    ) -> str:
        """Note that the answer has started a native actor, and return its name.

        ``became`` returns how it ended if its end was not noted, or "" if it is alive.
        """
        self.this_run.names[native] = name = self.trace.named(name)
        self.this_run.became[name] = became
        self.trace.spawned(name, self.native_kind(native))
        return name

    def how_it_ended(self, error: BaseException | None) -> str:
        """Return the name of an end with this error: end, error or cancelled."""
        if error is None:
            return "end"
        cancelled = all(isinstance(leaf, self.Cancelled) for leaf in leaves(error))
        return "cancelled" if cancelled else "error"

    @contextlib.contextmanager
    def _in_trace(self, actor: str) -> Generator[None]:
        token = object()
        self.this_run.alive[token] = actor
        self.trace.note(actor, "start")
        try:
            yield
        except self.Cancelled:
            self.trace.note(actor, "cancelled")
            raise
        except BaseException as error:
            self.trace.note(actor, "error", repr(error))
            raise
        else:
            self.trace.note(actor, "end")
        finally:
            self.this_run.alive.pop(token, None)


def driven(
    function: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Any]:
    """Turn a coroutine function that never suspends into a plain function."""

    def native(*args: Any) -> Any:
        coroutine = function(*args)
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value
        coroutine.close()
        raise NotCovered("a job of this world awaits nothing but its own w")

    return native


def _actor(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    return f"{_named(function)}({', '.join(map(repr, args))})"


def _named(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))
