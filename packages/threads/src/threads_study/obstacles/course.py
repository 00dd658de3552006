"""The eleven obstacles: functions of a base URL over `race` and `fetch`."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote
from uuid import uuid4

from concurrency_study.topics.fetching import Response
from concurrency_study.topics.fetching.course import MANY, Load, is_done, won

from ..group import Stop, ThreadGroup
from ..use_cases.hedge import hedge
from ..use_cases.race import race
from ..use_cases.resource import resource
from ..use_cases.results_as_we_go import results_as_we_go
from .fetch import fetch

STACK = 2**18
"""Bytes of stack for each of very many threads; the default is often 8 MiB."""


def right(url: str, stop: Stop, seconds: float = math.inf) -> str:
    """Return the body; raise `Loser` if the status is not 200."""
    return won(fetch(url, stop, seconds))


def obstacle_1(base: str) -> str:
    """Race two requests."""
    return race([partial(right, f"{base}/1")] * 2)


def obstacle_2(base: str) -> str:
    """Race two requests; one whose connection breaks has lost."""
    return race([partial(right, f"{base}/2")] * 2)


@contextmanager
def small_stacks() -> Generator[None]:
    """Give small stacks to all threads of the process that start in this block."""
    before = threading.stack_size(STACK)
    try:
        yield
    finally:
        threading.stack_size(before)


def obstacle_3(base: str) -> str:
    """Race 10,000 requests, in as many threads."""
    with small_stacks():
        return race([partial(right, f"{base}/3")] * MANY)


def obstacle_4(base: str, second: float = 1.0) -> str:
    """Race two requests, one of which gives up after a second."""
    url = f"{base}/4"
    return race([partial(right, url), partial(right, url, seconds=second)])


def obstacle_5(base: str) -> str:
    """Race two requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/5")] * 2)


def obstacle_6(base: str) -> str:
    """Race three requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/6")] * 3)


def obstacle_7(base: str, second: float = 1.0) -> str:
    """Hedge: make a second request if the first is not answered in three seconds."""
    return hedge(lambda _, stop: right(f"{base}/7", stop), 3 * second, 2)


def obstacle_8(base: str) -> str:
    """Race two users of a resource, which is always closed."""
    url = f"{base}/8"

    def user(stop: Stop) -> str:
        return resource(
            lambda: right(f"{url}?open", Stop()),  # cannot be stopped
            lambda handle: right(f"{url}?use={quote(handle)}", stop),
            lambda handle: right(f"{url}?close={quote(handle)}", Stop()),
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
    released = threading.Event()

    def burn() -> None:
        while not released.is_set():  # others get the GIL every 5 ms
            pass

    def hold() -> None:
        try:
            is_done(fetch(url, group.stop))
        finally:
            released.set()

    with ThreadGroup() as group:
        group.start(burn)
        group.start(hold)
        load = Load()
        while True:
            group.stop.wait(1)
            response = fetch(f"{url}={load.read():.3f}", group.stop)
            if is_done(response):
                return response.text


def obstacle_11(base: str) -> str:
    """Race a request against a race of two."""
    url = f"{base}/11"

    def pair(stop: Stop) -> str:
        def one(inner: Stop) -> str:
            with stop.calling(inner.set):
                return right(url, inner)

        try:
            return race([one, one])
        except Exception:
            if stop.is_set():
                raise CancelledError from None
            raise

    return race([partial(right, url), pair])


OBSTACLES = (
    *(obstacle_1, obstacle_2, obstacle_3, obstacle_4, obstacle_5, obstacle_6),
    *(obstacle_7, obstacle_8, obstacle_9, obstacle_10, obstacle_11),
)
"""All eleven, in order."""
