"""The eleven obstacles: functions over `race` and `fetch`, base URL in, body out."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from uuid import uuid4

import gevent
from concurrency_study.topics import Result
from concurrency_study.topics.fetching.course import MANY, Load, Loser
from gevent import Greenlet, GreenletExit
from gevent.pool import Group

from .._stop import stop
from ..use_cases.race import race
from .fetch import fetch


def right(url: str) -> str:
    """The body; `Loser` if the status is not 200."""
    response = fetch(url)
    if response.status != 200:
        raise Loser(response)
    return response.text


def obstacle_1(base: str) -> str:
    """Race two requests."""
    return race([partial(right, f"{base}/1")] * 2)


def obstacle_2(base: str) -> str:
    """Race two requests; one whose connection breaks has lost."""
    return race([partial(right, f"{base}/2")] * 2)


def obstacle_3(base: str) -> str:
    """Race 10,000 requests."""
    return race([partial(right, f"{base}/3")] * MANY)


def obstacle_4(base: str, second: float = 1.0) -> str:
    """Race two requests, one of which gives up after a second."""
    url = f"{base}/4"

    def hasty() -> str:
        with gevent.Timeout(second):
            return right(url)

    return race([partial(right, url), hasty])


def obstacle_5(base: str) -> str:
    """Race two requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/5")] * 2)


def obstacle_6(base: str) -> str:
    """Race three requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/6")] * 3)


def obstacle_7(base: str, second: float = 1.0) -> str:
    """Hedge: race a request against another one that begins three seconds later."""
    url = f"{base}/7"

    def later() -> str:
        gevent.sleep(3 * second)
        return right(url)

    return race([partial(right, url), later])


def finish(greenlet: Greenlet[..., Result]) -> Result:
    """Wait for its value; a kill, or a timeout, that comes meanwhile is raised then."""
    late: BaseException | None = None
    while not greenlet.ready():
        try:
            greenlet.join()
        except (GreenletExit, gevent.Timeout) as error:
            late = error
    if late is not None:
        raise late
    return greenlet.get()


def obstacle_8(base: str) -> str:
    """Race two users of a resource, which is closed whatever happens.

    Greenlets of their own open and close it: nobody kills these.
    """
    url = f"{base}/8"
    clerks = Group()

    def close(opening: Greenlet[..., str]) -> None:
        opening.join()
        if opening.successful():
            right(f"{url}?close={opening.get()}")

    def user() -> str:
        opening = clerks.spawn(right, f"{url}?open")
        try:
            return right(f"{url}?use={opening.get()}")
        finally:
            finish(clerks.spawn(close, opening))

    return race([user, user])


def obstacle_9(base: str) -> str:
    """Make ten requests at once; put together what succeeds, as it comes."""
    letters: list[str] = []
    group = Group()

    def collect() -> None:
        with suppress(Loser):
            letters.append(right(f"{base}/9"))

    try:
        gevent.joinall([group.spawn(collect) for _ in range(10)], raise_error=True)
    finally:
        stop(group)
    return "".join(letters)


def obstacle_10(base: str) -> str:
    """Burn CPU as long as a request is held, and report the load once a second."""
    url = f"{base}/10?{uuid4().hex}"
    group = Group()

    def burn() -> None:
        while True:  # a greenlet can be killed where it waits, so it does, often
            sum(range(10_000))
            gevent.sleep()

    def hold() -> None:
        burning = group.spawn(burn)
        right(url)
        burning.kill()

    def report() -> str:
        load = Load()
        while True:
            gevent.sleep(1)
            response = fetch(f"{url}={load.read():.3f}")
            if response.status == 200:
                return response.text
            if response.status != 302:
                raise Loser(response)

    reporting = group.spawn(report)
    try:
        gevent.joinall([group.spawn(hold), reporting], raise_error=True)
    finally:
        stop(group)
    return reporting.get()


def obstacle_11(base: str) -> str:
    """Race a request against a race of two."""
    one = partial(right, f"{base}/11")
    return race([one, partial(race, [one, one])])
