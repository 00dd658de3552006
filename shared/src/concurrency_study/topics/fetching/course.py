"""The obstacle course without its control flow: titles, statuses, a load meter."""

from __future__ import annotations

import time
from pathlib import Path

from . import Response

TITLES = {
    1: "Race two requests",
    2: "Race two; a broken connection has lost",
    3: "Race 10,000",
    4: "Race two, one with a timeout",
    5: "Race two; a status other than 200 has lost",
    6: "Race three; a status other than 200 has lost",
    7: "Hedge: a second request, if the first is slow",
    8: "Race two users of a resource",
    9: "Ten at once, results as they come",
    10: "Burn CPU while a request is held",
    11: "Race a request against a race of two",
}
"""The title of each obstacle, by number."""
RIGHT = "right"
"""The result that every obstacle must give."""
MANY = 10_000
"""Requests at once at obstacle 3."""


class Loser(Exception):
    """A response with a status that loses the race, or fails the obstacle."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status}: {response.text[:200]}")


def won(response: Response) -> str:
    """Return the body; raise `Loser` if the status is not 200."""
    if response.status != 200:
        raise Loser(response)
    return response.text


def is_done(response: Response) -> bool:
    """Return whether obstacle 10 is done: 20x means yes, 30x means continue.

    Raises:
        Loser: The status is another one, which means that it has failed.
    """
    if response.status // 100 not in (2, 3):
        raise Loser(response)
    return response.status // 100 == 2


class Load:
    """The load of this process, between 0 and 1, where 1 is one busy CPU.

    It is CPU time over wall time. Time in which a thread was ready to run while another
    process had the CPU does not count, on Linux, where the system reports it.
    """

    def __init__(self) -> None:
        self._wall, self._cpu, self._delays = self._now()

    @staticmethod
    def _now() -> tuple[float, float, dict[str, float]]:
        delays: dict[str, float] = {}
        for file in Path("/proc/self/task").glob("*/schedstat"):
            try:
                delays[file.parent.name] = int(file.read_text().split()[1]) / 1e9
            except (OSError, IndexError):
                continue  # the thread has ended, or the system does not count
        return time.monotonic(), time.process_time(), delays

    def read(self) -> float:
        """Return the load since the last call, or since this object was made."""
        wall, cpu, before = self._wall, self._cpu, self._delays
        self._wall, self._cpu, self._delays = self._now()
        delayed = sum(
            max(0.0, delay - before.get(thread, 0))
            for thread, delay in self._delays.items()
        )
        busy, had = self._cpu - cpu, self._wall - wall - delayed
        return min(1.0, busy / max(had, 1e-9))
