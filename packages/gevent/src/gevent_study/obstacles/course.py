"""The eleven obstacles: functions of a base URL over `race` and `fetch`."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote
from uuid import uuid4

import gevent
from concurrency_study.topics.fetching import Response
from concurrency_study.topics.fetching.course import MANY, Load, is_done, won

from ..group import GreenletGroup
from ..use_cases.hedge import hedge
from ..use_cases.race import race
from ..use_cases.resource import resource
from ..use_cases.results_as_we_go import results_as_we_go
from .fetch import fetch


def right(url: str) -> str:
    """Return the body; raise `Loser` if the status is not 200."""
    return won(fetch(url))


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
    """Hedge: make a second request if the first is not answered in three seconds."""
    return hedge(lambda _: right(f"{base}/7"), 3 * second, 2)


def obstacle_8(base: str) -> str:
    """Race two users of a resource, which is always closed."""
    url = f"{base}/8"

    def user() -> str:
        return resource(
            lambda: right(f"{url}?open"),
            lambda handle: right(f"{url}?use={quote(handle)}"),
            lambda handle: right(f"{url}?close={quote(handle)}"),
        )

    return race([user, user])


def obstacle_9(base: str) -> str:
    """Make ten requests at once; join the successes in order of arrival."""
    responses: list[Response] = []
    results_as_we_go(fetch, [f"{base}/9"] * 10, responses.append)
    return "".join(each.text for each in responses if each.status == 200)


def obstacle_10(base: str) -> str:
    """Burn CPU while a request is held, and report the load once a second."""
    url = f"{base}/10?{uuid4().hex}"

    def burn() -> None:
        while True:  # a greenlet can be killed only where it waits
            sum(range(10_000))
            gevent.sleep()

    def burn_while_held() -> None:
        burning = group.spawn(burn)
        is_done(fetch(url))
        group.killone(burning)  # pyright: ignore[reportArgumentType]

    def report() -> str:
        load = Load()
        while True:
            gevent.sleep(1)
            response = fetch(f"{url}={load.read():.3f}")
            if is_done(response):
                return response.text

    with GreenletGroup() as group:
        group.spawn(burn_while_held)
        reporting = group.spawn(report)
    return reporting.get()


def obstacle_11(base: str) -> str:
    """Race a request against a race of two."""
    one = partial(right, f"{base}/11")
    return race([one, partial(race, [one, one])])


OBSTACLES = (
    *(obstacle_1, obstacle_2, obstacle_3, obstacle_4, obstacle_5, obstacle_6),
    *(obstacle_7, obstacle_8, obstacle_9, obstacle_10, obstacle_11),
)
"""All eleven, in order."""
