"""The eleven obstacles: functions over `race` and `fetch`, base URL in, body out."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from uuid import uuid4

from concurrency_study.topics.fetching.course import MANY, Load, Loser

from ..kernel import (
    CancelScope,
    Group,
    Wait,
    checkpoint,
    fail_after,
    open_group,
    sleep,
)
from ..use_cases.race import race
from .fetch import fetch


def right(url: str) -> Wait[str]:
    """The body; `Loser` if the status is not 200."""
    response = yield from fetch(url)
    if response.status != 200:
        raise Loser(response)
    return response.text


def obstacle_1(base: str) -> Wait[str]:
    """Race two requests."""
    return race([partial(right, f"{base}/1")] * 2)


def obstacle_2(base: str) -> Wait[str]:
    """Race two requests; one whose connection breaks has lost."""
    return race([partial(right, f"{base}/2")] * 2)


def obstacle_3(base: str) -> Wait[str]:
    """Race 10,000 requests."""
    return race([partial(right, f"{base}/3")] * MANY)


def obstacle_4(base: str, second: float = 1.0) -> Wait[str]:
    """Race two requests, one of which gives up after a second."""
    url = f"{base}/4"

    def hasty() -> Wait[str]:
        with fail_after(second):
            return (yield from right(url))

    return race([partial(right, url), hasty])


def obstacle_5(base: str) -> Wait[str]:
    """Race two requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/5")] * 2)


def obstacle_6(base: str) -> Wait[str]:
    """Race three requests; one with a status other than 200 has lost."""
    return race([partial(right, f"{base}/6")] * 3)


def obstacle_7(base: str, second: float = 1.0) -> Wait[str]:
    """Hedge: race a request against another one that begins three seconds later."""
    url = f"{base}/7"

    def later() -> Wait[str]:
        yield from sleep(3 * second)
        return (yield from right(url))

    return race([partial(right, url), later])


def obstacle_8(base: str) -> Wait[str]:
    """Race two users of a resource, which is closed whatever happens.

    Opening is shielded, too: of a cancelled request nobody knows what it has opened.
    """
    url = f"{base}/8"

    def user() -> Wait[str]:
        resource = ""
        with CancelScope(shield=True):
            resource = yield from right(f"{url}?open")
        try:
            return (yield from right(f"{url}?use={resource}"))
        finally:
            with CancelScope(shield=True):
                yield from right(f"{url}?close={resource}")
            yield from checkpoint()  # whoever has lost meanwhile ends by that

    return race([user, user])


def obstacle_9(base: str) -> Wait[str]:
    """Make ten requests at once; put together what succeeds, as it comes."""
    letters: list[str] = []

    def collect() -> Wait[None]:
        with suppress(Loser):
            letters.append((yield from right(f"{base}/9")))

    def start(group: Group) -> None:
        for _ in range(10):
            group.spawn(collect)

    yield from open_group(start)
    return "".join(letters)


def obstacle_10(base: str) -> Wait[str]:
    """Burn CPU as long as a request is held, and report the load once a second."""
    url = f"{base}/10?{uuid4().hex}"

    def burn() -> Wait[None]:
        while True:  # a task can be cancelled where it waits, so it does, often
            sum(range(10_000))
            yield from checkpoint()

    def burn_while_held(group: Group) -> Wait[None]:
        group.spawn(burn)
        yield from right(url)
        group.cancel()

    def report(group: Group) -> Wait[str]:
        load = Load()
        group.spawn(open_group, burn_while_held)
        while True:
            yield from sleep(1)
            response = yield from fetch(f"{url}={load.read():.3f}")
            if response.status == 200:
                return response.text
            if response.status != 302:
                raise Loser(response)

    return (yield from open_group(report))


def obstacle_11(base: str) -> Wait[str]:
    """Race a request against a race of two."""
    one = partial(right, f"{base}/11")
    return race([one, partial(race, [one, one])])
