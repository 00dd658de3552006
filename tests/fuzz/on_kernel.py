"""The kernel in virtual time. Only its clock and its selector are replaced."""

from __future__ import annotations

import selectors
from functools import partial
from unittest import mock

from generators_study import kernel

SPINS = 10_000
"""The number of selects after which a kernel counts as making no progress."""


class OnKernel:
    """The kernel as `Play` needs it."""

    TooSlow = TimeoutError
    event = kernel.Event
    lock = kernel.Lock
    semaphore = kernel.Semaphore
    channel = kernel.Channel
    sleep = staticmethod(kernel.sleep)
    sleep_forever = staticmethod(kernel.sleep_forever)
    checkpoint = staticmethod(kernel.checkpoint)
    fail_after = staticmethod(kernel.fail_after)
    open_group = staticmethod(kernel.open_group)

    def __init__(self):
        self.instant = 0.0
        self.spins = 0

    def run(self, function, *arguments):
        selector = partial(VirtualSelector, self)
        with (
            mock.patch("time.monotonic", self.now),
            mock.patch("selectors.DefaultSelector", selector),
        ):
            return kernel.run(function, *arguments)

    def now(self):
        return self.instant

    def task_name(self):
        return kernel.current_task().name

    def noted(self, name):
        pass

    def turn(self):
        yield kernel.current_kernel().ready

    def task_is_cancelled(self):
        return kernel.current_task().doomed

    def is_cancelled(self, scope):
        return scope.doomed

    def scope(self, seconds, shield):
        return kernel.CancelScope(seconds, shield=shield)

    def scope_of(self, group):
        return group

    def spawn(self, group, name, function, *arguments):
        group.spawn(function, *arguments).name = name


RealSelector = selectors.DefaultSelector


class VirtualSelector(RealSelector):
    """A selector in which waiting takes virtual time only."""

    def __init__(self, library):
        super().__init__()
        self.library = library

    def select(self, timeout=None):
        self.library.spins += 1
        if self.library.spins > SPINS:
            raise RuntimeError("the kernel makes no progress")
        events = super().select(0)
        if not events and timeout:
            self.library.instant += timeout
        return events
