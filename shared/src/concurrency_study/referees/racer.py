"""The referee of the obstacle course: eleven races, judged on real sockets.

A client knows a base URL and makes requests ``GET /1`` ... ``GET /11``, as the class of
each obstacle says below; what the last answer must give is the body ``right``. The
rules are those of Easy Racer, https://github.com/jamesward/easyracer, and its times
(at 10, for instance, the connection is held for 5 to 9 seconds) are those of that
project's scenario server. What this referee adds is noted at each obstacle.

**Rounds.** The first request at an obstacle begins a round, and those that follow are
of the same round until it has been answered ``right`` or no request of it is open any
more. So the next run begins afresh, whether the last one ended well, was given up, or
left a loser open; of the loser the count below tells. Clients that run side by side
keep apart by a name in front: ``/blue/1`` and ``/red/1`` are of different courses.

**Other pages**, of every course (``/stats`` and ``/blue/stats``):

- ``GET /`` says what there is.
- ``GET /stats`` gives the fields of `Stats` as JSON. ``GET /stats?settled=5`` first
  waits until no request of the course is open, and no connection but those that ask for
  such pages; at most 5 seconds.
- ``POST /reset`` ends all connections of the course, and all counts begin at 0.

::

    python -m concurrency_study.referees.racer --port 8080

serves until Ctrl-C. In tests, the fixture ``racer`` gives a `Racer` whose counts are 0.
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
"""What the last answer of every obstacle gives."""
MANY = 10_000
"""Requests at once at obstacle 3."""
COURSES = 1000
"""Courses, by name, that a referee keeps; a client that makes up more is lost."""
FAULTS = 20
"""Faults that are kept of each obstacle."""
SPARE = 1000
"""Files that may be open beside the connections of obstacle 3."""
LISTENING = "listening on "
"""How the line begins that says where a referee is, as soon as it is there."""


@dataclass
class Tally:
    """What happened at one obstacle, since the start or the last reset."""

    begun: int = 0
    """Requests that came whole: answered + broken + dropped + open."""
    answered: int = 0
    broken: int = 0
    """Requests whose connection the referee broke, as the rule has it."""
    dropped: int = 0
    """Requests whose connection the client closed before there was an answer."""
    open: int = 0
    """Requests that are neither answered nor gone."""
    connections: int = 0
    """Connections that are open, and whose latest request was for this obstacle.

    One that is kept alive for the next request counts here, and not in ``open``."""
    rounds: int = 0
    """Rounds that began."""
    right: int = 0
    """Rounds that were answered ``right``."""
    held: int = 0
    """Resources that were opened and not closed (obstacle 8)."""
    faults: list[str] = field(default_factory=list[str])
    """What the client did against the rules, in words."""

    def fault(self, what: str) -> None:
        """Note what the client did against the rules."""
        if len(self.faults) < FAULTS:
            self.faults.append(what[:200])


@dataclass(frozen=True)
class Stats:
    """What a referee knows of a course."""

    settled: bool
    """Whether no request of it is open, and no connection of it, and none is silent."""
    open: int
    """Requests that are open, at all obstacles together."""
    connections: int
    """Connections whose latest request was for one of the obstacles."""
    silent: int
    """Connections, of any course, on which no whole request has come so far."""
    malformed: int
    """Times, in any course, that something came that is no HTTP or ended half-way."""
    obstacles: dict[int, Tally]
    """By number, 1 to 11."""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """From the JSON of ``/stats``."""
        fields: dict[str, Any] = json.loads(text)
        tallies: dict[str, dict[str, Any]] = fields.pop("obstacles")
        obstacles = {int(number): Tally(**each) for number, each in tallies.items()}
        return cls(**fields, obstacles=obstacles)


class Clock:
    """The time, in seconds that may be shorter than real ones."""

    def __init__(self, call_later: Callable[..., object], unit: float) -> None:
        self._call_later = call_later
        self._unit = unit

    def now(self) -> float:
        """Seconds since some beginning."""
        return time.monotonic() / self._unit

    def later(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        """Call ``function(*args)`` so many seconds from now."""
        self._call_later(seconds * self._unit, function, *args)


class Round:
    """Requests that race each other."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """In the order in which they came."""
        self.open = 0
        self.won = False


class Obstacle:
    """One obstacle; `came` and `ended` tell it what happens."""

    def __init__(self, clock: Clock, many: int) -> None:
        self.clock = clock
        self.many = many
        self.tally = Tally()
        self._round: Round | None = None
        self._rounds: dict[Request, Round] = {}

    def came(self, request: Request, query: str) -> None:
        """Take a request, of this round or the next."""
        if self._round is None:
            self._round = Round()
            self.tally.rounds += 1
        round = self._rounds[request] = self._round
        round.requests.append(request)
        round.open += 1
        self.meet(round)

    def meet(self, round: Round) -> None:
        """Do what the rule says, now that another request has come."""

    def ended(self, request: Request, ending: Ending) -> None:
        """See whether that was the last one of a round."""
        round = self._rounds.pop(request, None)
        if round is not None:
            round.open -= 1
            if not round.open:
                self.over(round)

    def over(self, round: Round) -> None:
        """Let the next request begin another round."""
        if self._round is round:
            self._round = None

    def right(self, round: Round, request: Request) -> None:
        """Answer ``right``, if somebody still listens; that ends the round."""
        if request.open:
            self.tally.right += not round.won
            round.won = True
            self.over(round)
            request.answer(200, RIGHT)


class Obstacle1(Obstacle):
    """Race 2 requests. The first wins once the second has come; that is never answered.

    The loser's connection must be closed.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            self.right(round, round.requests[0])


