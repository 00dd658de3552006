"""The way in which jobs and results travel between the processes of a run.

During a run, ``multiprocessing`` pickles with cloudpickle, which takes functions and
classes of a test by value. Some things travel by name: the world itself, what takes the
place of ``time.sleep`` and the like, connections and the like of ``multiprocessing``,
and errors that were made in another process.
"""

from __future__ import annotations

import copyreg
import io
import itertools
import os
from functools import cache
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any

import cloudpickle  # pyright: ignore[reportMissingTypeStubs]

from ..threads import patches

_known: dict[tuple[int, int], BaseException] = {}
"""The errors that have left this process, by their origin and number."""
_numbers = itertools.count()
_MARK = "_concurrency_study_origin"
_Base: Any = cloudpickle.Pickler


class Pickler(_Base):
    """A pickler that takes a test's functions by value."""

    def __init__(self, file: Any, *args: Any) -> None:
        _Base.__init__(self, file, *args)
        own: Any = ForkingPickler
        self.dispatch_table = {
            **copyreg.dispatch_table,
            **own._extra_reducers,
            **_Base.dispatch_table.maps[0],
        }

    def reducer_override(self, obj: Any) -> Any:
        made = reduced(obj)
        return _Base.reducer_override(self, obj) if made is NotImplemented else made


def reduced(obj: Any) -> Any:
    """Return an error or a replaced function in the form of `object.__reduce__`.

    An error gets the number by which the process that made it knows it. A function that
    is replaced in a run travels by name. Return NotImplemented for all else.
    """
    if not isinstance(obj, BaseException):
        place = _replacements().get(id(obj))
        return NotImplemented if place is None else (getattr, place)
    origin = getattr(obj, _MARK, None)
    if origin is None:
        origin = os.getpid(), next(_numbers)
        try:
            setattr(obj, _MARK, origin)
        except AttributeError:
            return NotImplemented
    if origin[0] == os.getpid():
        _known[origin] = obj
    return _again, (origin, _Recipe(obj.__reduce_ex__(4)))


@cache
def _replacements() -> dict[int, tuple[ModuleType, str]]:
    """Return the module and the name of each function that is replaced in a run."""
    listed: Any = patches._PATCHES  # pyright: ignore[reportPrivateUsage]
    return {
        id(each.replacement): (each.place, each.name)
        for each in listed
        if isinstance(each.place, ModuleType)
    }


class _Recipe:
    """The parts of an error of another process, until they are needed."""

    def __init__(self, made: Any) -> None:
        function, args, *state = made
        self.parts = (function, args, *state[:1])

    def __reduce__(self) -> Any:
        return _Recipe, (self.parts,)


def _again(origin: tuple[int, int], recipe: _Recipe) -> BaseException:
    if (known := _known.get(origin)) is not None:
        return known
    function, args, *state = recipe.parts
    error = function(*args)
    if state and state[0]:
        error.__dict__.update(state[0])
    _known[origin] = error
    return error


def dumps(obj: Any, protocol: Any = None) -> Any:
    """Replace ``ForkingPickler.dumps`` during a run."""
    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(obj)
    return buffer.getvalue()


def forget() -> None:
    """Forget the errors of a run."""
    _known.clear()
