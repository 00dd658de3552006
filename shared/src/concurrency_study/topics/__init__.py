"""The questions: statement, contract, domain and example of each; no waiting.

Every topic is a module of the same name as the function that answers it. It holds

- its docstring: the title, whom it helps, the call, the contract;
- ``STEPS``: the numbered steps of an answer; an answer leaves out what it needs not;
- ``check``: what bad input gets, before anything is started; it returns the iterable
  argument as a list;
- ``EXAMPLE``: the arguments of the call that ``python -m`` shows, as far as they are
  data (bytes: what is typed), and ``PRINTS``: how the lines begin that this
  prints (one that is repeated at once stands there once);
- the domain, if there is one: what is the same whoever waits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

Input = TypeVar("Input")
"""What a job is given."""
Result = TypeVar("Result")
"""What a job returns."""

TOPICS = (
    "countdown",
    "pipeline",
    "follow",
    "blocking_calls",
    "event_loop",
    "futures",
    "tasks",
    "chaining",
    "factorial",
    "periodic",
    "sync_vs_async",
    "results_at_end",
    "results_as_we_go",
    "race",
    "hedge",
    "timeout",
    "resource",
)
"""All topics, in the order of reading."""


def need_callable(**named: Any) -> None:
    """Raise TypeError unless every argument can be called."""
    for name, value in named.items():
        if not callable(value):
            raise TypeError(f"{name} must be callable, not {value!r}")


def need_number(least: float = 0, **named: Any) -> None:
    """Raise TypeError or ValueError unless all are finite numbers >= ``least``."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, not {value!r}")
        if not math.isfinite(value) or value < least:
            raise ValueError(f"{name} must be at least {least:g}, not {value!r}")


def need_whole(least: int | None = 0, **named: Any) -> None:
    """Raise TypeError or ValueError unless all are whole numbers >= ``least``."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if least is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, not {value!r}")


def need_iterable(name: str, value: Iterable[Input]) -> list[Input]:
    """The items as a list; TypeError if there is nothing to iterate over."""
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list or the like, not {value!r}")
    return list(value)
