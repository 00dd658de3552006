"""Greenlets that end together: gevent has groups, but none that ends with its block.

gevent takes every GreenletExit for a success, requested or not. It hands
KeyboardInterrupt and SystemExit on to the main greenlet, and prints every other error,
even if the error is handled later. So no error leaves a greenlet of this group. The
group keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import gevent
from concurrency_study.topics import Result, Unrequested
from gevent.pool import Group

P = ParamSpec("P")


class GreenletGroup(Group):
    """Greenlets of a block. Leaving the block waits for all and raises their errors.

    The first error, of a greenlet or of the block, kills all others together, once. A
    GreenletExit that the group has not asked for is an error (`Unrequested`). A kill, a
    timeout or Ctrl-C that reaches the caller while it waits for cleanups does not cut
    them short. It stops the rest, and takes effect afterwards.

    Raises:
        BaseExceptionGroup: With every error, when all greenlets have ended.
        KeyboardInterrupt, SystemExit: Bare, if it is the only error.
        GreenletExit, Timeout: The one that reached the caller, if there is no error. A
            kill takes precedence over timeouts, a later timeout over an earlier one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._errors: list[BaseException] = []
        self.stopping = False
        """True once all have been killed, by ``kill()`` or because of an error."""

    def spawn(
        self, func: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> gevent.Greenlet[..., Result]:
        """Call ``func`` in a greenlet of the group; its value is None if it fails."""

        @wraps(func)
        def work() -> Any:
            try:
                return func(*args, **kwargs)
            except gevent.GreenletExit as error:
                if gevent.getcurrent() not in self.dying:
                    unrequested = Unrequested()
                    unrequested.__cause__ = error
                    self._failed(unrequested)
            except BaseException as error:
                self._failed(error)

        return super().spawn(work)

    def kill(self, *args: Any, **kwargs: Any) -> None:
        """Kill all, as `gevent.pool.Group.kill` does."""
        self.stopping = True
        super().kill(*args, **kwargs)

    def _failed(self, error: BaseException) -> None:
        self._errors.append(error)
        if not self.stopping:
            self.kill(block=False)

    def __enter__(self) -> GreenletGroup:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        asked: BaseException | None = None
        while True:
            if isinstance(error, gevent.GreenletExit | gevent.Timeout):
                if not isinstance(asked, gevent.GreenletExit):
                    asked = error
                self.kill(block=False)
            elif error is not None:
                self._failed(error)
            error = None
            if not self:
                break
            try:
                self.join()
            except BaseException as late:
                error = late
        if len(self._errors) == 1:
            (only,) = self._errors
            if isinstance(only, KeyboardInterrupt | SystemExit):
                raise only
        if self._errors:
            raise BaseExceptionGroup("errors in greenlets", self._errors) from asked
        if asked is not None:
            raise asked