class Obstacle2(Obstacle):
    """Race 2 requests. The second's connection breaks; a second later the first wins.

    Here the connection is reset.
    """

    def meet(self, round: Round) -> None:
        if len(round.requests) == 2:
            self.clock.later(1, self.right, round, round.requests[0])
            round.requests[1].break_off(reset=True)


class Obstacle3(Obstacle):
    """Race 10,000 requests. The last one wins; the others are never answered."""

    def meet(self, round: Round) -> None:
        if round.open == self.many:
            self.right(round, round.requests[-1])


class Obstacle4(Obstacle):
    """Race 2 requests, one with a timeout of 1 s. When it has gone, the other wins."""

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

    The first wins if the second came more than 2 s after it, else gets ``wrong``.
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

    The first use gets a 500 when the second comes; the second wins when the first's ID
    is closed. Here it is a fault to use or close what is not open, and to close what is
    in use.
    """

    def __init__(self, clock: Clock, many: int) -> None:
        super().__init__(clock, many)
        self._users: dict[str, Request | None] = {}
        """Who uses or used it, of all that are open."""

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

    The letters, in the order in which they arrive, are the answer.
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
    """What obstacle 10 knows of one ID."""

    held: Request
    seconds: int
    dropped: bool = False
    readings: list[float] = field(default_factory=list[float])
    too_high: int = 0


class Obstacle10(Obstacle):
    """GET /10?ID is held for 5 to 9 s: burn CPU meanwhile. Beside it, report the load.

    GET /10?ID=LOAD once a second, LOAD being the process's, between 0 and 1: 302 says
    go on, 200 done, 4xx failed. As long as the connection is held, there must be a
    reading a second, but for one, and their mean at least 0.8; afterwards one must be
    0.3 or less, here one of the first ten.
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
            return self._failed(id, f"the load is {reading!r}, which is no number")
        if load is None:
            return 302, b"nothing is held so far: go on"
        if load.held.open:
            load.readings.append(min(value, 1))
            return 302, b"held: go on"
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
            return 302, b"the load is too high: go on"
        del self._loads[id]
        self.tally.right += 1
        return 200, RIGHT

    def _failed(self, id: str, why: str) -> tuple[int, bytes]:
        self._loads.pop(id, None)
        self.tally.fault(why)
        return 400, why.encode()


