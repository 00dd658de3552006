"""The referee of the obstacle course: eleven races, judged on real sockets.

A client knows a base URL and makes requests ``GET /1`` ... ``GET /11``. The class of
each obstacle says which. The last answer must be the body ``right``. The rules are
those of Easy Racer, https://github.com/jamesward/easyracer, and the times are those of
its scenario server (obstacle 10, for instance, holds the connection for 5 to 9
seconds). Each class says what this referee adds.

**Rounds.** The first request at an obstacle begins a round. Later requests belong to
it until one was answered ``right`` or none of its requests is open. So the next run
begins a new round, even if the last one was given up or left a loser open. The counts
below show such a loser. Clients that run side by side put a name in front: ``/blue/1``
and ``/red/1`` belong to different courses.

**Other pages**, in every course (``/stats`` and ``/blue/stats``):

- ``GET /`` lists the pages.
- ``GET /stats`` returns the fields of `Stats` as JSON. ``GET /stats?settled=5`` first
  waits, at most 5 seconds, until no request of the course is open and no connection
  except those that ask for such pages.
- ``POST /reset`` ends all connections of the course and resets all counts to 0.

::

    python -m concurrency_study.referees.racer --port 8080

serves until Ctrl-C. In tests, the fixture ``racer`` is a `Racer` whose counts are 0.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from .server import Connection, Ending, Request

RIGHT = b"right"
"""The body of the last answer at every obstacle."""
MANY = 10_000
"""Requests at once at obstacle 3."""
COURSES = 1000
"""Courses that a referee keeps; it refuses requests to a course with another name."""
FAULTS = 20
"""Faults that are kept for each obstacle."""
SPARE = 1000
"""Files that should be allowed beside the connections of obstacle 3."""
LEAST = 100
"""Files that must be allowed beside the connections of obstacle 3."""
LISTENING = "listening on "
"""The start of the line with the URL, printed as soon as clients can connect."""


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
    def parse(cls, text: str | bytes) -> Self:
        """Parse the JSON of ``/stats``."""
        fields: dict[str, Any] = json.loads(text)
        tallies: dict[str, dict[str, Any]] = fields.pop("obstacles")
        obstacles = {int(number): Tally(**each) for number, each in tallies.items()}
        return cls(**fields, obstacles=obstacles)


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
            request.answer(404, b"there is no such ID")
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
HELP = "\n".join(
    (
        "The obstacle course. The last answer at each obstacle must be: right",
        *(f"GET /{number}\t{each.__doc__}" for number, each in OBSTACLES.items()),
        "GET /stats\tThe counts so far, as JSON.",
        "GET /stats?settled=SECONDS\tThe same, once nothing is open or the time is up.",
        "POST /reset\tEnd all connections and reset all counts.",
        "/NAME/1 and so on\tThe same in a course with counts of its own.",
        "",
    )
)
PAGES = {"": "GET", "stats": "GET", "reset": "POST"}
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
JSON = (("Content-Type", "application/json"),)


class Referee:
    """The application: it passes requests to obstacles, and counts."""

    def __init__(
        self, call_later: Callable[..., object], *, unit: float, many: int
    ) -> None:
        self._call_later = call_later
        self._clock = Clock(call_later, unit)
        self._many = many
        self._courses: dict[str, dict[str, Obstacle]] = {}
        self._visits: dict[Request, Obstacle] = {}
        self._waiters: dict[Request, str] = {}
        self._malformed = 0
        # Every connection is at an obstacle, or silent, or asked for another page.
        self._silent, self._elsewhere = Tally(), Tally()
        self._at: dict[Connection, Tally] = {}

    def connected(self, connection: Connection) -> None:
        self._silent.connections += 1
        self._at[connection] = self._silent

    def came(self, request: Request) -> None:
        target = request.target
        if not target.startswith("/"):  # http://127.0.0.1/1, the form for proxies
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        name, _, page = path.rpartition("/")
        course = self._course(name)
        allowed = "GET" if page in course else PAGES.get(page)
        if page in course and request.method == "GET" and self._has_room(name):
            self._courses[name] = course
            self._visit(course[page], request, query)
            return
        self._move(request, self._elsewhere)
        if allowed is None:
            request.answer(404, b"there is no such page; GET / lists the pages")
        elif request.method != allowed:
            request.answer(405, headers=(("Allow", allowed),))
        elif page == "stats":
            self._stats(request, name, query)
        elif page == "reset":
            self._reset(request, name)
        elif page:
            request.answer(503, b"too many courses; POST /reset ends them")
        else:
            request.answer(200, HELP.encode(), headers=TEXT)

    def ended(self, request: Request, ending: Ending) -> None:
        self._waiters.pop(request, None)
        obstacle = self._visits.pop(request, None)
        if obstacle is not None:
            tally = obstacle.tally
            tally.open -= 1
            tally.answered += ending == "answered"
            tally.broken += ending == "broken"
            tally.dropped += ending == "dropped"
            obstacle.ended(request, ending)
        self._tell_waiters()

    def malformed(self) -> None:
        self._malformed += 1

    def disconnected(self, connection: Connection) -> None:
        self._at.pop(connection).connections -= 1
        self._tell_waiters()

    def _course(self, name: str) -> dict[str, Obstacle]:
        """Return the obstacles of a course, new ones if it has none so far."""
        return self._courses.get(name) or {
            str(number): each(self._clock, self._many)
            for number, each in OBSTACLES.items()
        }

    def _has_room(self, name: str) -> bool:
        return name in self._courses or len(self._courses) < COURSES

    def _visit(self, obstacle: Obstacle, request: Request, query: str) -> None:
        self._move(request, obstacle.tally)
        self._visits[request] = obstacle
        obstacle.tally.begun += 1
        obstacle.tally.open += 1
        obstacle.came(request, query)

    def _move(self, request: Request, tally: Tally) -> None:
        self._at[request.connection].connections -= 1
        self._at[request.connection] = tally
        tally.connections += 1

    def _stats(self, request: Request, name: str, query: str) -> None:
        key, _, value = query.partition("=")
        fits = value.isdecimal() and len(value) < 5
        if query and not (key == "settled" and fits):
            request.answer(400, b"ask for /stats?settled=SECONDS, 0 to 9999")
            return
        self._waiters[request] = name
        if query:
            self._call_later(int(value), self._tell, request)
            self._tell_waiters()
        else:
            self._tell(request)

    def _know(self, name: str) -> Stats:
        tallies = {int(n): each.tally for n, each in self._course(name).items()}
        still_open = sum(each.open for each in tallies.values())
        connections = sum(each.connections for each in tallies.values())
        silent = self._silent.connections
        return Stats(
            settled=not (still_open or connections or silent),
            open=still_open,
            connections=connections,
            silent=silent,
            malformed=self._malformed,
            obstacles=tallies,
        )

    def _tell_waiters(self) -> None:
        for request, name in list(self._waiters.items()):
            if self._know(name).settled:
                self._tell(request)

    def _tell(self, request: Request) -> None:
        name = self._waiters.pop(request, None)
        if name is not None:
            text = json.dumps(asdict(self._know(name)), indent=1)
            request.answer(200, text.encode(), headers=JSON)

    def _reset(self, request: Request, name: str) -> None:
        if name:
            tallies = [id(each.tally) for each in self._course(name).values()]
            leaving = [c for c, tally in self._at.items() if id(tally) in tallies]
            self._courses.pop(name, None)
        else:
            leaving = [c for c in self._at if c is not request.connection]
            self._courses.clear()
            self._malformed = 0
        for connection in leaving:
            connection.abort()
        request.answer(200)


@dataclass(frozen=True)
class Racer:
    """A running referee at ``url``, or one course of it."""

    url: str

    def course(self, name: str) -> Racer:
        """Return another course at the same referee, with counts of its own."""
        return Racer(f"{self.url}/{name}")

    def stats(self, settled: int | None = None) -> Stats:
        """Return the counts so far.

        With ``settled``, first wait until no request and no connection is open, for at
        most this many seconds. `Stats.settled` is true if that happened.
        """
        query = "" if settled is None else f"?settled={settled}"
        return Stats.parse(self._ask("GET", f"/stats{query}", 60 + (settled or 0)))

    def reset(self) -> None:
        """End all connections and reset all counts to 0."""
        self._ask("POST", "/reset", 60)

    def _ask(self, method: str, page: str, seconds: float) -> bytes:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.netloc, timeout=seconds)
        try:
            connection.request(method, parts.path + page)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{self.url}{page}: {response.status} {body.decode()}")
        return body


@contextmanager
def running(
    *,
    unit: float = 1,
    many: int = MANY,
    framing: Literal["length", "chunked", "close", "mixed"] = "length",
) -> Generator[Racer]:
    """Run a referee in a process that ends with this block, or with this process.

    The arguments are those of the command.

    Raises:
        RuntimeError: The referee did not start, or wrote to its standard error. The
            message is that text.
    """
    options = {"--port": 0, "--unit": unit, "--many": many, "--framing": framing}
    command = [
        *(sys.executable, "-P", "-m", __name__, "--until-eof"),
        *(str(word) for option in options.items() for word in option),
    ]
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that Ctrl-C reaches only this process
        ) as process:
            assert process.stdin
            assert process.stdout
            url = None
            try:
                for line in process.stdout:
                    if line.startswith(LISTENING):
                        url = line.removeprefix(LISTENING).strip()
                        yield Racer(url)
                        break
            finally:
                process.stdin.close()
                process.wait()
        errors.seek(0)
        said = errors.read()
        if process.returncode or said or not url:
            status = process.returncode
            raise RuntimeError(f"the referee ended with status {status}: {said}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {__spec__.name if __spec__ else __name__}",
        description="Run the referee of the obstacle course of eleven races.",
        epilog="GET / lists the pages. GET /stats returns the counts. Ctrl-C ends it.",
    )
    add = parser.add_argument
    add(
        "--port",
        type=_number(int, 0, 65535),
        default=8080,
        help="the port on 127.0.0.1, or 0 for any free port (default: %(default)s)",
    )
    add(
        "--unit",
        type=_number(float, 1e-3, 1e3),
        default=1.0,
        metavar="SECONDS",
        help="the real duration of one second of the rules (default: %(default)g)",
    )
    add(
        "--many",
        type=_number(int, 1, 1_000_000),
        default=MANY,
        metavar="N",
        help="the number of requests that race at obstacle 3 (default: %(default)d)",
    )
    add(
        "--framing",
        choices=("length", "chunked", "close", "mixed"),
        default="length",
        help="how to mark the end of an answer: by a Content-Length, by chunks, by the "
        "end of the connection, or by each in turn (default: %(default)s)",
    )
    add(
        "--until-eof",
        action="store_true",
        help="end when the standard input ends",
    )
    options = parser.parse_args()
    sys.exit(_run(**vars(options)))


def _number(
    kind: Callable[[str], float], least: float, most: float
) -> Callable[[str], float]:
    """Return a function that reads such a number from the command line."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not in {least:g} ... {most:g}")
        return value

    return number


