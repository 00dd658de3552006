"""The application of the referee: courses, their pages, and open connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .rules import OBSTACLES, Clock, Obstacle
from .tally import Stats, Tally

if TYPE_CHECKING:
    from ..server import Connection, Ending, Request

COURSES = 1000
"""Courses that a referee keeps; it refuses requests to a course with another name."""
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
            request.answer(404, b"unknown page; GET / lists the pages")
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
            obstacle.tally.ended(ending)
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
        obstacle.tally.came()
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
        return Stats.of(tallies, self._silent.connections, self._malformed)

    def _tell_waiters(self) -> None:
        for request, name in list(self._waiters.items()):
            if self._know(name).settled:
                self._tell(request)

    def _tell(self, request: Request) -> None:
        name = self._waiters.pop(request, None)
        if name is not None:
            text = self._know(name).json()
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
