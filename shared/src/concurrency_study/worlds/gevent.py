"""gevent in virtual time: gevent's own libev loop, whose timers live on a heap here.

Every function of gevent that has a timeout asks the hub's loop for a timer, so nothing
is monkey-patched in the code under test. The first world of a thread gives gevent's hub
a loop of this kind. The hub keeps this loop, because queues and pools keep the hub they
were made with. Make the world before the first socket. Between runs the loop uses real
time. A timer keeps the time, real or virtual, in which it was made.

Input that is already there comes before a jump of the clock. Timers that are due at one
instant fire as in libev: those of higher priority first, then the earlier made. (A
`gevent.Timeout` has a lower priority than a sleep.) The threads of a ``ThreadPool`` and
other threads run in virtual time as well (see `concurrency_study.worlds.threads`).

In a process that `gevent.monkey.patch_all` has patched, the threads, locks, queues and
sockets of the standard library are gevent's, so they are virtual as well.

Not covered are gevent inside worker threads and leftovers among raw greenlets
(``spawn_raw``). Subprocesses, signals and file watchers raise `NotCovered`.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import gc
import heapq
import math
import sys
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, MutableMapping
from itertools import count
from threading import Thread
from types import FrameType
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

import gevent
import gevent._threading
import gevent.select
import gevent.socket
import gevent.threadpool
import greenlet
from gevent.event import AsyncResult, Event
from gevent.exceptions import LoopExit
from gevent.greenlet import SuccessSpawnedLink  # pyright: ignore
from gevent.hub import Hub
from gevent.libev import corecext
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from ..world import (
    FINDINGS,
    Deadlock,
    Job,
    LoopWorld,
    NotCovered,
    Unwind,
    driven,
    waits_at,
)
from ..world.schedules import CLOCK, WIDTH, Schedule
from ..world.unpatched import get_ident
from .threads.descriptors import serves
from .threads.locks import Lock
from .threads.machine import ManagedThread
from .threads.outside import outwards
from .threads.patches import thawed
from .threads.spins import loop_that_looks

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
    greenlets = True
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

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        """Run a function in real time, as the first callback that the hub runs.

        The hub looks at its timers after each 50 callbacks in a row, if they took 5 ms.
        What others ran before would be counted, and the first `gevent.sleep(0)` would
        sometimes let an overdue timer fire.
        """
        gevent.sleep(0.001)  # a timer ends the row
        return function()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return driven(function)

    def native_job(self, actor: str) -> Job:
        return GeventJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        VirtualTimer(self._loop).start_at(round(seconds * 1e9), callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
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
        self._failure: BaseException | None = None
        with self.virtual_time() as replaced, self._in_charge():
            function, *args_ = map(replaced, (function, *args))
            args = tuple(args_)
            self.call_planned()
            main.__name__ = getattr(function, "__name__", "answer")
            answer = cast("_Greenlet", gevent.Greenlet(main))
            answer.gr_context = contextvars.copy_context()  # that of the caller
            answer.start()
            self.cancel_by(lambda: answer.kill(block=False))
            try:
                with self._waits_of(answer):
                    answer.join()
                # A tear-down may add one of its own.
                failure = self._failure or self.machine.failure
            except (*FINDINGS, Unwind) as finding:
                return None, self._failure or finding
            finally:
                self._tear_down()
            self.machine.failure = None
        return result[0], failure or result[1]

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
        machine = self.machine
        pools: Any = gevent.threadpool
        hub: Any = self._hub
        real_spawn, real_sleep = ThreadPool.spawn, pools.sleep
        real_listen = gevent.socket.socket.listen

        def started(begun: _Greenlet) -> None:
            if get_ident() == self._thread:
                self._greenlets[begun] = _links(begun)
                if self.trace.watching and not _ends_threads(begun):
                    self._watch(begun)

        def spawn(
            pool: ThreadPool, func: Callable[..., Any], *args: Any, **kwargs: Any
        ) -> AsyncResult[Any]:
            if get_ident() != self._thread or not machine.mine():
                return real_spawn(pool, func, *args, **kwargs)
            work = functools.partial(self.as_worker(func))  # an object of its own
            result = real_spawn(pool, work, *args, **kwargs)  # once a thread is free
            self._results[result] = pool
            self._works[work] = weakref.ref(result)
            result.rawlink(_nothing)
            return result

        def start_new_thread(function: Callable[..., None], args: Any) -> Any:
            if not machine.mine():
                return real_start(function, args)
            work = functools.partial(function, *args)
            return machine.spawn(ManagedThread("of a pool", _POOL, work))

        def sleep(seconds: float) -> None:
            """Replace the sleep of a ThreadPool that joins or ends its threads."""
            pool = sys._getframe(1).f_locals["self"]  # pyright: ignore
            if unfinished := self._unfinished(pool):
                gevent.wait(unfinished, count=1)
            else:
                machine.pass_on()  # only until the thread has taken its last steps

        def listen(listening: Any, *args: Any) -> None:
            real_listen(listening, *args)
            serves(machine, listening)

        real_start, real_lock = pools.start_new_thread, _threading.Lock
        pool, resolver = hub._threadpool, hub._resolver
        hub._threadpool = hub._resolver = None  # their threads would be those before
        pools.ThreadPool.spawn, pools.sleep = spawn, sleep
        gevent.socket.socket.listen = listen
        pools.start_new_thread, _threading.Lock = start_new_thread, Lock
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
            gevent.socket.socket.listen = real_listen
            pools.start_new_thread, _threading.Lock = real_start, real_lock
            hub._threadpool, hub._resolver = pool, resolver

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

    def _tear_down(self) -> None:
        # A cleanup may never end, and a greenlet may survive each kill.
        with contextlib.suppress(*FINDINGS, Unwind, gevent.Timeout):
            while alive := self.living():
                gevent.killall(alive, timeout=HORIZON)
        self._loop.leave()
        gevent.idle(self._loop.MINPRI)  # run the callbacks that are due, and no more

    def living(self) -> list[_Greenlet]:
        """Return the greenlets of the run that are alive."""
        return [g for g in self._greenlets if g and not g.dead]

    def _unfinished(self, pool: ThreadPool | None = None) -> list[AsyncResult[Any]]:
        return [
            result
            for result, of in self._results.items()
            if (pool is None or of is pool) and not result.ready()
        ]

    def _natives(self) -> list[str]:
        answer = gevent.getcurrent()
        self.unfinished = len(self._unfinished())
        return [
            _waiter(g)
            for g in self.living()
            if g is not answer and not _ends_threads(g)
        ] + self.leftover_threads(type(_POOL))

    def waiters(self) -> list[str]:
        """Return where each greenlet waits."""
        return sorted(map(_waiter, self.living()))

    def resolve(self, error: BaseException) -> bool:
        """Have the run end by this error, if it is gevent's thread that waits."""
        if isinstance(error, Deadlock) and (others := self._from_before()):
            error.add_note(
                "A run does not wait for greenlets that were started before it. If one "
                "of these would end a wait, start it in the run:"
                + "".join(
                    f"\n  {_waiter(g) if g.gr_frame else _name(g) + ': has not begun'}"
                    for g in others
                )
            )
        self._failure = self._failure or error
        return self._loop.interrupt()

    def _from_before(self) -> list[_Greenlet]:
        """Return the greenlets that were started outside of the run and have not ended.

        Greenlets that only serve gevent, such as a hub, are none of them.
        """
        greenlets: list[_Greenlet]
        with thawed():
            greenlets = [g for g in gc.get_objects() if isinstance(g, gevent.Greenlet)]
        return [
            g
            for g in greenlets
            if g.started and not g.dead and g not in self._greenlets
        ]

    def give_up(self) -> None:
        """Raise the error where `run` waits for the answer. The loop calls this."""
        outside = self._hub.parent
        assert outside is not None
        outside.throw(self._failure or Deadlock(self.waiters()))

    def lose(self, error: BaseException) -> None:
        """Note an error that is not taken. A killed greenlet has not failed."""
        if not isinstance(error, gevent.GreenletExit):
            super().lose(error)

    def _failed(self, context: Any, t: object, v: Any, tb: object) -> None:
        """Take an error that the hub would print on stderr."""
        error = v if isinstance(v, BaseException) else RuntimeError(v)
        if isinstance(error, Unwind):  # of a worker of this run, or of the last
            return
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
    left and no descriptor is ready: no greenlet can run. `_nothing_pending` then fires
    the timers that are due, or waits as a managed thread: for the next timer, or until
    libev's own descriptor shows that one of those that it watches is ready.

    While an idle watcher is active, libev polls and never blocks.

    A timer that is stopped stays on the heap. It has lost its ticket, so it is void. It
    is dropped when it comes to the top.
    """

    def __init__(self, default: bool) -> None:
        super().__init__(default=default)  # only the default one watches processes
        self.world: GeventWorld | None = None
        self._heap: list[tuple[int, int, VirtualTimer]] = []
        self._number = count()
        # Idle watchers are called when nothing of their priority or above is pending:
        # https://metacpan.org/dist/EV/view/libev/ev.pod#ev_idle
        self._idle = self.idle(priority=self.MINPRI)
        self._turn = self.prepare(ref=False)
        self._idles = self._interrupted = self._was_idle = False
        self._calls: deque[_Call] = deque()
        """The calls that wait for their turn, if a schedule chooses the next one."""
        self._calling = False
        self._askers: set[greenlet.greenlet] = set()
        """The greenlets that have asked for a call in this turn of the loop."""
        self._older = self._newest = 0
        """The tickets of timers at the last two calls of `_looks`."""
        self._noting = False
        """True if they are noted: in the turn before `_looks` may be asked."""

    def enter(self, world: GeventWorld) -> None:
        """Use the time of that world from now on."""
        self.world = world
        machine = world.machine
        machine.resolve, machine.inside = world.resolve, world.waiters
        machine.loop_watches, machine.loop_looks = self._watches, self._looks
        machine.loop_timer, machine.turns = self._later_timer, TURNS
        # After the callbacks that are ready: a loop runs these before its timers.
        machine.held_up = lambda: self.run_callback(
            self.run_callback, self.fire_overdue
        )
        self._idle.start(self._nothing_pending)
        self._turn.start(self._turns)

    def leave(self) -> None:
        """Use real time again; no virtual timer fires any more."""
        self.world = None
        while self._calls:
            super().run_callback(self._calls.popleft().make, self)
        self._calling = False
        self._idle.stop()
        self._turn.stop()
        while self._heap:
            self._heap.pop()[2].stop()

    def now(self) -> float:
        """Return virtual seconds in a world, else seconds since the epoch."""
        return self.world.machine.reading if self.world else super().now()

    def run_callback(self, func: Any, *args: Any) -> Any:  # pyright: ignore
        """Do what gevent's own does; a greenlet may poll by sleeping for no time."""
        if self.world is None:
            return super().run_callback(func, *args)
        self.world.machine.may_poll()
        if self._noting:
            self._askers.add(greenlet.getcurrent())
        if self.world.schedule is None:
            return super().run_callback(func, *args)
        call = _Call(func, args)
        self._calls.append(call)
        if not self._calling:
            self._calling = True
            super().run_callback(self._call_one)
        return call

    def _call_one(self) -> None:
        """Make the call that the schedule chooses."""
        if not self._calls:  # the run has ended
            return
        call = self._chosen()
        self._calling = bool(self._calls)
        if self._calling:
            super().run_callback(self._call_one)
        if call is not None and call.callback is not None:
            call.make(self)

    def _chosen(self) -> _Call | None:
        """Take a call from those that wait; None if the clock goes ahead instead."""
        world, calls = self.world, self._calls
        schedule = world.schedule if world else None
        if world is None or schedule is None or not schedule.on:
            return calls.popleft()
        if len(calls) == 1 and not self._heap:
            call = calls.popleft()
            if call.callback is not None:
                schedule.took(call.lane)
            return call
        first: dict[object, int] = {}
        for at, call in enumerate(calls):
            if call.callback is None:  # it was stopped
                del calls[at]
                return call
            first.setdefault(call.lane, at)
            if len(first) == WIDTH:
                schedule.cut = schedule.cut or len(calls) > at + 1
                break
        ahead = self._ahead(schedule) if self._heap else None
        lanes = [*first]
        index = schedule.pick(lanes, _describe, ahead)
        if index == CLOCK:
            assert ahead is not None
            world.machine.go_ahead(world.machine.ns + ahead)
            calls.append(_Call(self._fire, (world.machine.ns,)))
            return None
        at = first[lanes[index]]
        call = calls[at]
        del calls[at]
        return call

    def _ahead(self, schedule: Schedule) -> int | None:
        """Return the nanoseconds to the next timer, if the clock may go there."""
        assert self.world is not None
        machine = self.world.machine
        due = self._due()
        if due is None:
            return None
        ahead = due - machine.ns
        if ahead <= 0:  # it fires in its turn
            return None
        return ahead if machine.may_go_ahead(ahead, schedule) else None

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

    def run_callback_threadsafe(self, func: Any, *args: Any) -> Any:  # pyright: ignore
        """Do what gevent's own does, and wake the loop if it waits."""
        called = super().run_callback_threadsafe(func, *args)
        self.stir()
        return called

    def async_(self, ref: bool = True, priority: int | None = None) -> Any:
        """Return an async watcher that wakes the loop if it waits."""
        return _Async(self, ref, priority)

    def stir(self) -> None:
        """Let the loop run if it waits, because libev has something for it to do.

        libev writes to its own pipe only when it is about to block, which it never is.
        """
        if self._idles and self.world is not None:
            self.world.machine.wake(self.world.machine.main)

    def push(self, at: float, timer: VirtualTimer) -> int:
        """Have a timer fire at a nanosecond, if it still holds the ticket then."""
        ticket = next(self._number)
        if at < math.inf:
            heapq.heappush(self._heap, (int(at), ticket, timer))
        return ticket

    def _nothing_pending(self) -> None:
        world = self.world
        assert world is not None
        machine, self._was_idle = world.machine, True
        due = self._due()
        if due is not None and due <= machine.ns:
            machine.yielded()
        else:
            self._idles = True
            try:
                descriptor: Any = self.fileno()
                machine.idle(descriptor, due)
            except Unwind:
                self._interrupted = True
            finally:
                self._idles = False
        if self._interrupted:
            self._interrupted = False
            world.give_up()
        elif due is not None and due <= machine.ns:
            self._fire(machine.ns)

    def _turns(self) -> None:
        """Note a turn of the loop in which some greenlet could run."""
        if not self._was_idle and self.world is not None:
            machine = self.world.machine
            before = machine.ns
            machine.yielded()
            self._askers.clear()
            self._noting = machine.rounds % TURNS == TURNS - 1
            if machine.ns > before:  # it has moved for greenlets that only look
                self._fire(machine.ns)
            if self._interrupted:
                self._interrupted = False
                self.world.give_up()
        self._was_idle = False

    def interrupt(self) -> bool:
        """Have the world give up, if the loop's thread is the one that waits."""
        assert self.world is not None
        machine = self.world.machine
        # A greenlet that blocks the thread in a wait of its own is ended there.
        spins = machine.current is machine.main and not machine.main.waiting
        self._interrupted = self._idles or spins
        if self._interrupted:
            machine.wake(machine.main)
        return self._interrupted

    def _looks(self) -> bool:
        """Return whether all that runs are greenlets that only look."""
        assert self.world is not None
        self._older, self._newest = self._newest, next(self._number)
        runs: Iterable[greenlet.greenlet] = self._askers or self.world.living()
        return all(loop_that_looks(outwards(one.gr_frame)) for one in runs)

    def _later_timer(self) -> int | None:
        """Return the first instant after now, in nanoseconds, that has a timer."""
        assert self.world is not None
        now = self.world.machine.ns
        dues = [
            due
            for due, ticket, timer in self._heap
            if timer.holds(ticket) and now < due and ticket < self._older
        ]
        return min(dues, default=None)

    def _due(self) -> int | None:
        """Return the instant of the next timer in nanoseconds, if there is one."""
        while self._heap and not self._heap[0][2].holds(self._heap[0][1]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _watches(self) -> bool:
        return self.activecnt > 1  # a watcher besides the idle one

    def _fire(self, now: int) -> None:
        due: list[tuple[int, VirtualTimer]] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[1:])
        due.sort(key=lambda entry: -entry[1].priority)
        for ticket, timer in due:
            if timer.holds(ticket):
                timer.fire()

    def fire_overdue(self) -> None:
        """Fire the timers that were due before now."""
        if self.world and self._heap and self._heap[0][0] < self.world.machine.ns:
            self._fire(self.world.machine.ns)

    def child(self, *args: Any, **kwargs: Any) -> Any:
        """Return a watcher of a process; outside of a world only."""
        self._refuse()
        return super().child(*args, **kwargs)

    def signal(self, *args: Any, **kwargs: Any) -> Any:
        """Return a watcher of a signal; outside of a world only."""
        self._refuse()
        return super().signal(*args, **kwargs)

    def stat(self, *args: Any, **kwargs: Any) -> Any:
        """Return a watcher of a file; outside of a world only."""
        self._refuse()
        return super().stat(*args, **kwargs)

    def install_sigchld(self) -> None:
        """Prepare for watchers of processes; outside of a world only."""
        self._refuse()
        super().install_sigchld()

    def _refuse(self) -> None:
        if self.world is not None:
            raise NotCovered(
                "subprocesses, signals and file watchers take real time: use them "
                "outside of a world"
            )


