"""The rules of the obstacle course: one class for each obstacle.

An obstacle knows its rounds. It counts rounds, answers ``right`` and faults in its
`Tally`; the requests are counted before they come here.
"""

from __future__ import annotations

import math
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .tally import Tally

if TYPE_CHECKING:
    from ..server import Ending, Request

RIGHT = b"right"
"""The body of the last answer at every obstacle."""
MANY = 10_000
"""Requests at once at obstacle 3."""


class Clock:
    """A clock whose seconds may be shorter than real ones."""

    def __init__(self, call_later: Callable[..., object], unit: float) -> None:
        self._call_later = call_later
        self._unit = unit

    def now(self) -> float:
        """Return the time in seconds; only differences mean something."""
        return time.monotonic() / self._unit

    def later(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        """Call ``function(*args)`` this many seconds from now."""
        self._call_later(seconds * self._unit, function, *args)


class Round:
    """Requests that race each other."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """The requests, in order of arrival."""
        self.open = 0
        self.won = False


class Obstacle:
    """One obstacle; the referee calls `came` and `ended` for each request there."""

    def __init__(self, clock: Clock, many: int) -> None:
        self.clock = clock
        self.many = many
        self.tally = Tally()
        self._round: Round | None = None
        self._rounds: dict[Request, Round] = {}

    def came(self, request: Request, query: str) -> None:
        """Add a request to this round or, if there is none, to a new one."""
        if self._round is None:
            self._round = Round()
            self.tally.rounds += 1
        round = self._rounds[request] = self._round
        round.requests.append(request)
        round.open += 1
        self.meet(round)

    def meet(self, round: Round) -> None:
        """Apply the rule after another request has come."""

    def ended(self, request: Request, ending: Ending) -> None:
        """Note that a request has ended; the last one of a round ends it."""
        round = self._rounds.pop(request, None)
        if round is not None:
            round.open -= 1
            if not round.open:
                self.over(round)

    def over(self, round: Round) -> None:
        """End the round; the next request begins another one."""
        if self._round is round:
            self._round = None

    def right(self, round: Round, request: Request) -> None:
        """Answer ``right`` unless the request has ended; that ends the round."""
        if request.open:
            self.tally.right += not round.won
            round.won = True
            self.over(round)
            request.answer(200, RIGHT)


class Obstacle1(Obstacle):
    """Race 2 requests. The first wins once the second has come, which gets no answer.

    The loser's connection must be closed.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            self.right(round, round.requests[0])


class Obstacle2(Obstacle):
    """Race 2 requests. The second's connection breaks. A second later the first wins.

    This referee resets the connection.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            self.clock.later(1, self.right, round, round.requests[0])
            round.requests[1].break_off(reset=True)


class Obstacle3(Obstacle):
    """Race 10,000 requests. The last one wins. The others are never answered."""

    def meet(self, round: Round) -> None:
        if round.open == self.many:
            self.right(round, round.requests[-1])


class Obstacle4(Obstacle):
    """Race 2 requests, one with a timeout of 1 s. When it has ended, the other wins."""

    def ended(self, request: Request, ending: Ending) -> None:
        round = self._rounds.get(request)
        if round is not None:
            for other in round.requests:
                self.right(round, other)
        super().ended(request, ending)


class Obstacle5(Obstacle):
    """Race 2 requests. The first gets a 500, the second wins a second later."""

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            self.clock.later(1, self.right, round, round.requests[1])
            round.requests[0].answer(500, b"wrong")


class Obstacle6(Obstacle):
    """Race 3 requests. The first gets a 500, the second wins a second later.

    The third is never answered.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 3:
            self.clock.later(1, self.right, round, round.requests[1])
            round.requests[0].answer(500, b"wrong")


class Obstacle7(Obstacle):
    """Hedge: make a request, and 3 s later a second one.

    The first wins if the second came more than 2 s after it. Otherwise it gets
    ``wrong``.
    """

    _begun: float

    def meet(self, round: Round) -> None:
        if len(round.requests) == 1:
            self._begun = self.clock.now()
        elif len(round.requests) == 2:
            waited = self.clock.now() - self._begun
            if waited > 2:
                self.right(round, round.requests[0])
            else:
                self.tally.fault(
                    f"the second request came {waited:.3f} s after the first"
                )
                self.over(round)
                round.requests[0].answer(200, b"wrong")


class Obstacle8(Obstacle):
    """Race 2 users of a resource: ?open gives an ID, ?use=ID uses it, ?close=ID always.

    The first use gets a 500 when the second comes. The second wins when the first's ID
    is closed. This referee counts it as a fault to use or close a resource that is not
    open, and to close one that is in use.
    """

    def __init__(self, clock: Clock, many: int) -> None:
        super().__init__(clock, many)
        self._users: dict[str, Request | None] = {}
        """The latest use of each open resource, by ID."""

    def came(self, request: Request, query: str) -> None:
        verb, _, id = query.partition("=")
        if verb == "open":
            id = uuid.uuid4().hex
            self._users[id] = None
            self.tally.held += 1
            request.answer(200, id.encode())
        elif verb not in ("use", "close"):
            request.answer(400, b"ask for ?open, ?use=ID or ?close=ID")
        elif id not in self._users:
            self.tally.fault(f"{verb} of {id!r}, which is not open")
            request.answer(404, b"unknown ID")
        elif verb == "use":
            self._users[id] = request
            super().came(request, query)
        else:
            self.tally.held -= 1
            request.answer(200)
            self._closed(self._users.pop(id))

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            round.requests[0].answer(500, b"wrong")

    def _closed(self, user: Request | None) -> None:
        if user is not None and user.open:
            self.tally.fault("a resource was closed while it was in use")
            user.answer(200, b"wrong")
        elif self._round and self._round.requests[0] is user:
            for other in self._round.requests[1:2]:
                self.right(self._round, other)


class Obstacle9(Obstacle):
    """Make 10 requests at once. 5 get a 500, the others a letter each, a second apart.

    The letters, in order of arrival, are the answer.
    """

    def meet(self, round: Round) -> None:
        if round.open == 10:
            self.over(round)
            still_open = [request for request in round.requests if request.open]
            *losers, r, i, g, h, t = random.sample(still_open, 10)
            spelt: list[int] = []
            for seconds, request in enumerate((r, i, g, h, t)):
                self.clock.later(seconds, self._say, request, RIGHT[seconds], spelt)
            for request in losers:
                request.answer(500, b"wrong")

    def _say(self, request: Request, letter: int, spelt: list[int]) -> None:
        if request.open:
            spelt.append(letter)
            self.tally.right += len(spelt) == len(RIGHT)
            request.answer(200, bytes([letter]))


@dataclass
class Load:
    """The state of one ID at obstacle 10."""

    held: Request
    seconds: int
    dropped: bool = False
    readings: list[float] = field(default_factory=list[float])
    too_high: int = 0


class Obstacle10(Obstacle):
    """GET /10?ID is held for 5 to 9 s: burn CPU meanwhile. Beside it, report the load.

    GET /10?ID=LOAD once a second, where LOAD is the load of the process, between 0 and
    1. The status 30x means continue, 20x done, 4xx failed. While the connection is
    held, one reading a second must come (one may be missing), with a mean of at least
    0.8. Afterwards a reading must be 0.3 or less. This referee wants it among the first
    ten.
    """

    def __init__(self, clock: Clock, many: int) -> None:
        super().__init__(clock, many)
        self._loads: dict[str, Load] = {}

    def came(self, request: Request, query: str) -> None:
        id, _, reading = map(unquote, query.partition("="))
        known = self._loads.get(id)
        if not id:
            request.answer(400, b"ask for ?ID or ?ID=LOAD")
        elif reading:
            request.answer(*self._judge(id, known, reading))
        elif known and known.held.open:
            request.answer(*self._failed(id, f"{id!r} is there twice"))
        else:
            self.tally.rounds += 1
            self._loads[id] = load = Load(request, random.randint(5, 9))
            self.clock.later(load.seconds, self._release, request)

    def ended(self, request: Request, ending: Ending) -> None:
        for load in self._loads.values():
            if load.held is request:
                load.dropped = ending == "dropped"

    def _release(self, request: Request) -> None:
        request.answer(200, close=True)

    def _judge(self, id: str, load: Load | None, reading: str) -> tuple[int, bytes]:
        try:
            value = float(reading)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            return self._failed(id, f"the load {reading!r} is not a number from 0 on")
        if load is None:
            return 302, b"nothing is held so far: continue"
        if load.held.open:
            load.readings.append(min(value, 1))
            return 302, b"held: continue"
        if load.dropped:
            return self._failed(id, "the connection was closed while it was held")
        readings, needed = len(load.readings), load.seconds - 1
        if readings < needed:
            why = f"{readings} readings in {load.seconds} s, not {needed}"
            return self._failed(id, why)
        mean = fmean(load.readings)
        if mean < 0.8:
            return self._failed(id, f"the mean load was {mean:.3f}, not 0.8")
        if value > 0.3:
            load.too_high += 1
            if load.too_high == 10:
                why = f"ten readings later the load is still {value:.3f}"
                return self._failed(id, why)
            return 302, b"the load is too high: continue"
        del self._loads[id]
        self.tally.right += 1
        return 200, RIGHT

    def _failed(self, id: str, why: str) -> tuple[int, bytes]:
        self._loads.pop(id, None)
        self.tally.fault(why)
        return 400, why.encode()


class Obstacle11(Obstacle):
    """Race a request against a race of 2. Two connections break, the third one wins.

    This referee breaks them when the third has come, one by a reset. The third wins a
    second later. A client whose outer race ends with a failure has lost by then.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 3:
            first, second, third = round.requests
            self.clock.later(1, self.right, round, third)
            first.break_off(reset=True)
            second.break_off(reset=False)


OBSTACLES: dict[int, type[Obstacle]] = dict(
    enumerate(
        (
            *(Obstacle1, Obstacle2, Obstacle3, Obstacle4, Obstacle5, Obstacle6),
            *(Obstacle7, Obstacle8, Obstacle9, Obstacle10, Obstacle11),
        ),
        start=1,
    )
)
"""The classes of the eleven obstacles, by number."""
