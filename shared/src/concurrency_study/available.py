"""The worlds that are installed here, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from .world import World

NEEDS = {
    "generators": "generators-study",
    "processes": "cloudpickle",
    "dask": "distributed",
    "trio": "trio",
    "gevent": "gevent",
    "anyio-on-asyncio": "anyio",
    "anyio-on-trio": "anyio[trio]",
}
"""The distribution that holds the library of a world, if it has one."""


@cache
def installed_worlds() -> dict[str, EntryPoint]:
    """Return the known worlds by name. Loading one fails if its library is missing."""
    found = entry_points(group="concurrency_study.worlds")
    return {entry.name: entry for entry in found}


def make_world(
    name: str, answer: Callable[..., Any] | None = None, **options: Any
) -> World:
    """Return a fresh world of that name.

    Args:
        options: Further arguments of the world, such as the ``seed`` of threads.

    Raises:
        LookupError: No world has that name, or its library is not installed.
        TypeError: The world does not take one of the options.
    """
    worlds = installed_worlds()
    if name not in worlds:
        raise LookupError(f"no world {name!r}; there are {', '.join(sorted(worlds))}")
    try:
        kind: type[World] = worlds[name].load()
        return kind(answer, **options)
    except ModuleNotFoundError as error:
        raise LookupError(_missing(name, error)) from error


def _missing(world: str, error: ModuleNotFoundError) -> str:
    """Return the message for a world whose library cannot be imported.

    The module that is missing may be one of another distribution, on which the library
    depends: without trio, the first import that fails is that of ``outcome``.
    """
    needed = NEEDS.get(world, error.name or "a module")
    message = f"the world {world!r} needs {needed}"
    library = needed.partition("[")[0].replace("-", "_")
    if error.name and library != error.name and _is_here(library):
        return f"{message} with its module {error.name!r}, which is not installed"
    return f"{message}, which is not installed: pip install '{needed}'"


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False
