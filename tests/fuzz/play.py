"""Play one program on the kernel and on trio, and compare the two histories.

A program is data (`programs`). `Play` interprets it with whatever library it is given
and writes a history: entries of (virtual instant, task, what happened). The interpreter
is written once, as generators; `OnTrio` awaits trio's own functions in them.

The two histories have to be equal, entry by entry, and so do the outcomes (trees of
errors). The order of tasks that are ready at the same instant is the only freedom:
trio promises none, so it is made to follow the kernel. `Follower` takes the place of
trio's random numbers and always lets that task run whose next entry comes first in
the kernel's history. A difference therefore means that no schedule of trio leads to
the kernel's history. That covers the weaker rule that both must agree on everything
on which all of trio's schedules agree. No task is favoured across instants: time only
moves when no task is ready, in both libraries.

These differences are by design, and are kept out of the comparison:

- An operation that need not wait is no checkpoint in the kernel. On trio it is played
  by the ``_nowait`` form of the operation, if that succeeds.
- trio keeps a `Cancelled` beside the errors of a group; the kernel keeps the errors
  alone. Errors are compared without it, and ``cancelled_caught`` of a scope is
  compared only if no error leaves the scope.
- A sleeper whose instant has come is woken: a cancellation later in the same instant
  does not reach it before its next wait. ``trio.sleep`` is a scope with a deadline,
  so that cancellation reaches it if the canceller runs first. On trio, sleeping is
  therefore played by an ordinary wait that the clock ends.
- The same holds for a checkpoint once the kernel has looked around, which the history
  does not show. If a task is cancelled while it is at a checkpoint, both outcomes are
  right: trio takes the one that the kernel had.
- trio closes a group when its last child ends, the kernel when the block that waits
  for it runs again. No task is spawned into a group between the two.
- The kernel reports a deadlock and trio waits for ever. So each program runs under a
  deadline, and so does everything that a shield may protect.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import selectors
import time
import types
from collections import defaultdict
from contextvars import ContextVar
from functools import partial
from unittest import mock

import trio.testing
from generators_study import kernel

HORIZON = 1000
"""Seconds after which a program is cancelled as a whole."""
CAP = 100
"""Seconds after which all is cancelled that a shield may protect."""
SPINS = 10_000
"""A kernel that looks around more often than this runs in circles."""

CAPACITIES = (0, 1)
TURNS = (1, 2)
parent = ContextVar("parent", default="nobody")


class Failure(Exception):
    """An error of a program."""


class Fatal(BaseException):
    """An error of a program that is not an Exception."""


CLOSED = (kernel.Closed, trio.ClosedResourceError, trio.EndOfChannel)
ERRORS = {
    "failure": Failure,
    "fatal": Fatal,
    "interrupt": KeyboardInterrupt,
    "close": GeneratorExit,
}


def tell(error):
    """Name an error; of a group, list its errors without `Cancelled`."""
    if isinstance(error, BaseExceptionGroup):
        told = [tell(each) for each in error.exceptions]
        return [each for each in told if each != "Cancelled"] or "Cancelled"
    if isinstance(error, Failure | Fatal):
        return (type(error).__name__, *error.args)
    if isinstance(error, kernel.Cancelled | trio.Cancelled):
        return "Cancelled"
    if isinstance(error, CLOSED):
        return "Closed"
    return type(error).__name__


class Scope:
    """A scope of a program."""

    def __init__(self, scope, may_be_shielded):
        self.scope = scope
        self.may_be_shielded = may_be_shielded
        self.is_open = True


class OpenGroup:
    """A group of a program, and how far it is."""

    def __init__(self, number, group, scope):
        self.number = number
        self.group = group
        self.scope = scope
        self.in_block, self.alive, self.left = True, 0, False

    def leave(self):
        self.left = True
        self.scope.is_open = False


class Play:
    """Interprets a program with a library, and writes its history."""

    def __init__(self, library):
        self.library = library
        self.history = []
        self.scopes, self.left, self.groups = [], [], []
        self.tickets = itertools.count(1)

    def note(self, *what):
        name = self.library.me()
        self.history.append((self.library.now(), name, *what))
        self.library.noted(name)

    def main(self, program):
        make = self.library
        self.events = [make.Event() for _ in range(2)]
        self.locks = [make.Lock() for _ in range(2)]
        self.semaphores = [make.Semaphore(value) for value in TURNS]
        self.channels = [make.Channel(capacity) for capacity in CAPACITIES]
        with make.scope(HORIZON, False):
            yield from self.task((("group", False, program),), None)
        called = [scope.cancel_called for scope in self.left]
        self.note("horizon" if self.library.now() >= HORIZON else "over", called)

    def task(self, block, group):
        name = self.library.me()
        self.note("starts", parent.get())
        parent.set(name)
        try:
            yield from self.capped(group is not None and group.scope.may_be_shielded, block)
        except BaseException as error:
            self.note("ends", tell(error), parent.get() == name)
            raise
        else:
            self.note("ends", parent.get() == name)
        finally:
            if group is not None:
                group.alive -= 1

    def capped(self, capped, block):
        if capped:
            with self.library.scope(CAP, False):
                yield from self.block(block)
        else:
            yield from self.block(block)

    def block(self, block):
        for name, *arguments in block:
            yield from getattr(self, name)(*arguments)

    def waiting(self, what, wait):
        """Wait, and note what came of it; return whether it went well."""
        try:
            value = yield from wait()
        except Exception as error:  # of the operation itself
            self.note(*what, tell(error))
            return False
        except BaseException as error:
            self.note(*what, tell(error))
            raise
        self.note(*what, value)
        return True

    # Waits

    def sleep(self, seconds):
        wait = partial(self.library.sleep, seconds)
        yield from self.waiting(("sleep", seconds), wait)

    def checkpoint(self):
        yield from self.waiting(("checkpoint",), self.library.checkpoint)

    def turn(self):
        yield from self.waiting(("turn",), self.library.turn)

    def wait(self, which):
        yield from self.waiting(("wait", which), self.events[which].wait)

    def put(self, which):
        item = next(self.tickets)
        wait = partial(self.channels[which].put, item)
        yield from self.waiting(("put", which, item), wait)

    def get(self, which):
        yield from self.waiting(("get", which), self.channels[which].get)

    def forever(self):
        yield from self.waiting(("sleeps for ever",), self.library.sleep_forever)

    # What takes no time

    def set(self, which):
        self.note("set", which)
        self.events[which].set()
        yield from ()

    def close(self, which):
        self.note("close", which)
        self.channels[which].close()
        yield from ()

    def cancel(self, which):
        if self.scopes:
            number = len(self.scopes) - 1 - which % len(self.scopes)
            self.note("cancel", number)
            self.scopes[number].scope.cancel()
        yield from ()

    def shield(self, which, shield):
        number = len(self.scopes) - 1 - which
        one = self.scopes[number] if number >= 0 else None
        if one is None or not (one.is_open and one.may_be_shielded):
            return
        if shield and self.library.is_cancelled(one.scope):
            self.note("comes too late to shield", number)
        else:
            self.note("shield", number, shield)
            one.scope.shield = shield
        yield from ()

    def look(self):
        self.note("look", self.library.cancelled())
        yield from ()

    def fail(self, kind):
        number = next(self.tickets)
        self.note("fails", number)
        raise ERRORS[kind](number)
        yield

    # Blocks

    def scope(self, seconds, shield, early, block):
        scope = self.library.scope(CAP if seconds is None else seconds, shield)
        number = len(self.scopes)
        one = Scope(scope, True)
        self.scopes.append(one)
        if early:
            scope.cancel()
        try:
            with scope:
                yield from self.block(block)
        finally:
            one.is_open = False
            self.left.append(scope)
        self.note("leaves", number, scope.cancel_called, scope.cancelled_caught)

    def last_words(self, block):
        """Raise the shield of a scope for the cleanup in it."""
        with self.library.scope(CAP, False) as scope:
            try:
                yield from self.block(block)
            finally:
                scope.shield = True
                self.note("last words", self.library.cancelled())
                yield from self.sleep(1)
        self.note("leaves last words", scope.cancel_called, scope.cancelled_caught)

    def fail_after(self, seconds, block):
        try:
            with self.library.fail_after(seconds):
                yield from self.block(block)
        except self.library.TooSlow:
            self.note("too slow")

    def group(self, capped, block):
        number = next(self.tickets)
        opened = []

        def body(group):
            scope = Scope(self.library.scope_of(group), capped)
            one = OpenGroup(number, group, scope)
            opened.append(one)
            self.groups.append(one)
            self.scopes.append(one.scope)
            self.note("opens", number)
            try:
                yield from self.capped(capped, block)
            finally:
                one.in_block = False
            return number

        try:
            value = yield from self.library.open_group(body)
        except BaseException as error:
            opened[0].leave()
            self.note("closes", number, tell(error))
            raise
        opened[0].leave()
        self.note("closes", number, value, opened[0].scope.scope.cancelled_caught)

    def spawn(self, which, block):
        if not self.groups:
            return
        one = self.groups[-1 - which % len(self.groups)]
        if not (one.left or one.in_block or one.alive):
            self.note("comes too late for", one.number)
            return
        name = str(next(self.tickets))
        try:
            self.library.spawn(one.group, name, self.task, block, one)
        except RuntimeError:
            self.note("cannot spawn", one.number)
        else:
            one.alive += 1
            self.note("spawns", one.number, name)
        yield from ()

    def lock(self, which, block):
        lock = self.locks[which]
        if (yield from self.waiting(("lock", which), lock.acquire)):
            try:
                yield from self.block(block)
            finally:
                self.note("unlock", which)
                lock.release()

    def turns(self, which, block):
        turns = self.semaphores[which]
        yield from self.waiting(("acquire", which), turns.acquire)
        try:
            yield from self.block(block)
        finally:
            self.note("release", which)
            turns.release()

    def swallow(self, block):
        try:
            yield from self.block(block)
        except BaseException as error:
            if tell(error) != "Cancelled":
                raise
            self.note("swallows")

    def catch(self, block):
        try:
            yield from self.block(block)
        except BaseException as error:
            if tell(error) == "Cancelled":
                raise
            self.note("catches", tell(error))

    def cleanup(self, after, block):
        try:
            yield from self.block(block)
        finally:
            self.note("cleans up")
            yield from self.block(after)


# The kernel


class OnKernel:
    """The kernel in virtual time: only its clock and its selector are replaced."""

    TooSlow = TimeoutError
    Event = kernel.Event
    Lock = kernel.Lock
    Semaphore = kernel.Semaphore
    Channel = kernel.Channel
    sleep = staticmethod(kernel.sleep)
    sleep_forever = staticmethod(kernel.sleep_forever)
    checkpoint = staticmethod(kernel.checkpoint)
    fail_after = staticmethod(kernel.fail_after)
    open_group = staticmethod(kernel.open_group)

    def __init__(self):
        self.instant = 0.0
        self.spins = 0

    def run(self, function, *arguments):
        patches = contextlib.ExitStack()
        patches.enter_context(mock.patch("time.monotonic", self.now))
        selector = partial(VirtualSelector, self)
        patches.enter_context(mock.patch("selectors.DefaultSelector", selector))
        with patches:
            return kernel.run(function, *arguments)

    def now(self):
        return self.instant

    def me(self):
        return kernel.current_task().name

    def noted(self, name):
        pass

    def turn(self):
        yield kernel.current_kernel().ready

    def cancelled(self):
        return kernel.current_task().doomed

    def scope(self, seconds, shield):
        return kernel.CancelScope(seconds, shield=shield)

    def is_cancelled(self, scope):
        return scope.doomed

    def scope_of(self, group):
        return group

    def spawn(self, group, name, function, *arguments):
        group.spawn(function, *arguments).name = name


RealSelector = selectors.DefaultSelector


class VirtualSelector(RealSelector):
    """A selector in which waiting takes virtual time alone."""

    def __init__(self, library):
        super().__init__()
        self.library = library

    def select(self, timeout=None):
        self.library.spins += 1
        if self.library.spins > SPINS:
            raise RuntimeError("the kernel runs in circles")
        events = super().select(0)
        if not events and timeout:
            self.library.instant += timeout
        return events


# trio


class Follower:
    """Takes the place of trio's random numbers: the next task follows a history."""

    def __init__(self, library, history):
        self.library = library
        self.history = history
        self.entries = defaultdict(list)
        """Of each task: the places of its entries in the history."""
        for place, (_, name, *_) in enumerate(history):
            self.entries[name].append(place)

    def place(self, name):
        """Return the place of the next entry of a task."""
        written = self.library.written[name]
        places = self.entries[name]
        return places[written] if written < len(places) else math.inf

    def next(self, name):
        """Return the next entry of a task, or None."""
        place = self.place(name)
        return None if place == math.inf else self.history[place]

    def shuffle(self, batch):
        """Leave one task in the batch; the others stay ready."""
        self.library.wake_sleepers()
        ready = trio._core._run.GLOBAL_RUN_CONTEXT.runner.runq
        tasks = [*batch, *ready]
        ready.clear()
        if tasks:
            first = min(tasks, key=self.order)
            tasks.remove(first)
            batch[:] = [first]
            ready.extend(tasks)

    def order(self, task):
        """Return what comes first: trio's own tasks, then those of the program."""
        ours = task.name in self.entries
        return (self.place(task.name) if ours else -1, task.name)

    def random(self):
        return 0.5