class _Call:
    """A call that waits for its turn, with the methods of a callback of gevent's."""

    __slots__ = ("args", "callback")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.callback: Callable[..., Any] | None = callback
        self.args: tuple[Any, ...] | None = args

    @property
    def lane(self) -> greenlet.greenlet | None:
        """The greenlet that runs next; None: the call is one of the loop's own."""
        of: Any = getattr(self.callback, "__self__", None)
        of = getattr(of, "greenlet", of)  # of a Waiter, once it waits
        return of if isinstance(of, greenlet.greenlet) else None

    def make(self, loop: VirtualLoop) -> None:
        callback, args = self.callback, self.args
        self.callback = None
        if callback is None or args is None:
            return
        try:
            callback(*args)
        except BaseException:
            loop.handle_error(self, *sys.exc_info())
        finally:
            self.args = None

    @property
    def pending(self) -> bool:
        """True if it has not been made."""
        return self.callback is not None

    def __bool__(self) -> bool:
        return self.args is not None

    def stop(self) -> None:
        """Do not make it."""
        self.callback = self.args = None

    close = stop


def _describe(lane: Any) -> str:
    if lane is None:
        return "a callback of the loop"
    return _waiter(lane) if lane.gr_frame else f"{_name(lane)}, which begins"


_libev: Any = corecext


