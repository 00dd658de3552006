"""The eleven obstacles: functions of a base URL over `race` and `fetch`."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote
from uuid import uuid4

import anyio
import anyio.lowlevel
from concurrency_study.topics.fetching import Response
from concurrency_study.topics.fetching.course import MANY, Load, is_done, won

from ..use_cases.hedge import hedge
from ..use_cases.race import race
from ..use_cases.resource import resource
from ..use_cases.results_as_we_go import results_as_we_go
from .fetch import fetch


async def right(url: str) -> str:
    """Return the body; raise `Loser` if the status is not 200."""
    return won(await fetch(url))


async def obstacle_1(base: str) -> str:
    """Race two requests."""
    return await race([partial(right, f"{base}/1")] * 2)


async def obstacle_2(base: str) -> str:
    """Race two requests; one whose connection breaks has lost."""
    return await race([partial(right, f"{base}/2")] * 2)


async def obstacle_3(base: str) -> str:
    """Race 10,000 requests."""
    return await race([partial(right, f"{base}/3")] * MANY)


async def obstacle_4(base: str, second: float = 1.0) -> str:
    """Race two requests, one of which gives up after a second."""
    url = f"{base}/4"

    async def hasty() -> str:
        with anyio.fail_after(second):
            return await right(url)

    return await race([partial(right, url), hasty])


async def obstacle_5(base: str) -> str:
    """Race two requests; one with a status other than 200 has lost."""
    return await race([partial(right, f"{base}/5")] * 2)


async def obstacle_6(base: str) -> str:
    """Race three requests; one with a status other than 200 has lost."""
    return await race([partial(right, f"{base}/6")] * 3)


async def obstacle_7(base: str, second: float = 1.0) -> str:
    """Hedge: make a second request if the first is not answered in three seconds."""
    return await hedge(lambda _: right(f"{base}/7"), 3 * second, 2)


async def obstacle_8(base: str) -> str:
    """Race two users of a resource, which is always closed."""
    url = f"{base}/8"

    async def user() -> str:
        return await resource(
            lambda: right(f"{url}?open"),
            lambda handle: right(f"{url}?use={quote(handle)}"),
            lambda handle: right(f"{url}?close={quote(handle)}"),
        )

    return await race([user, user])


async def obstacle_9(base: str) -> str:
    """Make ten requests at once; join the successes in order of arrival."""
    responses: list[Response] = []
    await results_as_we_go(fetch, [f"{base}/9"] * 10, responses.append)
    return "".join(each.text for each in responses if each.status == 200)


async def obstacle_10(base: str) -> str:
    """Burn CPU while a request is held, and report the load once a second."""
    url = f"{base}/10?{uuid4().hex}"

    async def burn() -> None:
        while True:  # a task can be cancelled only where it waits
            sum(range(10_000))
            await anyio.lowlevel.checkpoint()

    async def burn_while_held() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(burn)
            is_done(await fetch(url))
            group.cancel_scope.cancel()

    answer = ""
    async with anyio.create_task_group() as group:
        group.start_soon(burn_while_held)
        load = Load()
        while True:
            await anyio.sleep(1)
            response = await fetch(f"{url}={load.read():.3f}")
            if is_done(response):
                answer = response.text
                break
    return answer


async def obstacle_11(base: str) -> str:
    """Race a request against a race of two."""
    one = partial(right, f"{base}/11")
    return await race([one, partial(race, [one, one])])


OBSTACLES = (
    *(obstacle_1, obstacle_2, obstacle_3, obstacle_4, obstacle_5, obstacle_6),
    *(obstacle_7, obstacle_8, obstacle_9, obstacle_10, obstacle_11),
)
"""All eleven, in order."""
