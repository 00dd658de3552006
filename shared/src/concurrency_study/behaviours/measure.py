"""Measure answers: run the functions of a study and see what they return."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from ..available import make_world
from ..trace import Event
from ..world import CANCELLED, World
from .published import Row

HANG = 2.0
"""Real seconds after which a function that is published to hang is taken to."""
LIMIT = 60.0
"""Real seconds after which another function is taken to hang."""


@dataclass(frozen=True)
class Measurement:
    """The words of a run, and its story if it ran in virtual time."""

    said: str
    """The outcomes of an answer that is left open are sorted, with " or " between."""
    seconds: float | None = None
    """Virtual seconds until the function returned; None in real time."""
    events: list[Event] = field(default_factory=list[Event])
    """The native actors, and what the function printed."""


def measure(row: Row, world: str) -> Measurement:
    """Run the function of a row in a world."""
    if row.apart:
        return Measurement(_apart(row, world))
    place = make_world(world)
    place.watching = True
    function = function_of(row.study, row.group, row.function)
    said = _said(_run(function, place, real=row.real))
    if place.returned_at < 0:
        return Measurement(said)
    return Measurement(said, place.returned_at, place.trace.story())


def measured(row: Row, world: str) -> str:
    """Run the function of a row in a world and return what it says."""
    return measure(row, world).said


def run(function: Callable[..., Any], world: str, *, real: bool) -> Any:
    """Run a function of a study natively: in real or in virtual time."""
    return _run(function, make_world(world), real=real)


def _run(function: Callable[..., Any], place: World, *, real: bool) -> Any:
    if not place.is_native(function):
        return function()
    if real:
        return place.run_for_real(function)
    with contextlib.redirect_stdout(_Noting(place)):
        result = place.run(function, leftovers="allow")
    return "cancelled" if result is CANCELLED else result


class _Noting(io.TextIOBase):
    """A standard output that notes each print in the trace of a world."""

    def __init__(self, place: World) -> None:
        self._place = place

    def write(self, text: str) -> int:
        if text.strip():
            self._place.trace.note("print", "call", repr(text.rstrip()))
        return len(text)


def function_of(study: str, group: str, name: str) -> Callable[..., Any]:
    """Return a function of a study.

    Raises:
        LookupError: no module or function of the study has that name.
    """
    try:
        module = importlib.import_module(f"{study}_study.behaviours.{group}")
        return getattr(module, name)
    except (ImportError, AttributeError) as error:
        if isinstance(error, ImportError) and "behaviours" not in str(error):
            raise
        raise LookupError(f"{study} has no function {name} in {group}.py") from error


def matches(row: Row, published: str, said: str) -> bool:
    """Return whether what was measured is what is published."""
    if published != "unspecified":
        return said == published
    outcomes = said.split(" or ")
    return set(outcomes) <= {*row.outcomes, "unspecified"} and (
        len(outcomes) > 1 or bool(row.sources)
    )


def all_measured(rows: Iterable[Row], worlds: Iterable[str]) -> list[dict[str, Any]]:
    """Measure rows in worlds; a failure is an answer that begins with "fails"."""
    found: list[dict[str, Any]] = []
    every = [*rows]
    for world in worlds:
        for row in every:
            try:
                said = measured(row, world)
            except Exception as error:
                said = f"fails: {type(error).__name__}: {error}".splitlines()[0]
            published = row.answer(world)
            if published == "unspecified" and matches(row, published, said):
                said = published
            found.append(
                {
                    "number": row.question.number,
                    "question": row.question.text,
                    "function": row.function,
                    "way": row.way,
                    "world": world,
                    "published": published,
                    "measured": said,
                }
            )
    return found


def _said(result: Any) -> str:
    if isinstance(result, set | list):  # an outcome of several runs each
        return " or ".join(sorted(cast("set[str]", result)))
    if not isinstance(result, str):
        raise TypeError(f"the function must return a text, not {result!r}")
    return result


def _apart(row: Row, world: str) -> str:
    """Run a function in a process of its own, as a leader of its own group."""
    limit = HANG if row.answer(world) == "hangs" else LIMIT
    command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.apart"]
    # A session of its own, so that nothing it starts outlives it.
    with subprocess.Popen(
        [*command, row.study, row.group, row.function, world],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # readline must not read ahead of what communicate reads
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            begun = process.stdout.readline()  # imports are not counted
            try:
                told = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                return "hangs"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    out, err = (text.decode(errors="replace") for text in told)
    lines = out.splitlines()
    if begun.strip() != b"begun":
        raise RuntimeError(f"{row.function} could not begin:\n{err}")
    said = [json.loads(line[5:]) for line in lines if line.startswith("said ")]
    return _said(said[-1]) if said else "crashes"
