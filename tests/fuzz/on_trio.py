"""trio with its MockClock, made to run its tasks in the order of a history.

`Follower` replaces trio's random numbers. trio uses them only to shuffle the batch of
ready tasks. `Follower` keeps the task in the batch whose next entry comes first in the
history, and returns the others to trio's run queue.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from unittest import mock

import trio.testing

core = trio._core._run


class Follower:
    """A scheduler that chooses the next task according to a history."""

    def __init__(self, history, wake_sleepers):
        self.history = history
        self.wake_sleepers = wake_sleepers
        self.entries = defaultdict(list)
        """The positions of each task's entries in the history."""
        for position, (_, name, *_) in enumerate(history):
            self.entries[name].append(position)
        self.written = defaultdict(int)
        """The number of entries that each task has written here."""

    def position(self, name):
        """Return the position of a task's next entry, or infinity if there is none."""
        positions, written = self.entries[name], self.written[name]
        return positions[written] if written < len(positions) else math.inf

    def expects_cancellation(self, name):
        """Return True if the next entry of a task reports its cancellation."""
        position = self.position(name)
        return position < math.inf and self.history[position][-1] == "Cancelled"

    def shuffle(self, batch):
        self.wake_sleepers()
        ready = core.GLOBAL_RUN_CONTEXT.runner.runq
        tasks = [*batch, *ready]
        ready.clear()
        if tasks:
            first = min(tasks, key=self.order)
            tasks.remove(first)
            batch[:] = [first]
            ready.extend(tasks)

    def order(self, task):
        """Put trio's own tasks before the tasks of the program."""
        ours = task.name in self.entries
        return (self.position(task.name) if ours else -1, task.name)


def from_async(function):
    """Make a generator function of a coroutine function."""

    def wait(*arguments):
        return (yield from function(*arguments).__await__())

    return wait


class Awaitable:
    """Awaits a generator."""

    def __init__(self, generator):
        self.generator = generator

    def __await__(self):
        return self.generator


async def run_generator(function, *arguments):
    return await Awaitable(function(*arguments))


async def raise_if_cancelled():
    """Raise `Cancelled` as a wait does that begins in a cancelled scope.

    ``checkpoint_if_cancelled`` does the same, but fails an assertion if a shield takes
    the cancellation back before the task runs again.
    """
    if trio.current_effective_deadline() == -math.inf:
        await wait_until_rescheduled(lambda: None)


async def wait_until_rescheduled(forget):
    """Wait; call a function if the wait is cancelled."""

    def abort(_):
        forget()
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.wait_task_rescheduled(abort)


class OnTrio:
    """trio as `Play` needs it."""

    TooSlow = trio.TooSlowError
    fail_after = staticmethod(trio.fail_after)
    sleep_forever = staticmethod(from_async(trio.sleep_forever))

    def __init__(self, history):
        self.follower = Follower(history, self._wake_sleepers)
        self.sleepers = []
        self.tickets = itertools.count()
        self.clock = trio.testing.MockClock(autojump_threshold=0)
        self.clock._autojump = self._jump
        self.has_jumped = False

    def run(self, function, *arguments):
        async def main():
            trio.lowlevel.current_task().name = "main"
            return await run_generator(function, *arguments)

        with (
            mock.patch.object(core, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch.object(core, "_r", self.follower),
        ):
            return trio.run(main, clock=self.clock)

    def now(self):
        return self.clock.current_time()

    def task_name(self):
        return trio.lowlevel.current_task().name

    def noted(self, name):
        self.follower.written[name] += 1

    def task_is_cancelled(self):
        return trio.current_effective_deadline() == -math.inf

    def is_cancelled(self, scope):
        return scope._cancel_status.effectively_cancelled

    # Groups and scopes

    def scope(self, seconds, shield):
        return trio.CancelScope(relative_deadline=seconds, shield=shield)

    def scope_of(self, group):
        return group.cancel_scope

    def spawn(self, group, name, function, *arguments):
        group.start_soon(run_generator, function, *arguments, name=name)

    def open_group(self, body):
        return from_async(self._open_group)(body)

    async def _open_group(self, body):
        async with trio.open_nursery() as group:
            return await run_generator(body, group)

    # Time

    def sleep(self, seconds):
        return from_async(self._sleep)(seconds) if seconds > 0 else self.checkpoint()

    async def _sleep(self, seconds):
        task = trio.lowlevel.current_task()
        sleeper = (self.now() + seconds, next(self.tickets), task)
        self.sleepers.append(sleeper)
        self.sleepers.sort()
        await wait_until_rescheduled(lambda: self.sleepers.remove(sleeper))

    def _jump(self):
        """Let the clock jump to the next deadline or sleeper."""
        jump = trio.lowlevel.current_statistics().seconds_to_next_deadline
        if self.sleepers:
            jump = min(jump, self.sleepers[0][0] - self.now())
        if 0 < jump < math.inf:
            self.clock.jump(jump)
            self.has_jumped = True

    def _wake_sleepers(self):
        if self.has_jumped:  # trio first cancels the scopes whose deadline has come
            self.has_jumped = False
            return
        while self.sleepers and self.sleepers[0][0] <= self.now():
            trio.lowlevel.reschedule(self.sleepers.pop(0)[-1])

    def turn(self):
        return from_async(self._turn)()

    async def _turn(self):
        await raise_if_cancelled()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def checkpoint(self):
        return from_async(self._checkpoint)()

    async def _checkpoint(self):
        await self._turn()
        if self.follower.expects_cancellation(self.task_name()):
            await raise_if_cancelled()

    # Objects that tasks share

    def event(self):
        return Event(trio.Event())

    def lock(self):
        return Turns(trio.Lock())

    def semaphore(self, value):
        return Turns(trio.Semaphore(value))

    def channel(self, capacity):
        return Channel(*trio.open_memory_channel(capacity))


class Event:
    """An event. Waiting for an event that is set is not a checkpoint."""

    def __init__(self, event):
        self.event = event
        self.set = event.set

    def wait(self):
        if not self.event.is_set():
            yield from self.event.wait().__await__()


class Turns:
    """A lock or a semaphore. Taking a free turn is not a checkpoint."""

    def __init__(self, turns):
        self.turns = turns
        self.release = turns.release

    def acquire(self):
        try:
            self.turns.acquire_nowait()
        except trio.WouldBlock:
            yield from raise_if_cancelled().__await__()
            yield from self.turns.acquire().__await__()


class Channel:
    """Both ends of a channel. An operation that need not wait is not a checkpoint."""

    def __init__(self, sending, receiving):
        self.sending, self.receiving = sending, receiving
        self.close = sending.close

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
