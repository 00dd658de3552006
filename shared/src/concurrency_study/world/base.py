"""A place where code of one paradigm runs in virtual time.

A subclass implements the methods that begin with ``native_``, and `here` and `now`.
While it runs the answer, it calls the methods under "For worlds", which keep the books.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import sys
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
    TimeLimit,
    Unwind,
    alive_line,
    broken_code,
    leaves,
)
from .job import Job
from .schedules import SLACK, Explored, Schedule, Step, explore
from .waits import LIBRARIES

E = TypeVar("E", bound=BaseException)

CANCELLED = "cancelled"
"""The result of `World.run` if the cancellation that the test asked for ended it."""

LEFTOVERS = ("refuse", "allow")
"""The ways to treat actors that outlive the answer: fail, or end them quietly."""

# The limits of a run that has none of its own (`within`). A program that sleeps for
# years makes few jumps, and one that polls every 10 ms for an hour stays within a day.
# A heartbeat beside a wait that never ends has no end but these.
LONG = 86_400.0
"""Virtual seconds after which a run may not make more than `MANY` jumps."""
MANY = 50_000
MOST = 2_000_000
"""The number of jumps that a run may make at any time."""
GRACE = 3600.0
"""Virtual seconds for the cleanup of an answer that has reached its limit."""


@dataclass
class Run:
    """The state of one run of a world."""

    title: str = ""
    cancel_at: tuple[float, ...] = ()
    cancel_at_wait: int | None = None
    cancelled_at: float | None = None
    returned_at: float = -1.0
    leftovers: str = "refuse"
    within: float | None = None
    jumps: int = 0
    """The number of jumps of the clock, in a world that reports them."""
    limit: TimeLimit | None = None
    """The error of a run that has reached its limit of virtual time."""
    given_up: bool = False
    """True if the world put an end to an answer that would not have ended."""
    names: MutableMapping[object, str] = field(default_factory=dict[object, str])
    """The names of the native actors that are watched."""
    mark: int = 0
    """The number of events in the trace when the answer ended."""

    def __post_init__(self) -> None:
        self.became: dict[str, Callable[[], str]] = {}
        """By name, how to find out how a native actor ended."""
        self.alive: dict[object, str] = {}
        """The jobs that have begun and not ended."""
        self.left: list[str] = []
        """The names of what was alive when the answer ended."""
        self.lost: list[BaseException] = []
        self.calls: list[Any] = []
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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = self._native(*args, **kwargs)
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
    leftovers = "refuse"
    """The option ``leftovers`` of runs that do not give it."""
    within: float | None = None
    """The option ``within`` of runs that do not give it."""
    tells_jumps = False
    """True if the world asks `may_jump` before each jump of its clock."""
    counts_waits: ClassVar[bool] = True
    """True if the world can cancel a call in one of its waits (`cancel_at_wait`)."""
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
        self.schedule: Schedule | None = None
        """The choices of the next runs; None: actors run in the usual order."""
        self.overlooked: StillAlive | None = None
        """Leftovers of a run that raised the error of the answer instead."""
        self.this_run = Run()
        self.cancel_answer: Callable[[], object] = _nothing
        self._planned: list[tuple[float, Callable[[], None]]] = []

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

        async def traced(*args: Any, **kwargs: Any) -> Any:
            args, w = self.enter_job(function, args)
            with self._in_trace(w.actor):
                return await function(w, *args, **kwargs)

        native = self.native_function(traced)
        native.__name__ = native.__qualname__ = function.__name__
        if self.colour == "plain":  # a call runs, so it cannot be forgotten
            return native
        return _Called(native, traced, self)

    def blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Trace an ordinary blocking function, which may call ``time.sleep``."""

        def traced(*args: Any, **kwargs: Any) -> Any:
            with self._in_trace(_actor(function, args)):
                return function(*args, **kwargs)

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
        /,
        *args: Any,
        cancel_at: float | tuple[float, ...] | None = None,
        cancel_at_wait: int | None = None,
        leftovers: str | None = None,
        within: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run native ``function(*args, **kwargs)`` to its end and return its result.

        A function whose own parameter has the name of an option gets it by
        ``functools.partial(function, within=5)``.

        Args:
            cancel_at: Cancel the call from outside at that virtual second, the way the
                paradigm has for it. Several instants cancel it several times.
            cancel_at_wait: Cancel it the n-th time that the caller waits, counted from
                1. `cancelled_at` is None if it waited less often.
            leftovers: ``"refuse"`` fails the run if something outlives the call.
                ``"allow"`` ends it quietly, as the end of a process ends daemon
                threads. The default is the attribute `leftovers`: ``"refuse"``.
            within: The limit in virtual seconds. A call that does not end before its
                clock passes the limit fails. The default is the attribute `within`.
                If that is None, the run fails after `MOST` jumps of the clock, or
                after `MANY` if a day has passed. ``math.inf`` removes all limits.

        Returns:
            The function's result, or `CANCELLED` if a cancellation ended it.

        Raises:
            Deadlock: Nothing can ever run again.
            TimeLimit: The call did not end within its limit of virtual time.
            StillAlive: Something outlived the call. If the call itself has raised an
                error, that error is raised, with a note that names what was alive.
            LostError: An error reached neither the caller nor any waiter.
            RuntimeError: This world runs already, or an event loop runs here.
            BaseException: The error of ``function``, bare or in a group.
        """
        __tracebackhide__ = True
        self._check_free()
        self._check_colour(function)
        kind = self.native_kind(function)
        self._begin(_named(function), kind, leftovers, within)
        run = self.this_run
        run.cancel_at = cancel_at if isinstance(cancel_at, tuple) else ()
        if isinstance(cancel_at, int | float):
            run.cancel_at = (cancel_at,)
        run.cancelled_at = min(run.cancel_at, default=None)
        run.cancel_at_wait = cancel_at_wait
        if kwargs:
            bound = functools.partial(function, **kwargs)
            function = functools.update_wrapper(bound, function)
        self._running = True
        if self.schedule is not None:
            self.schedule.on = True
        try:
            value, error = self.native_run(function, args)
        except BaseException:
            if run.limit is not None:
                raise run.limit from None
            raise
        finally:
            self._running = False
            self._planned.clear()
        return self._outcome(value, error)

    def explore(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        schedules: int = 1000,
        seconds: float | None = None,
        seed: int = 0,
        slack: float = SLACK,
        replay: str = "",
        cancel: bool = False,
        **options: Any,
    ) -> Explored:
        """Run ``function(*args)`` under many schedules, and raise the first failure.

        A schedule is an order in which the actors run that are ready. The failure has
        a note that tells who was held where, and a token that replays it. Make all
        state in the function, because it is called once for each schedule.

        Args:
            schedules: The number of schedules, at most.
            seconds: The processor time after which no schedule begins.
            seed: Another seed, another sample of schedules.
            slack: Seconds by which timers may fire early in one schedule, as if the
                actors that are ready had taken that long.
            replay: The token of a failure: only that schedule runs.
            cancel: Cancel the call as well: first in each of its waits in the usual
                order, then in a random one of most other schedules.
            options: Those of `run`.

        Raises:
            NotCovered: Calls of this world cannot be cancelled.
            ValueError: The token is not valid, or a number is out of its range.
            BaseException: What `run` raises, under some schedule.
        """
        __tracebackhide__ = True
        if cancel and not self.counts_waits:
            raise NotCovered(
                f"the world {self.name!r} cannot cancel a call in one of its waits, "
                "because nothing cancels a thread; explore it without cancel=True"
            )

        def run(schedule: Schedule) -> None:
            __tracebackhide__ = True
            self.schedule = schedule
            self.watching = watching or schedule.telling
            schedule.noted = self.note_hold
            if schedule.cancel_at_wait:
                options["cancel_at_wait"] = schedule.cancel_at_wait
            else:
                options.pop("cancel_at_wait", None)
            try:
                self.run(function, *args, **options)
            finally:
                schedule.cancelled = (
                    schedule.cancel_at_wait > 0 and self.cancelled_at is not None
                )

        watching = self.watching
        try:
            with self.exploring():
                return explore(
                    run,
                    schedules=schedules,
                    seconds=seconds,
                    seed=seed,
                    slack=slack,
                    replay=replay,
                    cancel=cancel,
                )
        finally:
            self.schedule, self.watching = None, watching

    @classmethod
    def exploring(cls) -> contextlib.AbstractContextManager[object]:
        """Return a block that prepares for runs with a schedule."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def block(
        self, *, leftovers: str | None = None, within: float | None = None
    ) -> Generator[World]:
        """Run the ``with`` block itself in virtual time, in the calling thread.

        The options and the errors are those of `run`.

        Raises:
            NotCovered: This world runs functions only: use `run` or `in_world`.
        """
        __tracebackhide__ = True
        self._check_free()
        self._begin("block", self.kind, leftovers, within)
        error: BaseException | None = None
        self.native_enter()
        self._running = True
        try:
            try:
                yield self
            except BaseException as raised:
                error = raised
            error = self.native_exit(error)
        finally:
            self._running = False
            self._planned.clear()
        self._outcome(None, error)

    def _begin(
        self, title: str, kind: str, leftovers: str | None, within: float | None
    ) -> None:
        """Make the state of a new run, with an empty trace."""
        __tracebackhide__ = True
        leftovers = self.leftovers if leftovers is None else leftovers
        within = self.within if within is None else within
        check_options(leftovers, within)
        self.trace.begin(title, kind, watching=self.watching)
        self.this_run = Run(
            title, leftovers=leftovers, within=within, names=self.new_names()
        )
        self.cancel_answer = _nothing

    def _outcome(self, value: Any, error: BaseException | None) -> Any:
        """Return the value of a run that is over, or raise the error of the run.

        In this order: a deadlock, the limit of time, what was alive, what was lost, the
        error of the answer. A failed assertion of the answer comes before what was
        alive or lost, which is added to it as a note: it explains the failure better.
        """
        __tracebackhide__ = True
        run = self.this_run
        self._lose_calls()
        for each in (error, *run.lost):
            self.broken = self.broken or broken_code(each)
        ended = not run.given_up and run.limit is None
        if ended and not isinstance(error, Deadlock):
            self.trace.answered(run.title, self.how_it_ended(error), run.returned_at)
        if run.limit is not None:
            raise run.limit from (None if isinstance(error, self.Cancelled) else error)
        if isinstance(error, Deadlock):
            raise error
        cancelled = run.cancelled_at is not None and isinstance(error, self.Cancelled)
        left = self._left(value, error)
        if left is not None:
            if error is None or cancelled:
                raise left from error
            if not isinstance(error, AssertionError):
                self.overlooked = self.overlooked or left
            error.add_note(str(left))
            raise error
        for lost in run.lost:
            if not isinstance(lost, Exception):  # Ctrl-C, pytest.fail in a callback
                raise lost
        if run.lost and isinstance(error, AssertionError):
            error.add_note(f"lost: {run.lost!r}")
        elif run.lost:
            beside = f"; the answer itself has raised {error!r}" if error else ""
            raise LostError(f"lost: {run.lost!r}{beside}") from run.lost[0]
        if cancelled:
            return CANCELLED
        if error is not None:
            raise error
        return value

    def _left(self, value: Any, error: BaseException | None) -> StillAlive | None:
        """Return the error that names what has outlived the answer, if that counts."""
        run = self.this_run
        if run.leftovers == "allow":
            return None
        late = [
            f"  afterwards, {event.actor}: {event.what} at {event.at:g} s"
            for event in self.trace.events[run.mark :]
        ]
        if not run.left and not late:
            return None
        story = "\n".join([f"  {alive_line(entry)}" for entry in run.left] + late)
        return StillAlive(
            f"the answer ended at {run.returned_at:g} s, but\n{story}\n"
            "Let it wait for what it starts, or cancel it. If it is meant to live on, "
            'allow that: world.run(..., leftovers="allow")',
            value=value,
            error=error,
            alive=run.left,
        )

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
            if self.overlooked is not None:
                left, self.overlooked = self.overlooked, None
                raise left from error
        else:
            raise AssertionError(f"{expected.__name__} was not raised")

    def source(self, descriptor: int) -> BinaryIO:
        """Return a readable binary file over a real descriptor, which it closes."""
        return os.fdopen(descriptor, "rb")

    # For worlds

    colour: ClassVar[str] = "plain"
    """The kind of function that `run` takes: ``plain``, ``async`` or ``any``."""

    def is_native(self, function: Callable[..., Any]) -> bool:
        """Return whether this is a function of the kind that the study writes."""
        return self.colour != "async" or inspect.iscoroutinefunction(_bare(function))

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        """Run a native function in real time, by the library's own front door."""
        return function()

    def _check_colour(self, function: Any) -> None:
        """Refuse a function of another kind before it does anything."""
        __tracebackhide__ = True
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()
            raise TypeError(f"run takes a function and its arguments, not {function!r}")
        bare: Any = _bare(function)
        is_async = inspect.iscoroutinefunction(bare)
        # A lambda or an object may still return a coroutine, so only functions count.
        tells = inspect.isroutine(bare) and bare.__name__ != "<lambda>"
        wrong = not is_async if self.colour == "async" else is_async
        if tells and wrong:
            kinds = "plain and generator" if self.colour == "any" else self.colour
            raise TypeError(
                f"the world {self.name!r} runs {kinds} functions, "
                f"and {bare.__name__} is not one"
            )

    def _check_free(self) -> None:
        """Refuse to run inside of this world, or inside of a running event loop.

        A loop would refuse as well, but only when the coroutine of the call exists,
        which nothing would ever await.
        """
        __tracebackhide__ = True
        if self._running:
            raise RuntimeError("this world runs already; a job calls by `w.call`")
        loop = _running_loop() if self.colour == "async" else ""
        if loop:
            raise RuntimeError(
                f"world.run was called inside a running event loop of {loop}. Call it "
                "from a plain function. Or write `async def test(world)` without the "
                "marks of other plugins, such as `asyncio`, `trio` and `anyio`: the "
                "whole test then runs in this world, and needs no world.run"
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

    def native_enter(self) -> None:
        """Begin a run whose answer is the code that the calling thread runs next.

        Raises:
            NotCovered: This world only runs functions.
        """
        raise NotCovered(
            f"a block cannot run in the world {self.name!r}, which runs functions: use "
            f'world.run(function) or the decorator in_world("{self.name}")'
        )

    def native_exit(self, error: BaseException | None) -> BaseException | None:
        """End the run that `native_enter` began, and return its error.

        ``error`` is the error that the block has raised. The steps 3 and 4 of
        `native_run` apply.
        """
        return error

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
        within = self.this_run.within
        if within is not None and within < float("inf") and not self.tells_jumps:
            # A nanosecond later, because an answer may end exactly at its limit.
            self.native_call_at(within + 1e-9, self._reach_limit)
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

    # The limit of virtual time. It is tested at the jumps of the clock, not by a timer:
    # a timer would keep a world from finding a deadlock before the limit.

    _running = False

    def may_jump(self, instant: float) -> bool:
        """Count a jump of the clock, and return whether the clock may make it.

        If it returns False, the answer has been given up: it is cancelled already. The
        world then runs what is ready, without a jump. Later jumps are for the cleanup
        of the answer. A cleanup that needs more than `GRACE` seconds is abandoned.

        Raises:
            TimeLimit: The answer has been given up, and its cleanup did not end.
        """
        run = self.this_run
        run.jumps += 1
        if run.limit is not None:
            if instant > self._until or run.jumps > self._jumps_until:
                raise run.limit
            return True
        if run.within is not None:
            over = instant > run.within
        else:
            over = run.jumps > (MANY if instant > LONG else MOST)
        if over:
            self._until, self._jumps_until = instant + GRACE, run.jumps + MANY
            self._reach_limit()
        return not over

    _until, _jumps_until = 0.0, 0

    def _reach_limit(self) -> None:
        """Give the answer up, with an error that names what still runs."""
        run = self.this_run
        now = self.now() if run.within is None else run.within
        jumps = f", after {run.jumps} jumps of the clock" if run.jumps else ""
        waiters = self.waiting()
        listed = "".join(f"\n  {waiter}" for waiter in waiters)
        run.limit = TimeLimit(
            f"the answer still runs at {now:g} s of virtual time{jumps}. What wakes up "
            "again and again, such as a heartbeat, hides a deadlock of the rest. If it "
            "needs more time, raise the limit: world.run(..., within=seconds), "
            "or math.inf for no limit." + (f" Waiting:{listed}" if listed else ""),
            waiters,
        )
        self.give_up_at_limit(run.limit)

    def waiting(self) -> list[str]:
        """Return a line for each actor that waits, as in a `Deadlock`.

        The default names the jobs. A world can tell more.
        """
        return [f"job {name}" for name in self.this_run.alive.values()]

    def give_up_at_limit(self, limit: TimeLimit) -> None:
        """End the answer, which has reached its limit of virtual time.

        The default cancels it as `cancel_at` does. A world in which that has no effect
        ends the run with the error ``limit`` in a way of its own.
        """
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
        if not isinstance(error, Unwind):
            self.this_run.lost.append(error)

    def note_end(self, natives: list[str]) -> None:
        """Note the actors that are alive at the instant at which the answer ended."""
        run = self.this_run
        if self.schedule is not None:
            self.schedule.on = False
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

    def note_hold(self, lane: Any, step: Step) -> None:
        """Note in the trace that a schedule holds an actor."""
        native = getattr(lane, "owner", lane) or lane  # a thread, of its machinery
        name = self.this_run.names.get(native) if lane is not None else None
        line = re.search(r":(\d+):", step.held)
        where = f" at line {line[1]}" if line else ""
        ran = re.split(r"[:,]", step.ran)[0]
        ahead = f"{ran} runs" if ran else f"{step.ahead:g} s pass"
        self.trace.held(name or self.this_run.title, f"held{where}, {ahead}")

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

    def native(*args: Any, **kwargs: Any) -> Any:
        coroutine = function(*args, **kwargs)
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
    return str(getattr(_bare(function), "__name__", function))


def _bare(function: Any) -> Any:
    """Return the function inside decorators and `functools.partial` objects."""
    while True:
        inner: Any = inspect.unwrap(function)
        if isinstance(inner, functools.partial):
            inner = inner.func  # pyright: ignore[reportUnknownMemberType]
        if inner is function:
            return function
        function = inner


def _nothing() -> None:
    """Do nothing: the answer cannot be cancelled yet."""


def _running_loop() -> str:
    """Return the name of the library whose event loop runs in this thread, or ""."""
    asyncio: Any = sys.modules.get("asyncio.events")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return "asyncio"
    trio: Any = sys.modules.get("trio.lowlevel")
    if trio is not None:
        with contextlib.suppress(RuntimeError):
            trio.current_task()
            return "trio"
    return ""


def check_options(leftovers: str, within: float | None) -> None:
    """Refuse values that the options of `World.run` cannot have.

    Raises:
        ValueError: The message names the option, its value and the valid values.
    """
    __tracebackhide__ = True
    if leftovers not in LEFTOVERS:
        raise ValueError(f"leftovers is {' or '.join(LEFTOVERS)}, not {leftovers!r}")
    if within is not None and not within > 0:
        raise ValueError(f"within is a positive number of seconds, not {within!r}")