class Obstacle11(Obstacle):
    """Race a request against a race of 2. Two connections break, the third one wins.

    Here they break when the third has come, one by a reset, and it wins a second later:
    who lets failures end the outer race has lost by then.
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
"""The eleven, by number."""
HELP = "\n".join(
    (
        "The obstacle course. The last answer of each must give: right",
        *(f"GET /{number}\t{each.__doc__}" for number, each in OBSTACLES.items()),
        "GET /stats\tWhat happened so far, as JSON.",
        "GET /stats?settled=SECONDS\tThe same, once all is quiet, or the time is up.",
        "POST /reset\tEnd all connections, and forget all that happened.",
        "/NAME/1 and so on\tThe same again, apart from all others.",
        "",
    )
)
PAGES = {"": "GET", "stats": "GET", "reset": "POST"}
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
JSON = (("Content-Type", "application/json"),)


class Referee:
    """The application: finds the obstacle, keeps count, and tells."""

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
        # Every connection is at an obstacle, or silent, or asks for other pages.
        self._silent, self._elsewhere = Tally(), Tally()
        self._at: dict[Connection, Tally] = {}

    def connected(self, connection: Connection) -> None:
        self._silent.connections += 1
        self._at[connection] = self._silent

    def came(self, request: Request) -> None:
        target = request.target
        if not target.startswith("/"):  # http://127.0.0.1/1, as a proxy is asked
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
            request.answer(404, b"there is no such page; GET / says what there is")
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
        self._tell_who_waits()

    def malformed(self) -> None:
        self._malformed += 1

    def disconnected(self, connection: Connection) -> None:
        self._at.pop(connection).connections -= 1
        self._tell_who_waits()

    def _course(self, name: str) -> dict[str, Obstacle]:
        """The obstacles of that name; new ones if there are none so far."""
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
            self._tell_who_waits()
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

    def _tell_who_waits(self) -> None:
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
    """A referee that runs at ``url``, or one course of it."""

    url: str

    def course(self, name: str) -> Racer:
        """Another course at the same referee, with rounds and counts of its own."""
        return Racer(f"{self.url}/{name}")

    def stats(self, settled: int | None = None) -> Stats:
        """What happened so far.

        With ``settled``, this waits until no request and no connection is open any
        more, at most so many seconds; `Stats.settled` says whether it came to that.
        """
        query = "" if settled is None else f"?settled={settled}"
        return Stats.parse(self._ask("GET", f"/stats{query}", 60 + (settled or 0)))

    def reset(self) -> None:
        """End all connections, and begin to count at 0."""
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
    """Run a referee in a process of its own, which ends with this block, or with us.

    The arguments are those of the command; see there. RuntimeError, with what it said,
    if it does not start, or if something went wrong inside of it.
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
            start_new_session=True,  # Ctrl-C is for us; it ends when we have ended
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
            raise RuntimeError(f"the referee ended with {process.returncode}: {said}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {__spec__.name if __spec__ else __name__}",
        description="The referee of the obstacle course, for eleven races.",
        epilog="GET / says what there is, GET /stats what happened. Ctrl-C ends it.",
    )
    add = parser.add_argument
    add(
        "--port",
        type=_number(int, 0, 65535),
        default=8080,
        help="the port on 127.0.0.1; 0: any that is free (default: %(default)s)",
    )
    add(
        "--unit",
        type=_number(float, 1e-3, 1e3),
        default=1.0,
        metavar="SECONDS",
        help="how long a second of the rules takes (default: %(default)g)",
    )
    add(
        "--many",
        type=_number(int, 1, 1_000_000),
        default=MANY,
        metavar="N",
        help="how many requests race at obstacle 3 (default: %(default)d)",
    )
    add(
        "--framing",
        choices=("length", "chunked", "close", "mixed"),
        default="length",
        help="what says where an answer ends: a Content-Length, chunks, the end of the "
        "connection, or each in turn (default: %(default)s)",
    )
    add(
        "--until-eof",
        action="store_true",
        help="end when the standard input ends, as it does with the program behind it",
    )
    options = parser.parse_args()
    sys.exit(_run(**vars(options)))


def _number(
    kind: Callable[[str], float], least: float, most: float
) -> Callable[[str], float]:
    """What reads such a number from the command line."""

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
    """Serve; the exit status."""
    try:
        import asyncio

        from .server import FRAMINGS, Server
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        print(
            "h11 is not installed here; it comes with concurrency-study[http]: in a "
            "clone, pip install './shared[http]', or else pip install h11",
            file=sys.stderr,
        )
        return 1
    if problem := allow_open_files(many + SPARE):
        print(f"{problem}, or have fewer at obstacle 3, with --many", file=sys.stderr)
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


def allow_open_files(wanted: int) -> str:
    """Raise the limit of open files to what is wanted; else say what is the matter."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ""
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return (
            f"{wanted} files must be open at once, and the limit here is {hard} "
            "(ulimit -Hn): raise it"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    print(f"the limit of open files was {soft}, and is {wanted} now", flush=True)
    return ""


if __name__ == "__main__":
    main()
