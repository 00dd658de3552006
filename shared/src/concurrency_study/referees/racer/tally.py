"""The counts: of one obstacle, and of a course of eleven, which travels as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from ..server import Ending

FAULTS = 20
"""Faults that are kept for each obstacle."""


@dataclass
class Tally:
    """The counts of one obstacle, since the start or the last reset."""

    begun: int = 0
    """Complete requests: answered + broken + dropped + open."""
    answered: int = 0
    broken: int = 0
    """Requests whose connection the referee broke, as the rule says."""
    dropped: int = 0
    """Requests whose connection the client closed before it was answered."""
    open: int = 0
    """Requests that have not ended."""
    connections: int = 0
    """Open connections whose latest request was for this obstacle.

    A connection that is kept alive counts here, although its request is answered."""
    rounds: int = 0
    """Rounds that began."""
    right: int = 0
    """Rounds with an answer ``right``."""
    held: int = 0
    """Resources that are open (obstacle 8)."""
    faults: list[str] = field(default_factory=list[str])
    """Descriptions of what the client did against the rules."""

    def came(self) -> None:
        """Count a request that has come."""
        self.begun += 1
        self.open += 1

    def ended(self, ending: Ending) -> None:
        """Count the end of a request."""
        self.open -= 1
        self.answered += ending == "answered"
        self.broken += ending == "broken"
        self.dropped += ending == "dropped"

    def fault(self, description: str) -> None:
        """Record that the client broke the rules."""
        if len(self.faults) < FAULTS:
            self.faults.append(description[:200])


@dataclass(frozen=True)
class Stats:
    """The counts of a course."""

    settled: bool
    """True if no request and no connection is open, and no connection is silent."""
    open: int
    """Open requests, at all obstacles together."""
    connections: int
    """Open connections whose latest request was for one of the obstacles."""
    silent: int
    """Open connections, of any course, without a complete request so far."""
    malformed: int
    """Requests, in any course, that were not HTTP or ended half-way."""
    obstacles: dict[int, Tally]
    """The tally of each obstacle, by number, 1 to 11."""

    @classmethod
    def of(cls, obstacles: Mapping[int, Tally], silent: int, malformed: int) -> Self:
        """Add up the tallies of a course."""
        still_open = sum(each.open for each in obstacles.values())
        connections = sum(each.connections for each in obstacles.values())
        return cls(
            settled=not (still_open or connections or silent),
            open=still_open,
            connections=connections,
            silent=silent,
            malformed=malformed,
            obstacles=dict(obstacles),
        )

    def json(self) -> str:
        """Return the JSON of ``/stats``, which `parse` reads."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Parse the JSON of ``/stats``."""
        fields: dict[str, Any] = json.loads(text)
        tallies: dict[str, dict[str, Any]] = fields.pop("obstacles")
        obstacles = {int(number): Tally(**each) for number, each in tallies.items()}
        return cls(**fields, obstacles=obstacles)
