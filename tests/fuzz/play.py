"""An interpreter that runs a program with the kernel or trio and writes its history.

A program is data (`programs`). `Play` interprets it with a library: `OnKernel` or
`OnTrio`. It writes a history of entries (virtual instant, task, what happened).

The interpreter is written once, as generators. `OnTrio` awaits trio's functions inside
these generators.
"""

from __future__ import annotations

import itertools
from contextvars import ContextVar
from functools import partial

import trio
from generators_study import kernel

HORIZON = 1000
"""Seconds after which the whole program is cancelled."""
CAP = 100
"""Seconds after which code behind a shield is cancelled."""
CAPACITIES = (0, 1)
TURNS = (1, 2)

last_started = ContextVar("last_started", default="nothing")
"""The innermost task that was started in this context."""


class Failure(Exception):
    """An error of a program."""


class Fatal(BaseException):
    """An error of a program that is not an Exception."""


ERRORS = {
    "failure": Failure,
    "fatal": Fatal,
    "interrupt": KeyboardInterrupt,
    "close": GeneratorExit,
}
CANCELLED = (kernel.Cancelled, trio.Cancelled)
CLOSED = (kernel.Closed, trio.ClosedResourceError, trio.EndOfChannel)


def tell(error):
    """Name an error; for a group, list its errors without `Cancelled`."""
    if isinstance(error, BaseExceptionGroup):
        told = [tell(each) for each in error.exceptions]
        return [each for each in told if each != "Cancelled"] or "Cancelled"
    if isinstance(error, CANCELLED):
        return "Cancelled"
    if isinstance(error, CLOSED):
        return "Closed"
    if isinstance(error, tuple(ERRORS.values())):
        return (type(error).__name__, *error.args)
    return type(error).__name__


class Scope:
    """A cancel scope of a program."""

    def __init__(self, scope, may_be_shielded):
        self.scope = scope
        self.may_be_shielded = may_be_shielded
        self.is_open = True


class Group(Scope):
    """A group of a program."""

    def __init__(self, number, group, scope, may_be_shielded):
        super().__init__(scope, may_be_shielded)
        self.number = number
        self.group = group
        self.in_block = True
        self.children = 0

    @property
    def is_closing(self):
        """True if the block and all children have ended and only the group is open."""
        return self.is_open and not (self.in_block or self.children)


