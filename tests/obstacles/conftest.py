"""The obstacles of the installed study, how to run them, and a search for leftovers."""

from __future__ import annotations

import gc
import inspect
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from pathlib import Path

import pytest
from concurrency_study.study import installed_studies

WORLDS = [world for study in installed_studies() for world in study.worlds]


@pytest.fixture
def obstacles(study):
    return import_module(f"{study.package.__name__}.obstacles").OBSTACLES


@pytest.fixture(params=WORLDS)
def backend(request):
    """The backend that the study runs on, if it has a choice."""
    return request.param.partition("-on-")[2]


@pytest.fixture
def run(study, backend):
    """The front door of the study, on every backend that it has."""
    return partial(study.package.run, **({"backend": backend} if backend else {}))


@pytest.fixture
def watch(study):
    return Watch(str(Path(study.package.__file__).parent))


class Watch:
    """A check that no files, threads or functions of the study are left behind."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, function: Callable[..., object], **how: bool):
        """Return the same function, which fails if it leaves anything.

        It checks at the instant of return. A later check would miss leftovers, because
        the end of the loop ends everything that runs there.
        """

        async def coroutine(result):
            with self.nothing_is_left(**how):
                return await result

        def generator(result):
            with self.nothing_is_left(**how):
                return (yield from result)

        @wraps(function)
        def watched(*args):
            with self.nothing_is_left(**how):
                result = function(*args)
            if inspect.iscoroutine(result):
                return coroutine(result)
            return generator(result) if inspect.isgenerator(result) else result

        return watched

    @contextmanager
    def nothing_is_left(self, threads: bool = True, files: bool = True):
        """Expect no more leftovers than before the block. Older ones may have ended."""
        suspended_before = Counter(self.suspended())
        threads_before, files_before = set(threading.enumerate()), open_files()
        yield
        waiting = sorted(Counter(self.suspended()) - suspended_before)
        assert not waiting, f"still suspended: {'; '.join(waiting)}"
        assert not threads or set(threading.enumerate()) <= threads_before
        assert not files or open_files() <= files_before

    def suspended(self) -> Iterator[str]:
        """Yield the suspended generators, coroutines and greenlets of the study."""
        for thing in gc.get_objects():
            if inspect.isgenerator(thing):
                waits = inspect.getgeneratorstate(thing) == inspect.GEN_SUSPENDED
                frame = thing.gi_frame
            elif inspect.iscoroutine(thing):
                waits = inspect.getcoroutinestate(thing) == inspect.CORO_SUSPENDED
                frame = thing.cr_frame
            else:
                frame = getattr(thing, "gr_frame", None) if is_greenlet(thing) else None
                waits = frame is not None
            while waits and frame is not None:
                if frame.f_code.co_filename.startswith(self.folder):
                    yield f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                frame = frame.f_back


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def is_greenlet(thing: object) -> bool:
    return any(kind.__name__ == "greenlet" for kind in type(thing).__mro__)
