"""The eleven obstacles: functions over `race` and `fetch`, base URL in, body out."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import partial
from uuid import uuid4

from concurrency_study.topics.fetching.course import MANY, Load, Loser

from ..group import Stop, ThreadGroup
from ..use_cases.race import race
from .fetch import fetch

STACK = 2**18
"""Bytes that one of very many threads gets as its stack; usually these are 8 MiB."""


def right(url: str, stop: Stop, seconds: float | None = None) -> str:
    """The body; `Loser` if the status is not 200."""
    response = fetch(url, stop, seconds)
    if response.status != 200:
        raise Loser(response)
    return response.text


def obstacle_1(base: str) -> str:
    """Race two requests."""
    return race([partial(right, f"{base}/1")] * 2)


def obstacle_2(base: str) -> str:
    """Race two requests; one whose connection breaks has lost."""
    return race([partial(right, f"{base}/2")] * 2)


@contextmanager
def small_stacks() -> Generator[None]:
    """All threads that are started in this block, by whomever, have small stacks."""
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
    """Hedge: race a request against another one that begins three seconds later."""
    url = f"{base}/7"

    def later(stop: Stop) -> str:
        if stop.wait(3 * second):
            raise CancelledError
        return right(url, stop)

    return race([partial(right, url), later])


def obstacle_8(base: str) -> str:
    """Race two users of a resource, which is closed whatever happens.

    Opening and closing have a ``stop`` of their own, that nobody sets: of a request
    that was stopped nobody knows what it has opened.
    """
    url = f"{base}/8"

    def user(stop: Stop) -> str:
        resource = right(f"{url}?open", Stop())
        try:
            return right(f"{url}?use={resource}", stop)
        finally:
            right(f"{url}?close={resource}", Stop())
            if stop.is_set():
                raise CancelledError  # whoever has lost meanwhile ends by that

    return race([user, user])


def obstacle_9(base: str) -> str:
    """Make ten requests at once; put together what succeeds, as it comes."""
    letters: list[str] = []

    def collect() -> None:
        with suppress(Loser):
            letters.append(right(f"{base}/9", group.stop))

    with ThreadGroup() as group:
        for _ in range(10):
            group.start(collect)
    return "".join(letters)


def obstacle_10(base: str) -> str:
    """Burn CPU as long as a request is held, and report the load once a second."""
    url = f"{base}/10?{uuid4().hex}"
    released = threading.Event()
    answers: list[str] = []

    def hold() -> None:
        try:
            right(url, group.stop)
        finally:
            released.set()

    def burn() -> None:
        while not released.is_set():  # it holds the GIL for 5 ms if others want it
            pass

    def report() -> None:
        load = Load()
        while not (answers or group.stop.wait(1)):
            response = fetch(f"{url}={load.read():.3f}", group.stop)
            if response.status == 200:
                answers.append(response.text)
            elif response.status != 302:
                raise Loser(response)

    with ThreadGroup() as group:
        for function in (hold, burn, report):
            group.start(function)
    return answers[0]


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