class Play:
    """An interpreter that runs a program with a library and writes its history."""

    def __init__(self, library):
        self.library = library
        self.history = []
        self.scopes, self.groups, self.left = [], [], []
        self.numbers = itertools.count(1)

    def note(self, *what):
        name = self.library.task_name()
        self.history.append((self.library.now(), name, *what))
        self.library.noted(name)

    def main(self, program):
        make = self.library
        self.events = [make.event() for _ in range(2)]
        self.locks = [make.lock() for _ in range(2)]
        self.semaphores = [make.semaphore(value) for value in TURNS]
        self.channels = [make.channel(capacity) for capacity in CAPACITIES]
        with make.scope(HORIZON, False):
            yield from self.group(False, program)
        # A deadline must not reach a scope that was left before it.
        called = [one.scope.cancel_called for one in self.left]
        late = self.library.now() >= HORIZON
        self.note("is cancelled as a whole" if late else "ends", called)

    def task(self, block, group):
        name = self.library.task_name()
        self.note("starts", last_started.get())
        last_started.set(name)
        try:
            yield from self.capped(group.may_be_shielded, block)
        except BaseException as error:
            self.note("ends", tell(error), last_started.get() == name)
            raise
        else:
            self.note("ends", last_started.get() == name)
        finally:
            group.children -= 1

    def block(self, block):
        for name, *arguments in block:
            yield from getattr(self, name)(*arguments)

    def capped(self, capped, block):
        """Run a block that ends by itself, even behind a shield."""
        if capped:
            with self.library.scope(CAP, False):
                yield from self.block(block)
        else:
            yield from self.block(block)

    def waiting(self, what, wait):
        """Wait and note the outcome; return whether it is a value."""
        try:
            value = yield from wait()
        except BaseException as error:
            self.note(*what, tell(error))
            if isinstance(error, Exception):  # the operation is refused
                return False
            raise
        self.note(*what, value)
        return True

    # Operations that wait

    def sleep(self, seconds):
        wait = partial(self.library.sleep, seconds)
        yield from self.waiting(("sleep", seconds), wait)

    def forever(self):
        yield from self.waiting(("forever",), self.library.sleep_forever)

    def checkpoint(self):
        yield from self.waiting(("checkpoint",), self.library.checkpoint)

    def turn(self):
        yield from self.waiting(("turn",), self.library.turn)

    def wait(self, which):
        yield from self.waiting(("wait", which), self.events[which].wait)

    def put(self, which):
        item = next(self.numbers)
        wait = partial(self.channels[which].put, item)
        yield from self.waiting(("put", which, item), wait)

    def get(self, which):
        yield from self.waiting(("get", which), self.channels[which].get)

    # Operations that do not wait

    def set(self, which):
        self.note("set", which)
        self.events[which].set()
        yield from ()

    def close(self, which):
        self.note("close", which)
        self.channels[which].close()
        yield from ()

    def cancel(self, which):
        number = len(self.scopes) - 1 - which
        if number >= 0:
            self.note("cancel", number)
            self.scopes[number].scope.cancel()
        yield from ()

    def shield(self, which, shield):
        number = len(self.scopes) - 1 - which
        if number >= 0:
            one = self.scopes[number]
            if not (one.is_open and one.may_be_shielded):
                self.note("cannot shield", number)
            elif shield and self.library.is_cancelled(one.scope):
                self.note("shield comes too late", number)
            else:
                self.note("shield", number, shield)
                one.scope.shield = shield
        yield from ()

    def look(self):
        self.note("look", self.library.task_is_cancelled())
        yield from ()

    def fail(self, kind):
        number = next(self.numbers)
        self.note("fails", number)
        raise ERRORS[kind](number)
        yield

    def spawn(self, which, block):
        group = self.groups[-1 - which % len(self.groups)]
        name = str(next(self.numbers))
        if group.is_closing:
            self.note("spawn comes too late", group.number)
            return
        try:
            self.library.spawn(group.group, name, self.task, block, group)
        except RuntimeError:
            self.note("cannot spawn", group.number)
        else:
            group.children += 1
            self.note("spawns", group.number, name)
        yield from ()

    # Operations with a block

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
            self.left.append(one)
        self.note("leaves", number, scope.cancel_called, scope.cancelled_caught)

    def fail_after(self, seconds, block):
        try:
            with self.library.fail_after(seconds):
                yield from self.block(block)
        except self.library.TooSlow:
            self.note("too slow")

    def last_words(self, seconds, inner_seconds, block):
        """Run a block in two scopes, then wait behind a shield of the outer one."""
        outer = self.library.scope(seconds, False)
        inner = self.library.scope(inner_seconds, False)
        self.scopes += [Scope(outer, False), Scope(inner, False)]
        with outer:
            with inner:
                try:
                    yield from self.block(block)
                finally:
                    outer.shield = True
                    self.note("last words", self.library.task_is_cancelled())
                    yield from self.sleep(1)
            self.note("last words spoken", inner.cancelled_caught)
        self.note("after last words", outer.cancelled_caught)

    def group(self, capped, block):
        number = next(self.numbers)
        opened = []

        def body(native):
            group = Group(number, native, self.library.scope_of(native), capped)
            opened.append(group)
            self.groups.append(group)
            self.scopes.append(group)
            self.note("opens", number)
            try:
                yield from self.capped(capped, block)
            finally:
                group.in_block = False
            return number

        try:
            value = yield from self.library.open_group(body)
        except BaseException as error:
            self.note("closes", number, tell(error))
            raise
        else:
            caught = opened[0].scope.cancelled_caught
            self.note("closes", number, value, caught)
        finally:
            opened[0].is_open = False

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