class _Async(_libev.async_):  # pyright: ignore[reportUntypedBaseClass]
    def send(self) -> None:
        """Have the loop call back, and wake it if it waits."""
        watcher: Any = super()
        watcher.send()
        made: Any = self
        made.loop.stir()


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
        self.start_at(self._instant(self._after), callback, *args)

    def again(
        self, callback: Callable[..., Any], *args: Any, update: object = None
    ) -> None:
        """Call back after the timer's repeat; without a repeat, stop."""
        if self._repeat:
            self.start_at(self._instant(self._repeat), callback, *args)
        else:
            self.stop()

    def _instant(self, seconds: float) -> float:
        if seconds == math.inf:
            return math.inf
        world = self.loop.world
        return world.machine.due(seconds) if world else 0

    def start_at(self, at: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call back at that virtual instant, in nanoseconds."""
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
        virtual: Any = VirtualLoop(loop.default)
        hub.loop = virtual
    return hub


def _nothing(result: object) -> None:
    """Take a result, so that an error in it is not printed by the hub."""


def _waiter(greenlet: _Greenlet) -> str:
    if greenlet and greenlet.gr_frame is None:  # it has begun and is not suspended
        return f"{_name(greenlet)}: blocks its thread, which is listed below"
    return f"{_name(greenlet)}: {waits_at(_frames(greenlet))}"


def _name(greenlet: _Greenlet) -> str:
    if type(greenlet) is not gevent.Greenlet:
        return f"{type(greenlet).__name__} {greenlet.name}"
    run = getattr(greenlet, "_run", None)
    of = getattr(run, "__self__", None)
    if isinstance(of, Thread):  # of a patched process
        return f"thread {of.name}"
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


class _Pool:
    """The owner of a worker thread of gevent's, which has no ``threading.Thread``."""

    name = "of a pool"


_POOL = _Pool()
_threading: Any = gevent._threading  # pyright: ignore
HORIZON = 3600.0
"""Virtual seconds that the greenlets left over have for their cleanup."""

TURNS = 20
"""Turns of the loop, of some 1,000 callbacks each: see `Machine.turns`."""
_WORKER: Any = gevent.threadpool._WorkerGreenlet  # pyright: ignore
