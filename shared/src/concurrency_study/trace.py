"""What happened, when, to whom: what tests ask and pictures are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One thing that happened to one actor.

    ``what`` is one of: ``start``, ``sleep``, ``wake``, ``end``, ``error``,
    ``cancelled`` (it ended so, its cleanup done), ``call`` (a plain callable of the
    test was called) and ``note`` (the job said something itself).
    """

    at: float
    """Virtual seconds since the world began to run."""
    actor: str
    what: str
    detail: str = ""


class Trace:
    """The events of a world, in the order in which they happened."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.events: list[Event] = []

    def note(self, actor: str, what: str, detail: str = "") -> None:
        """Record that ``what`` happened to ``actor`` now."""
        self.events.append(Event(self._now(), actor, what, detail))

    def of(self, actor: str) -> list[tuple[float, str]]:
        """The (instant, what) of everything that happened to one actor."""
        return [(event.at, event.what) for event in self.events if event.actor == actor]

    def when(self, what: str) -> list[tuple[float, str]]:
        """The (instant, actor) of everything of one kind, as in ``when("start")``."""
        return [(event.at, event.actor) for event in self.events if event.what == what]

    def most_at_once(self) -> int:
        """How many actors were between their start and their end at the same time."""
        most = alive = 0
        for event in self.events:
            if event.what == "start":
                alive += 1
                most = max(most, alive)
            elif event.what in ("end", "error", "cancelled"):
                alive -= 1
        return most

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        return "\n".join(
            f"{event.at:>10.3f}  {event.actor}  {event.what}  {event.detail}".rstrip()
            for event in self.events
        )


class Recorder(list[tuple[Any, ...]]):
    """A plain callable that never waits and remembers ``(instant, *arguments)``."""

    def __init__(self, trace: Trace, name: str, now: Callable[[], float]) -> None:
        super().__init__()
        self._trace = trace
        self._name = name
        self._now = now

    def __call__(self, *args: Any) -> None:
        self._trace.note(self._name, "call", ", ".join(map(repr, args)))
        self.append((self._now(), *args))

    @property
    def values(self) -> list[Any]:
        """What was said, without the instants; a single argument stands bare."""
        return [call[1] if len(call) == 2 else call[1:] for call in self]
