"""The record of a run: tests ask it, and pictures are drawn from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One thing that happened to one actor.

    ``what`` is one of: ``start``, ``sleep``, ``wake``, ``end``, ``error``,
    ``cancelled`` (it ended as cancelled, after its cleanup), ``call`` (a plain callable
    of the test was called), ``note`` (the job wrote a note itself) and ``hold`` (a
    schedule ran another actor first, or the clock). `Trace.story` adds ``spawn`` and
    ``exit`` of native actors. The detail of a ``spawn`` is the kind of actor. The
    detail of an ``exit`` is ``end``, ``error`` or ``cancelled``.
    """

    at: float
    """Virtual seconds since the world began to run."""
    actor: str
    what: str
    detail: str = ""
    by: str = ""
    """The native actor in which it happened, if those are watched; "" for none."""


class Actor(NamedTuple):
    """A native actor: a task, a thread, a greenlet; the answer itself is one."""

    name: str
    """The name of its function; "grep no. 2" is the second of that name."""
    kind: str
    start: float
    """Virtual seconds since the world began to run."""
    end: float | None
    """The instant of its end; None if it was alive when the answer had ended."""
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
        """Forget everything, and record the start of an answer as a native actor."""
        self.events.clear()
        self._natives.clear()
        self._names.clear()
        self._mark = None
        self.watching = watching
        if watching:
            spawn = Event(0.0, self.named(name), "spawn", kind, name)
            self._natives.append((0, spawn))

    def close(self) -> None:
        """Leave later events out of the story: the answer has ended."""
        self.watching = False
        self._mark = len(self.events)

    def note(self, actor: str, what: str, detail: str = "") -> None:
        """Record that ``what`` happened to ``actor`` now."""
        by = self._whose() if self.watching else ""
        self.events.append(Event(self._now(), actor, what, detail, by))

    def held(self, name: str, detail: str) -> None:
        """Record that a schedule has held a native actor."""
        event = Event(self._now(), name, "hold", detail, name)
        if self.watching and event not in self.events[-1:]:
            self.events.append(event)

    def named(self, name: str) -> str:
        """Return a unique name for a native actor."""
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} no. {self._names[name]}"

    def spawned(self, name: str, kind: str) -> None:
        """Record that a native actor has started."""
        self._native(name, "spawn", kind)

    def exited(self, name: str, how: str) -> None:
        """Record that it has ended: ``end``, ``error`` or ``cancelled``."""
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
        """Return the (instant, what) of every event of one actor."""
        return [(event.at, event.what) for event in self.events if event.actor == actor]

    def when(self, what: str) -> list[tuple[float, str]]:
        """Return the (instant, actor) of every event of one kind: ``when("start")``.

        The name of a recorder is a kind as well. ``when("say")`` returns its calls.
        """
        return [
            (event.at, event.actor)
            for event in self.events
            if event.what == what or (event.what == "call" and event.actor == what)
        ]

    def most_at_once(self) -> int:
        """Return the largest number of actors that were running at the same time."""
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
        return _listed(self.events)

    def told(self) -> str:
        """Return the story, an event a line."""
        return _listed(self.story())


def _listed(events: list[Event]) -> str:
    return "\n".join(
        f"{event.at:>10.3f}  {event.actor}  {event.what}  {event.detail}".rstrip()
        for event in events
    )


class Recorder(list[tuple[Any, ...]]):
    """A plain callable that never waits, and records ``(instant, *arguments)``."""

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
        """The recorded arguments without the instants; a single argument is bare."""
        return [call[1] if len(call) == 2 else call[1:] for call in self]