def ours(function):
    """Make a generator function of a coroutine function."""

    def wait(*arguments):
        return (yield from function(*arguments).__await__())

    return wait


def theirs(function):
    """Make a coroutine function of a generator function."""

    async def wait(*arguments):
        return await Awaitable(function(*arguments))

    return wait


class Awaitable:
    """What awaits like a generator."""

    def __init__(self, generator):
        self.generator = generator

    def __await__(self):
        return self.generator


async def raise_if_cancelled():
    """Begin a wait, if the task is cancelled.

    ``checkpoint_if_cancelled`` does the same, but runs into an assertion when a shield
    takes the cancellation back before the task runs again.
    """
    if trio.current_effective_deadline() == -math.inf:
        await trio.lowlevel.wait_task_rescheduled(
            lambda _: trio.lowlevel.Abort.SUCCEEDED
        )


class OnTrio:
    """trio, following the history of the kernel in the order of its tasks."""

    TooSlow = trio.TooSlowError
    fail_after = staticmethod(trio.fail_after)
    sleep_forever = staticmethod(ours(trio.sleep_forever))

    def __init__(self, history):
        self.written = defaultdict(int)
        self.follower = Follower(self, history)
        self.sleepers = []
        self.jumped = False
        self.tickets = itertools.count()
        self.clock = trio.testing.MockClock(autojump_threshold=0)
        self.clock._autojump = self._jump

    def run(self, function, *arguments):
        async def main():
            trio.lowlevel.current_task().name = "main"
            return await Awaitable(function(*arguments))

        module = trio._core._run
        with (
            mock.patch.object(module, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch.object(module, "_r", self.follower),
        ):
            return trio.run(main, clock=self.clock)

    def now(self):
        return self.clock.current_time()

    def me(self):
        return trio.lowlevel.current_task().name

    def noted(self, name):
        self.written[name] += 1

    def cancelled(self):
        return trio.current_effective_deadline() == -math.inf

    def scope(self, seconds, shield):
        return trio.CancelScope(relative_deadline=seconds, shield=shield)

    def is_cancelled(self, scope):
        return scope._cancel_status.effectively_cancelled

    def scope_of(self, group):
        return group.cancel_scope

    def spawn(self, group, name, function, *arguments):
        group.start_soon(theirs(function), *arguments, name=name)

    def open_group(self, body):
        return ours(self._open_group)(body)

    async def _open_group(self, body):
        value = None
        async with trio.open_nursery() as group:
            value = await Awaitable(body(group))
        return value

    def sleep(self, seconds):
        return ours(self._sleep)(seconds) if seconds > 0 else self.checkpoint()

    async def _sleep(self, seconds):
        sleeper = (
            self.clock.current_time() + seconds,
            next(self.tickets),
            trio.lowlevel.current_task(),
        )
        heapq.heappush(self.sleepers, sleeper)

        def abort(_):
            self.sleepers.remove(sleeper)
            heapq.heapify(self.sleepers)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _jump(self):
        """Let the clock jump to the next deadline or sleeper."""
        jump = trio.lowlevel.current_statistics().seconds_to_next_deadline
        if self.sleepers:
            jump = min(jump, self.sleepers[0][0] - self.clock.current_time())
        if 0 < jump < math.inf:
            self.clock.jump(jump)
            self.jumped = True  # deadlines of the new instant come before its sleepers

    def wake_sleepers(self):
        if self.jumped:
            self.jumped = False
            return
        while self.sleepers and self.sleepers[0][0] <= self.clock.current_time():
            trio.lowlevel.reschedule(heapq.heappop(self.sleepers)[-1])

    def turn(self):
        return ours(self._turn)()

    async def _turn(self):
        await raise_if_cancelled()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def checkpoint(self):
        return ours(self._checkpoint)()

    async def _checkpoint(self):
        await self._turn()
        expected = self.follower.next(self.me())
        if self.cancelled() and expected and expected[-1] == "Cancelled":
            await trio.lowlevel.checkpoint()

    class Event:
        """An event for which one waits only if it is not set."""

        def __init__(self):
            self.event = trio.Event()
            self.set = self.event.set

        def wait(self):
            if not self.event.is_set():
                yield from self.event.wait().__await__()

    class Turns:
        """Turns for which one waits only if none is left."""

        def __init__(self, turns):
            self.turns = turns
            self.release = turns.release

        def acquire(self):
            try:
                self.turns.acquire_nowait()
            except trio.WouldBlock:
                yield from raise_if_cancelled().__await__()
                yield from self.turns.acquire().__await__()

    def Lock(self):
        return self.Turns(trio.Lock())

    def Semaphore(self, value):
        return self.Turns(trio.Semaphore(value))

    class Channel:
        """Both ends of a channel."""

        def __init__(self, capacity):
            self.sending, self.receiving = trio.open_memory_channel(capacity)
            self.close = self.sending.close

        def put(self, item):
            try:
                self.sending.send_nowait(item)
            except trio.WouldBlock:
                yield from raise_if_cancelled().__await__()
                yield from self.sending.send(item).__await__()

        def get(self):
            try:
                return self.receiving.receive_nowait()
            except trio.WouldBlock:
                yield from raise_if_cancelled().__await__()
                return (yield from self.receiving.receive().__await__())


# The comparison


class Difference(AssertionError):
    """The kernel and trio have gone different ways."""


def played(library, program):
    """Return the history of a program, and its outcome."""
    play = Play(library)
    try:
        library.run(play.main, program)
    except BaseException as error:
        return play.history, tell(error)
    return play.history, "ended"


def compare(program):
    """Raise `Difference` if the kernel and trio differ about a program."""
    ours, outcome = played(OnKernel(), program)
    theirs, expected = played(OnTrio(ours), program)
    for number, (mine, its) in enumerate(itertools.zip_longest(ours, theirs)):
        if mine != its:
            raise Difference(tale(program, ours[:number], mine, its))
    if outcome != expected:
        raise Difference(tale(program, ours, outcome, expected))
    return ours


def tale(program, agreed, mine, its):
    """Tell what differs, and what went before."""
    lines = [f"  {instant:g} s  {name}: {what}" for instant, name, *what in agreed]
    return "\n".join(
        [
            "Kernel and trio differ about this program:",
            f"  {program!r}",
            "They agree on this:",
            *lines,
            f"Then the kernel has  {mine}",
            f"        and trio has {its}",
        ]
    )
