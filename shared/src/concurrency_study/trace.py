"""The record of a run: tests ask it, and pictures are drawn from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One thing that happened to one actor.

    ``what`` is one of: ``start``, ``sleep``, ``wake``, ``end``, ``error``,
    ``cancelled`` (it ended so, its cleanup done), ``call`` (a plain callable of the
    test was called) and ``note`` (the job said something itself). In `Trace.story`
    also ``spawn`` and ``exit``, of a native actor: the detail says what kind it is of,
    and whether it came to its ``end``, to an ``error`` or was ``cancelled``.
    """

    at: float
    """Virtual seconds since the world began to run."""
    actor: str
    what: str
    detail: str = ""
    by: str = ""
    """The native actor in which it happened, if those are watched; "": in none."""


class Actor(NamedTuple):
    """A native actor: a task, a thread, a greenlet; the answer itself is one."""

    name: str
    """The name of its function; "grep no. 2" is the second of that name."""
    kind: str
    start: float
    """Virtual seconds since the world began to run."""
    end: float | None
    """None: it was alive when the answer had ended."""
    how: str
    """``end``, ``error``, ``cancelled``; empty if it was left alive."""


class Trace:
    """The events of a world, in the order in which they happened."""

    def __init__(
        self, now: Callable[[], float], whose: Callable[[], str] = lambda: ""
    ) -> None:
        self._now = now
        self._whose = whose
        self.events: list[Event] = []
        self.watching = False
        """True if native actors are noted."""
        self._natives: list[tuple[int, Event]] = []
        self._names: Counter[str] = Counter()
        self._mark: int | None = None

    def begin(self, name: str, kind: str, *, watching: bool) -> None:
        """Forget everything; an answer of that name begins, as such a native actor."""
        self.events.clear()
        self._natives.clear()
        self._names.clear()
        self._mark = None
        self.watching = watching
        if watching:
            spawn = Event(0.0, self.named(name), "spawn", kind, name)
            self._natives.append((0, spawn))

    def close(self) -> None:
        """Leave what happens from now on out of the story: the answer has ended."""
        self.watching = False
        self._mark = len(self.events)

    def note(self, actor: str, what: str, detail: str = "") -> None:
        """Record that ``what`` happened to ``actor`` now."""
        by = self._whose() if self.watching else ""
        self.events.append(Event(self._now(), actor, what, detail, by))

    def named(self, name: str) -> str:
        """A name for a native actor that no other has."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} no. {self._names[name]}"

    def spawned(self, name: str, kind: str) -> None:
        """Record that a native actor begins to live."""
        self._native(name, "spawn", kind)

    def exited(self, name: str, how: str) -> None:
        """Record that it lives no longer: ``end``, ``error`` or ``cancelled``."""
        self._native(name, "exit", how)

    def _native(self, name: str, what: str, detail: str) -> None:
        if self.watching:
            event = Event(self._now(), name, what, detail, name)
            self._natives.append((len(self.events), event))

    def answered(self, name: str, how: str, at: float) -> None:
        """Record how the answer itself ended, in a story that is closed."""
        if self._natives and self._mark is not None:
            self._natives.append((self._mark, Event(at, name, "exit", how, name)))

    @property
    def actors(self) -> list[Actor]:
        """The native actors that were watched, in the order in which they began."""
        exits = {e.by: e for _, e in self._natives if e.what == "exit"}
        return [
            Actor(e.by, e.detail, e.at, exit.at, exit.detail)
            if (exit := exits.get(e.by))
            else Actor(e.by, e.detail, e.at, None, "")
            for _, e in self._natives
            if e.what == "spawn"
        ]

    def story(self) -> list[Event]:
        """Return every event until the answer ended, also those of native actors."""
        found: list[Event] = []
        told = 0
        for place, event in self._natives:
            found += self.events[told:place]
            found.append(event)
            told = max(told, place)
        return found + self.events[told : self._mark]

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
        """The recorded arguments without the instants. A single one stands bare."""
        return [call[1] if len(call) == 2 else call[1:] for call in self]
