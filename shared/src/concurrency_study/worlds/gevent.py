"""gevent in virtual time: gevent's own libev loop, whose timers live on a heap here.

Every function of gevent that has a timeout asks the hub's loop for a timer, so nothing
is monkey-patched in the code under test. The first world of a thread gives gevent's hub
a loop of this kind. The hub keeps this loop, because queues and pools keep the hub they
were made with. Make the world before the first socket. Between runs the loop uses real
time. A timer keeps the time, real or virtual, in which it was made.

Input that is already there comes before a jump of the clock. Virtual time does not pass
while a thread of a ``ThreadPool`` works. Timers that are due at one instant fire as in
libev: those of higher priority first, then the earlier made. (A `gevent.Timeout` has a
lower priority than a sleep.)

Not covered are gevent inside worker threads, wake-ups from the user's own threads, and
leftovers among raw greenlets (``spawn_raw``). Subprocesses, signals, file watchers and
a monkey-patched process raise `NotCovered`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import heapq
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, MutableMapping
from itertools import count
from types import FrameType
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

import gevent
import gevent.select
import gevent.threadpool
import greenlet
from gevent import monkey
from gevent.event import AsyncResult, Event
from gevent.exceptions import LoopExit
from gevent.greenlet import SuccessSpawnedLink  # pyright: ignore
from gevent.hub import Hub
from gevent.libev import corecext
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from ..world import (
    Deadlock,
    Job,
    LoopWorld,
    NotCovered,
    driven,
    waits_at,
)

_Greenlet: TypeAlias = "gevent.Greenlet[..., Any]"


class GeventJob(Job):
    """A job that waits as gevent does."""

    async def native_sleep(self, seconds: float) -> None:
        gevent.sleep(seconds)

    async def native_forever(self) -> None:
        Event().wait()

    async def native_time_out(self, seconds: float) -> None:
        with gevent.Timeout(seconds):
            Event().wait()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        greenlets: list[_Greenlet] = [gevent.spawn(call) for call in calls]
        try:
            gevent.joinall(greenlets, raise_error=True)
        except gevent.GreenletExit:
            gevent.killall(greenlets)
            gevent.joinall(greenlets, raise_error=True)  # a cleanup may have failed
            raise
        finally:
            gevent.killall(greenlets)

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        return gevent.get_hub().threadpool.spawn(call).get()

    async def native_readable(self, descriptor: int) -> None:
        gevent.select.select([descriptor], [], [])


class GeventWorld(LoopWorld):
    """A place where gevent code runs in virtual time.

    The error of a greenlet is lost if two things are true. The greenlet has no link
    (``get``, ``join``, ``joinall``, ``iwait``, ``link`` ... make one; that of a pool
    does not count). And no reference to the greenlet is left, by CPython's reference
    count: code that keeps a greenlet may still read its ``exception``. The same holds
    for the result of a worker thread. An error in a callback or in a raw greenlet is
    always lost.
    """

    name = "gevent"
    Cancelled = gevent.GreenletExit
    TimedOut = gevent.Timeout
    kind = "greenlet"
    libraries = ("gevent", "greenlet")
    order = "greenlets that are ready run first come, first served"

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        super().__init__(answer)
        self._hub = _virtual_hub()

    def new_names(self) -> MutableMapping[object, str]:
        """Return a mapping whose references are weak, so that errors can be lost."""
        return WeakKeyDictionary()

    def here(self) -> object:
        """Return the greenlet that runs now."""
        return gevent.getcurrent()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return driven(function)

    def native_job(self, actor: str) -> Job:
        return GeventJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        VirtualTimer(self._loop).start_at(seconds, callback)

    def native_call_soon(self, callback: Callable[[], None]) -> None:
        self._loop.run_callback_threadsafe(callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        if monkey.is_module_patched("time") or monkey.is_module_patched("threading"):
            raise NotCovered(
                "this world knows gevent's own functions, not monkey-patches: run the "
                "test in a process without `monkey.patch_all()`"
            )
        result: tuple[Any, BaseException | None] = None, None

        def main() -> None:
            nonlocal result
            try:
                result = function(*args), None
            except BaseException as error:
                result = None, error
            finally:
                self.note_end(self._natives())

        self._hub = _virtual_hub()
        if gevent.getcurrent() is not self._hub.parent:
            raise RuntimeError("run a gevent world outside of all greenlets")
        loop: Any = self._hub.loop
        self._loop: VirtualLoop = loop
        with self._in_charge(), self.virtual_time():
            self.call_planned()
            main.__name__ = getattr(function, "__name__", "answer")
            answer = cast("_Greenlet", gevent.spawn(main))
            self.cancel_by(lambda: answer.kill(block=False))
            try:
                with self._waits_of(answer):
                    answer.join()
            except Deadlock as deadlock:
                return None, deadlock
            finally:
                self._tear_down()
        return result

    @contextlib.contextmanager
    def _waits_of(self, answer: _Greenlet) -> Generator[None]:
        """Count the waits of the answer, its switches, if the test asks for it."""

        def switched(event: str, between: tuple[Any, Any]) -> None:
            if between[0] is answer and not answer.dead:
                self.count_wait()

        if self.this_run.cancel_at_wait is not None:
            greenlet.settrace(switched)
        try:
            yield
        finally:
            greenlet.settrace(None)

    @contextlib.contextmanager
    def _in_charge(self) -> Generator[None]:
        self._greenlets: WeakKeyDictionary[_Greenlet, list[object]]
        self._greenlets = WeakKeyDictionary()
        self._results: WeakKeyDictionary[AsyncResult[Any], ThreadPool]
        self._results = WeakKeyDictionary()
        self._works: WeakKeyDictionary[object, weakref.ref[AsyncResult[Any]]]
        self._works = WeakKeyDictionary()
        self._tasks: Counter[ThreadPool] = Counter()
        hold_up = time.sleep
        pools: Any = gevent.threadpool
        real_spawn, real_sleep = ThreadPool.spawn, pools.sleep

        def started(begun: _Greenlet) -> None:
            if threading.get_ident() == self._thread:
                self._greenlets[begun] = _links(begun)
                if self.trace.watching and not _ends_threads(begun):
                    self._watch(begun)

        def spawn(
            pool: ThreadPool, func: Callable[..., Any], *args: Any, **kwargs: Any
        ) -> AsyncResult[Any]:
            if threading.get_ident() != self._thread:
                return real_spawn(pool, func, *args, **kwargs)
            work = self.as_worker(func)
            result = real_spawn(pool, work, *args, **kwargs)  # once a thread is free
            self._results[result] = pool
            self._count(pool, +1)
            self._works[work] = weakref.ref(result)
            result.rawlink(lambda _: self._count(pool, -1))
            return result

        def sleep(seconds: float) -> None:
            """Replace the sleep of a ThreadPool that joins or ends its threads."""
            pool = sys._getframe(1).f_locals["self"]  # pyright: ignore
            if unfinished := self._unfinished(pool):
                gevent.wait(unfinished, count=1)
            else:
                hold_up(seconds)  # only until the thread has taken its last steps

        pools.ThreadPool.spawn, pools.sleep = spawn, sleep
        gevent.Greenlet.add_spawn_callback(started)
        self._hub.print_exception = self._failed
        self._loop.enter(self)
        try:
            yield
        finally:
            self._loop.leave()
            del self._hub.print_exception
            gevent.Greenlet.remove_spawn_callback(started)
            pools.ThreadPool.spawn, pools.sleep = real_spawn, real_sleep

    def _watch(self, begun: _Greenlet) -> None:
        """Note a greenlet, and its end; the first is the answer itself."""
        if not self.this_run.names:
            self.note_main(begun)
            return
        made: Any = begun
        work = made._run
        known = weakref.ref(begun)

        def became() -> str:
            # It was killed before it began to run.
            alive = known()
            return "cancelled" if alive is None or alive.dead else ""

        name = self.note_spawned(begun, str(getattr(work, "__name__", work)), became)

        # A link to the greenlet would count as a taker of its error.
        @functools.wraps(work)
        def watched(*args: Any, **kwargs: Any) -> Any:
            try:
                value = work(*args, **kwargs)
            except BaseException as error:
                self.trace.exited(name, self.how_it_ended(error))
                raise
            self.trace.exited(name, "end")
            return value

        made._run = watched

    def hold_up(self, seconds: float) -> None:
        super().hold_up(seconds)
        # Callbacks without end do not keep timers waiting that are overdue:
        # gevent looks at the time after some fifty of them.
        self._loop.run_callback(self._loop.fire_overdue)

    def _tear_down(self) -> None:
        with contextlib.suppress(Deadlock):  # a cleanup that never ends is left alone
            while alive := self._living():
                gevent.killall(alive)
        with contextlib.suppress(Deadlock):
            gevent.wait(self._unfinished())
        self._loop.leave()
        gevent.idle(self._loop.MINPRI)  # run the callbacks that are due, and no more

    def _living(self) -> list[_Greenlet]:
        return [g for g in self._greenlets if g and not g.dead]

    def _unfinished(self, pool: ThreadPool | None = None) -> list[AsyncResult[Any]]:
        return [
            result
            for result, of in self._results.items()
            if (pool is None or of is pool) and not result.ready()
        ]

    def _natives(self) -> list[str]:
        answer = gevent.getcurrent()
        return [
            _name(g) for g in self._living() if g is not answer and not _ends_threads(g)
        ] + ["a worker thread"] * len(self._unfinished())

    def give_up(self) -> None:
        """Raise `Deadlock` where `run` waits for the answer. The loop calls this."""
        outside = self._hub.parent
        assert outside is not None
        waiters = [f"{_name(g)}: {waits_at(_frames(g))}" for g in self._living()]
        outside.throw(Deadlock(sorted(waiters)))

    def _count(self, pool: ThreadPool, change: int) -> None:
        # A pool takes one task more than it has threads.
        before = min(self._tasks[pool], pool.maxsize)
        self._tasks[pool] += change
        self.busy += min(self._tasks[pool], pool.maxsize) - before

    def _failed(self, context: Any, t: object, v: Any, tb: object) -> None:
        """Take an error that the hub would print on stderr."""
        error = v if isinstance(v, BaseException) else RuntimeError(v)
        if context in self._greenlets:
            links = self._greenlets[context]
            if not any(map(_takes_errors, links)):
                self._lose_unless_kept(
                    context,
                    error,
                    lambda _: sum(map(_is_of_a_group, links)) + bool(links),
                )
        elif _is_of_a_worker(context):
            result = self._works[context[1]]()
            if result is None:
                self.lose(error)
            elif result.linkcount() == 1:  # our own
                self._lose_unless_kept(result, error, lambda r: bool(r.linkcount()))
        else:
            self.lose(error)

    def _lose_unless_kept(
        self, whose: object, error: BaseException, by_gevent: Callable[[Any], int]
    ) -> None:
        """Count the references, before other code can read the error and drop its own.

        ``by_gevent`` returns the number of references that gevent itself holds: those
        of its pools, and that of a notification to come.
        """
        kept = weakref.ref(whose)

        def check(event: str, between: tuple[Any, Any]) -> None:
            if between[0] is self._hub:  # which has dropped its reference by now
                greenlet.settrace(previous)
                if previous is not None:
                    previous(event, between)
                whose = kept()
                if whose is None or sys.getrefcount(whose) - 2 <= by_gevent(whose):
                    self.lose(error)

        previous: Any = greenlet.settrace(check)


class VirtualLoop(corecext.loop):
    """A libev loop that takes its time from a world while the world runs.

    Theory of operation
    ===================

    libev calls an *idle* watcher when nothing else of its priority or above is pending.
    The one of this loop has the lowest priority. So when it is called, no callback is
    left and no descriptor is ready: no greenlet can run. `_nothing_pending` then has
    four cases, in this order:

    1. A worker thread works: libev blocks until the thread wakes it.
    2. A timer is on the heap: the clock jumps to it, and all timers of that instant
       fire, those of higher priority first.
    3. A descriptor is watched: libev blocks, for the world's `patience` at most.
    4. Nothing can ever run again: the world gives up.

    While an idle watcher is active, libev polls and never blocks. So to block, the idle
    watcher is stopped, and a *check* watcher, which libev calls after each poll, starts
    it again (`_block`, `_woken`).

    A timer that is stopped stays on the heap. It has lost its ticket, so it is void. It
    is dropped when it comes to the top.
    """

    def __init__(self) -> None:
        super().__init__(default=False)
        self.world: GeventWorld | None = None
        self._heap: list[tuple[float, int, VirtualTimer]] = []
        self._number = count()
        # Idle watchers are called when nothing of their priority or above is pending:
        # https://metacpan.org/dist/EV/view/libev/ev.pod#ev_idle
        self._idle = self.idle(priority=self.MINPRI)
        self._check = self.check(ref=False, priority=self.MAXPRI)
        self._patience = super().timer(0)
        self._exhausted = False

    def enter(self, world: GeventWorld) -> None:
        """Use the time of that world from now on."""
        self.world = world
        self._idle.start(self._nothing_pending)

    def leave(self) -> None:
        """Use real time again; no virtual timer fires any more."""
        self.world = None
        self._idle.stop()
        self._check.stop()
        self._patience.stop()
        while self._heap:
            self._heap.pop()[2].stop()

    def now(self) -> float:
        """Return virtual seconds in a world, else seconds since the epoch."""
        return self.world.clock if self.world else super().now()

    def timer(
        self,
        after: float,
        repeat: float = 0.0,
        ref: bool = True,
        priority: int | None = None,
    ) -> Any:
        """Return a timer of the present kind of time."""
        if self.world is None:
            return super().timer(after, repeat, ref, priority)
        return VirtualTimer(self, after, repeat, priority or 0)

    def push(self, at: float, timer: VirtualTimer) -> int:
        """Have a timer fire at an instant, if it still holds the ticket then."""
        ticket = next(self._number)
        heapq.heappush(self._heap, (at, ticket, timer))
        return ticket

    def _nothing_pending(self) -> None:
        world = self.world
        assert world is not None
        exhausted, self._exhausted = self._exhausted, False
        self._patience.stop()
        while self._heap and not self._heap[0][2].holds(self._heap[0][1]):
            heapq.heappop(self._heap)
        if world.busy:
            self._block()
        elif self._heap:
            world.clock = max(world.clock, self._heap[0][0])
            self._fire(world.clock)
        elif self.activecnt > 1 and not exhausted:  # a watcher besides the idle one
            self._patience = super().timer(world.patience, ref=False)
            self._patience.start(setattr, self, "_exhausted", True)
            self._block()
        else:
            world.give_up()

    def _block(self) -> None:
        """Let libev wait for something real."""
        self._idle.stop()
        self._check.start(self._woken)

    def _woken(self) -> None:
        self._check.stop()
        self._idle.start(self._nothing_pending)

    def _fire(self, now: float) -> None:
        due: list[tuple[int, VirtualTimer]] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[1:])
        due.sort(key=lambda entry: -entry[1].priority)
        for place, (ticket, timer) in enumerate(due, 1):
            if timer.holds(ticket):
                timer.fire()
                if self.world and self.world.busy:
                    # It woke a worker: one at a time, so that they do not race.
                    for ticket, timer in due[place:]:
                        heapq.heappush(self._heap, (now, ticket, timer))
                    break

    def fire_overdue(self) -> None:
        """Fire the timers that were due before now."""
        if self.world and self._heap and self._heap[0][0] < self.world.clock:
            self._fire(self.world.clock)

    def _not_covered(self, *args: Any, **kwargs: Any) -> Any:
        raise NotCovered(
            "subprocesses, signals and file watchers take real time: use them outside "
            "of a world"
        )

    child = signal = stat = install_sigchld = _not_covered


class VirtualTimer:
    """A timer watcher with the methods that gevent uses. Times are in seconds."""

    pending = False

    def __init__(
        self,
        loop: VirtualLoop,
        after: float = 0.0,
        repeat: float = 0.0,
        priority: int = 0,
    ) -> None:
        self.loop = loop
        self.priority = priority
        self.callback: Callable[..., Any] | None = None
        self.args: tuple[Any, ...] = ()
        self._after = after
        self._repeat = repeat
        self._ticket = -1

    @property
    def active(self) -> bool:
        """True if it is going to fire."""
        return self._ticket >= 0

    def holds(self, ticket: int) -> bool:
        """Return whether it was neither stopped nor restarted since that ticket."""
        return self._ticket == ticket

    def start(
        self, callback: Callable[..., Any], *args: Any, update: object = None
    ) -> None:
        """Call back when the timer's delay has passed."""
        self.start_at(self.loop.now() + max(0.0, self._after), callback, *args)

    def again(
        self, callback: Callable[..., Any], *args: Any, update: object = None
    ) -> None:
        """Call back after the timer's repeat; without a repeat, stop."""
        if self._repeat:
            self.start_at(self.loop.now() + self._repeat, callback, *args)
        else:
            self.stop()

    def start_at(self, at: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call back at that virtual instant."""
        self.callback, self.args = callback, args
        self._ticket = self.loop.push(at, self)

    def fire(self) -> None:
        """Call back now."""
        callback, args = self.callback, self.args
        assert callback is not None
        self.again(callback, *args)
        try:
            callback(*args)
        except BaseException:
            self.loop.handle_error(self, *sys.exc_info())

    def stop(self) -> None:
        """Do not call back."""
        self.callback, self.args = None, ()
        self._ticket = -1

    def close(self) -> None:
        """Do not call back."""
        self.stop()

    def __enter__(self) -> VirtualTimer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def _virtual_hub() -> Hub:
    """Return the hub of this thread, with a `VirtualLoop`."""
    hub = gevent.get_hub()
    loop: Any = hub.loop
    if not isinstance(loop, VirtualLoop):
        if loop.activecnt:
            raise NotCovered(
                "gevent already waits for something in this thread, in real time: "
                "make the first gevent world before it"
            )
        if hub:  # it runs that loop: let it come back from there
            loop.run_callback(loop.break_)
            with contextlib.suppress(LoopExit):
                hub.switch()
        virtual: Any = VirtualLoop()
        hub.loop = virtual
    return hub


def _name(greenlet: _Greenlet) -> str:
    if type(greenlet) is not gevent.Greenlet:
        return f"{type(greenlet).__name__} {greenlet.name}"
    run = getattr(greenlet, "_run", None)
    return f"greenlet {vars(greenlet).get('name') or getattr(run, '__name__', run)}"


def _frames(greenlet: _Greenlet) -> list[FrameType]:
    frames: list[FrameType] = []
    frame = greenlet.gr_frame
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def _links(greenlet: _Greenlet) -> list[object]:
    # The compiled Greenlet hides its list of links. The garbage collector still finds
    # it while the greenlet has not begun to run, and the greenlet keeps this list.
    lists: list[list[object]] = [
        r for r in gc.get_referents(greenlet) if isinstance(r, list)
    ]
    return lists[0] if lists else []


def _is_of_a_group(link: object) -> bool:
    of_group = isinstance(getattr(link, "__self__", None), Group)
    return of_group and getattr(link, "__name__", "") == "_discard"


def _takes_errors(link: object) -> bool:
    return not (isinstance(link, SuccessSpawnedLink) or _is_of_a_group(link))


def _is_of_a_worker(context: Any) -> bool:
    return type(context) is tuple and type(context[0]) is _WORKER  # pyright: ignore


def _ends_threads(greenlet: _Greenlet) -> bool:
    return isinstance(
        getattr(getattr(greenlet, "_run", None), "__self__", None), ThreadPool
    )


_WORKER: Any = gevent.threadpool._WorkerGreenlet  # pyright: ignore