def _run(
    port: int,
    unit: float,
    many: int,
    framing: Literal["length", "chunked", "close", "mixed"],
    until_eof: bool,
) -> int:
    """Serve, and return the exit status."""
    try:
        import asyncio

        from .server import FRAMINGS, Server
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        print(
            "h11 is not installed; the extra http has it: pip install './shared[http]' "
            "in a clone, or pip install h11",
            file=sys.stderr,
        )
        return 1
    if problem := allow_open_files(many + SPARE, many + LEAST):
        fewer = f", or race fewer than {many} requests at obstacle 3 (--many)"
        print(f"{problem}{fewer * (many > 1)}", file=sys.stderr)
        return 1

    def ready(url: str) -> None:
        print(f"{LISTENING}{url}", flush=True)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        referee = Referee(loop.call_later, unit=unit, many=many)
        framings = FRAMINGS if framing == "mixed" else (framing,)
        await Server(referee, *framings).serve(port, ready, until_eof=until_eof)

    try:
        asyncio.run(serve())
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        print(f"cannot listen on port {port}: {why}", file=sys.stderr)
        return 1
    return 0


def allow_open_files(wanted: int, least: int | None = None) -> str:
    """Raise the limit of open files to ``wanted``, or as far as the system allows.

    If it allows fewer than ``least`` (default: ``wanted``), return why that is too few;
    otherwise return an empty string.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ""
    if hard != resource.RLIM_INFINITY:
        if hard < (least or wanted):
            return (
                f"{least or wanted} files must be open at once, but the hard limit is "
                f"{hard}: raise it (see ulimit -Hn)"
            )
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        print(f"raised the limit of open files from {soft} to {wanted}", flush=True)
    return ""


if __name__ == "__main__":
    main()
