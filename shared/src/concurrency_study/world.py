"""The worlds: one way to write a test for every paradigm.

A world runs code that waits (sleeps, joins, reads queues) in **virtual time**. As soon
as everything waits, the clock jumps to the next instant at which something runs. The
code under test is not changed and sees no clock object. It calls ``asyncio.sleep``,
``trio.sleep``, ``gevent.sleep`` or ``time.sleep`` as usual.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import linecache
import os
import sysconfig
import threading
import time
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, MutableMapping
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, BinaryIO, ClassVar, Generic, TypeVar, cast

from .trace import Recorder, Trace

E = TypeVar("E", bound=BaseException)

PATIENCE = 5.0
"""Real seconds that a world waits for bytes from outside before it raises Deadlock."""

CANCELLED = "cancelled"
"""The result of `World.run` if the cancellation that the test asked for ended it."""


class Deadlock(RuntimeError):
    """Nothing can ever run again. The message names each waiter and its wait."""

    def __init__(self, waiters: list[str]) -> None:
        listed = "".join(f"\n  {waiter}" for waiter in waiters) or "\n  (none is known)"
        super().__init__(
            "nothing can ever run again: everything waits, and no timer or input will "
            f"end a wait. Let one waiter wake another. Waiting:{listed}"
        )
        self.waiters = waiters


class StillAlive(AssertionError):
    """Something that the answer started was alive when the answer had ended."""


class LostError(AssertionError):
    """An error that reached neither the caller nor any waiter."""


class NotCovered(RuntimeError):
    """The code used something that this world does not have in virtual time."""


class Job(ABC):
    """The view that a job has of its world: the ``w`` in ``async def job(w, ...)``."""

    def __init__(self, world: World, actor: str) -> None:
        self.world = world
        self.actor = actor
        self.Cancelled = world.Cancelled

    def now(self) -> float:
        """Return virtual seconds since the world began to run."""
        return self.world.now()

    def note(self, detail: str) -> None:
        """Write a note of the job's own into the trace."""
        self.world.trace.note(self.actor, "note", detail)

    async def sleep(self, seconds: float) -> None:
        """Wait, in the world's own way.

        Raises:
            BaseException: ``w.Cancelled``, if the job is cancelled meanwhile.
        """
        self.world.trace.note(self.actor, "sleep", f"{seconds:g} s")
        await self._sleep(seconds)
        self.world.trace.note(self.actor, "wake")

    async def forever(self) -> None:
        """Wait until cancelled. If nothing else can run, the run fails: `Deadlock`."""
        self.world.trace.note(self.actor, "sleep", "for ever")
        await self._forever()

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a native callable, as code of this world does, and return its result."""
        return await _Native(function(*args))

    def shield(self) -> AbstractContextManager[object]:
        """Return a block in which a job that is being cancelled may wait.

        Where cancellation is a level (trio, AnyIO, the generators' kernel), it is a
        shielded scope. Where it is an event, delivered once, nothing is needed.
        """
        return contextlib.nullcontext()

    def unrequested(self) -> BaseException:
        """Return the library's cancellation exception, to raise without a request."""
        return self.Cancelled()

    async def time_out(self, seconds: float) -> None:
        """Wait in a timeout of the job's own, by the library's usual means.

        Raises:
            BaseException: ``world.TimedOut``, after ``seconds``.
        """
        self.world.trace.note(self.actor, "sleep", f"{seconds:g} s, then time out")
        await self._time_out(seconds)

    async def _time_out(self, seconds: float) -> None:
        await self._sleep(seconds)
        raise TimeoutError

    @abstractmethod
    async def _sleep(self, seconds: float) -> None: ...

    @abstractmethod
    async def _forever(self) -> None: ...


class _Native:
    """The result of a native call: a coroutine, a generator, or the value itself."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __await__(self) -> Generator[Any, Any, Any]:
        if inspect.iscoroutine(self._given):
            return self._given.__await__()
        return self._wait()

    def _wait(self) -> Generator[Any, Any, Any]:
        if inspect.isgenerator(self._given):
            return (yield from cast(Generator[Any, Any, Any], self._given))
        return self._given


class Raised(Generic[E]):
    """The errors that `World.raises` caught."""

    def __init__(self) -> None:
        self.errors: list[E] = []
        """Every error of the expected type, those inside groups included."""

    @property
    def value(self) -> E:
        """The only one of them. Raises AssertionError if there are several or none."""
        assert len(self.errors) == 1, f"one error was expected: {self.errors!r}"
        return self.errors[0]


class _Called:
    """A native job that remembers its calls, for `World._lose_calls`.

    Libraries ask ``inspect.iscoroutinefunction`` before they call. It takes an object
    with the attributes of a function for one, and looks at its code.
    """

    __defaults__ = __kwdefaults__ = None

    def __init__(
        self, native: Callable[..., Any], traced: Callable[..., Any], calls: list[Any]
    ) -> None:
        functools.update_wrapper(self, native)
        self.__annotations__ = {}
        self.__code__ = getattr(native, "__code__", traced.__code__)
        self._native = native
        self._calls = calls

    def __call__(self, *args: Any) -> Any:
        call = self._native(*args)
        self._calls.append(call)
        return call


_libraries: set[str] = set()
"""The installed packages that no deadlock is blamed on; worlds add their own."""


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
    libraries: ClassVar[tuple[str, ...]] = ()
    """The packages of its library: a deadlock names the line outside of them."""
    order: ClassVar[str]
    """The order in which actors that are ready at one instant run: a sentence."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _libraries.update(cls.libraries)

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        self._answer = answer
        self.trace = Trace(self.now, self._whose)
        self.watching = False
        """True if the next run notes native actors in the trace, which costs time."""
        self.cancelled_at: float | None = None
        """The instant at which the last answer was first cancelled from outside."""
        self._cancel_at: tuple[float, ...] = ()
        self._cancel_at_wait: int | None = None
        self._names: MutableMapping[object, str] = {}
        self._became: dict[str, Callable[[], str]] = {}
        self._title = ""
        self.returned_at = -1.0
        """The instant at which the last answer returned or raised."""
        self._planned: list[tuple[float, Callable[[], None]]] = []
        self._running = False
        self._given_up = False
        """True if the world put an end to an answer that would not have ended."""
        self._alive: dict[object, str] = {}
        self._left: list[str] = []
        self._mark = 0
        self._lost: list[BaseException] = []
        self._calls: list[Any] = []
        """The coroutines of jobs that the last run has called."""

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
            args, w = self._enter(function, args)
            with self._in_trace(w.actor):
                return await function(w, *args)

        native = self._recolour(traced)
        native.__name__ = native.__qualname__ = function.__name__
        if self.colour == "plain":  # a call runs, so it cannot be forgotten
            return native
        return _Called(native, traced, self._calls)

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
            self._call_at(seconds, guarded)
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
        self._title = _named(function)
        kind = self._kind_of(function)
        self.trace.begin(self._title, kind, watching=self.watching)
        self._cancel_at = cancel_at if isinstance(cancel_at, tuple) else ()
        if isinstance(cancel_at, int | float):
            self._cancel_at = (cancel_at,)
        self._cancel_at_wait = cancel_at_wait
        self.cancelled_at = min(self._cancel_at, default=None)
        self._names.clear()
        self._became.clear()
        self._alive.clear()
        self._calls.clear()
        self._left, self._lost, self._mark = [], [], 0
        self._running, self._given_up = True, False
        try:
            value, error = self._run(function, args)
        finally:
            self._running = False
            self._planned.clear()
        self._lose_calls()
        if not self._given_up and not isinstance(error, Deadlock):
            self.trace.answered(self._title, self._how(error), self.returned_at)
        if isinstance(error, Deadlock):
            raise error
        late = [f"{e.actor}: {e.what} at {e.at:g} s" for e in self._late()]
        if self._left or late:
            story = "\n".join(
                [f"  {name} was alive" for name in self._left]
                + [f"  afterwards, {line}" for line in late]
            )
            raise StillAlive(
                f"the answer ended at {self.returned_at:g} s, but\n{story}"
            ) from error
        for lost in self._lost:
            if not isinstance(lost, Exception):  # Ctrl-C, pytest.fail in a callback
                raise lost
        if self._lost:
            raise LostError(f"lost: {self._lost!r}") from self._lost[0]
        if self.cancelled_at is not None and isinstance(error, self.Cancelled):
            return CANCELLED
        if error is not None:
            raise error
        return value

    def _lose_calls(self) -> None:
        """Report jobs that were called and never awaited.

        Python warns of them as well, but only when they are collected: perhaps much
        later, in another test.
        """
        for call in self._calls:
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

    @abstractmethod
    def _run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        """Run the answer from instant 0; return its value, or its error.

        Schedules `_planned`, hands the way to cancel the answer to `_cancel_by`, calls
        `_ended` at the instant at which the answer returned or raised (before anything
        is torn down) and tears down.
        """

    def _cancel_by(self, cancel: Callable[[], object]) -> None:
        """Cancel the answer by this call, when the test asks for it."""
        self._cancel = cancel
        for instant in self._cancel_at:
            self._call_at(instant, self._cancel_now)

    def _cancel_now(self) -> None:
        if self.cancelled_at is None:
            self.cancelled_at = self.now()
        self._cancel()

    def _waited(self) -> None:
        """Count a wait of the answer; cancel it in the one that the test names."""
        assert self._cancel_at_wait is not None
        self._cancel_at_wait -= 1
        if self._cancel_at_wait == 0:
            self._cancel_now()

    def _counted(self, waiting: Any) -> Any:
        """Return an awaitable that counts the waits of another, if that is asked for.

        The cancellation comes before the wait begins. So it is delivered in that wait.
        """
        return waiting if self._cancel_at_wait is None else self._counting(waiting)

    @types.coroutine
    def _counting(self, waiting: Any) -> Generator[Any, Any, Any]:
        sent, error = None, None
        while True:
            try:
                wait = waiting.send(sent) if error is None else waiting.throw(error)
            except StopIteration as stop:
                return stop.value
            self._waited()
            try:
                sent, error = (yield wait), None
            except BaseException as thrown:
                sent, error = None, thrown

    @abstractmethod
    def _call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back at that instant, natively, while the world runs."""

    @abstractmethod
    def _recolour(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        """Return the native callable that does what this coroutine function does."""

    @abstractmethod
    def _job(self, actor: str) -> Job: ...

    def _enter(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Job]:
        """Return the job's own arguments, and its ``w``."""
        return args, self._job(_actor(function, args))

    def lose(self, error: BaseException) -> None:
        """Remember an error that nothing has taken. It fails the run."""
        self._lost.append(error)

    def _ended(self, natives: list[str]) -> None:
        """Note the actors that are alive at the instant at which the answer ended."""
        self.returned_at = self.now()
        self._left = [*self._alive.values(), *natives]
        self._mark = len(self.trace)
        if self.trace.watching:
            alive = {actor.name for actor in self.trace.actors if actor.end is None}
            for name, became in self._became.items():
                if name in alive and (how := became()):
                    self.trace.exited(name, how)
            self.trace.close()

    # Native actors, which are watched only on demand

    def _whose(self) -> str:
        """Return the name of the native actor that runs now; "" if it is not ours."""
        try:
            return self._names.get(self.here(), "")
        except RuntimeError:  # there is none: the world itself calls back
            return ""

    def _is_main(self, native: object) -> None:
        """Name the native actor that is the answer itself."""
        if self.trace.watching:
            self._names[native] = self._title

    def _spawned(
        self, native: object, name: str, became: Callable[[], str] = lambda: ""
    ) -> str:
        """Note that the answer has started a native actor, and return its name.

        ``became`` returns how it ended if its end was not noted, or "" if it is alive.
        """
        self._names[native] = name = self.trace.named(name)
        self._became[name] = became
        self.trace.spawned(name, self._kind_of(native))
        return name

    def _kind_of(self, native: object) -> str:
        """Return the kind of a native actor, or of the one that runs this function."""
        return self.kind

    def _how(self, error: BaseException | None) -> str:
        """Return the name of an end with this error: end, error or cancelled."""
        if error is None:
            return "end"
        cancelled = all(isinstance(leaf, self.Cancelled) for leaf in leaves(error))
        return "cancelled" if cancelled else "error"

    def _late(self) -> list[Any]:
        return self.trace.events[self._mark :]

    @contextlib.contextmanager
    def _in_trace(self, actor: str) -> Generator[None]:
        token = object()
        self._alive[token] = actor
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
            self._alive.pop(token, None)


class LoopWorld(World):
    """A world whose paradigm has an event loop in one thread, and worker threads.

    ``time.monotonic``, ``perf_counter``, ``time`` (and their ``_ns``) return virtual
    time while it runs, in the loop's thread and in its workers. ``time.sleep`` on the
    loop's thread blocks the whole loop, as in real time. In a worker thread it is a
    virtual sleep. Virtual time does not pass while a worker thread really works.

    Not covered are the other waits of a worker thread. ``Event.wait(1)`` takes a real
    second there, and virtual time does not pass meanwhile. A worker that waits for a
    later action of the loop waits for ever. Threads that the loop did not start are in
    real time.
    """

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        super().__init__(answer)
        self.clock = 0.0
        """The virtual time, in seconds."""
        self.busy = 0
        """Worker threads that have been given work and are not asleep."""
        self._thread = -1
        self._workers: set[int] = set()
        self._worker_names: dict[int, str] = {}

    def now(self) -> float:
        return round(self.clock, 9)

    @abstractmethod
    def _from_worker(self, callback: Callable[[], None]) -> None:
        """Have this called on the loop's thread soon. This method is thread-safe."""

    def as_worker(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function that a worker will call, so that it sleeps virtually."""

        # On the loop's thread, so that numbers are the same in every run.
        name = self.trace.named("thread") if self.trace.watching else ""

        def working(*args: Any, **kwargs: Any) -> Any:
            ident = threading.get_ident()
            self._workers.add(ident)
            self._worker_names[ident] = name
            self.trace.spawned(name, WORKER)
            how = "error"
            try:
                value = function(*args, **kwargs)
                how = "end"
                return value
            finally:
                self.trace.exited(name, how)
                self._workers.discard(ident)

        return working

    def _whose(self) -> str:
        ident = threading.get_ident()
        if ident != self._thread:
            return self._worker_names.get(ident, "")
        return super()._whose()

    def _hold_up(self, seconds: float) -> None:
        """Move the clock on by the seconds for which the loop is blocked."""
        self.clock += seconds

    def _sleep_in_worker(self, seconds: float) -> None:
        woken = threading.Event()

        def wake() -> None:
            self.busy += 1
            woken.set()

        def fall_asleep() -> None:
            self._call_at(self.clock + max(0.0, seconds), wake)
            self.busy -= 1

        self._from_worker(fall_asleep)
        woken.wait()

    @contextlib.contextmanager
    def _virtual_time(self) -> Generator[None]:
        """Patch the functions of ``time`` while the world runs in this thread."""
        self.clock, self.busy = 0.0, 0
        self._workers.clear()
        self._thread = threading.get_ident()
        real = {name: getattr(time, name) for name in _CLOCKS}

        def mine() -> bool:
            ident = threading.get_ident()
            return ident == self._thread or ident in self._workers

        def sleep(seconds: float) -> None:
            ident = threading.get_ident()
            if ident == self._thread:
                self._hold_up(seconds)
            elif ident in self._workers:
                self._sleep_in_worker(seconds)
            else:
                real["sleep"](seconds)

        def teller(name: str) -> Callable[[], float]:
            scale = 1_000_000_000 if name.endswith("_ns") else 1

            def tell() -> float:
                if not mine():
                    return real[name]()
                return round(self.clock * scale) if scale > 1 else self.clock

            return tell

        for name in _CLOCKS:
            setattr(time, name, sleep if name == "sleep" else teller(name))
        try:
            yield
        finally:
            for name, function in real.items():
                setattr(time, name, function)


WORKER = "worker thread"
"""The kind of a native actor that is a call in a thread beside the loop."""

_CLOCKS = (
    "sleep",
    "time",
    "time_ns",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
)


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


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors inside an exception group, however deep, or the bare error."""
    if isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = error.exceptions  # pyright: ignore
        return [leaf for one in inner for leaf in leaves(one)]
    return [error]


def waits_at(frames: list[FrameType]) -> str:
    """Return where an actor waits: the line of the user's code, and the call in it.

    ``frames`` go from the outermost to the innermost.
    """
    if not frames:
        return "nowhere"
    own = [f for f in frames if not _is_library(f.f_code.co_filename)]
    frame = (own or frames)[-1]
    path, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(path, line).strip()
    inner = frames[-1].f_code
    called = f", in {inner.co_qualname}" if own and inner is not frame.f_code else ""
    return f"{os.path.basename(path)}:{line}: {source}{called}"


def coroutine_frames(coroutine: Any) -> list[FrameType]:
    """Return the frames of a suspended coroutine or generator, outermost first."""
    frames: list[FrameType] = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(
            coroutine, "gi_frame", None
        )
        if frame is not None:
            frames.append(frame)
        coroutine = getattr(coroutine, "cr_await", None) or getattr(
            coroutine, "gi_yieldfrom", None
        )
    return frames


_STDLIB = sysconfig.get_path("stdlib") + os.sep
_INSTALLED = (
    sysconfig.get_path("purelib") + os.sep,
    sysconfig.get_path("platlib") + os.sep,
)
_OURS = os.path.dirname(__file__) + os.sep


def _is_library(path: str) -> bool:
    for folder in _INSTALLED:
        if path.startswith(folder):
            return path.removeprefix(folder).split(os.sep)[0] in _libraries
    if path.startswith(_OURS):
        return not path.startswith(_OURS + "topics")
    return path.startswith((_STDLIB, "<frozen"))


def _actor(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    return f"{_named(function)}({', '.join(map(repr, args))})"


def _named(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))
