"""STUB."""
from __future__ import annotations
import time
from pathlib import Path
from . import Response
MANY = 10_000
class Loser(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status}: {response.text}")
class Load:
    def __init__(self) -> None:
        self._last = self._now()
    def _now(self) -> tuple[float, float]:
        waited = sum(int(p.read_text().split()[1]) for p in Path("/proc/self/task").glob("*/schedstat"))
        return time.process_time(), time.monotonic() - waited / 1e9
    def read(self) -> float:
        a, self._last = self._last, self._now()
        cpu, wall = (n - b for n, b in zip(self._last, a))
        return min(1.0, max(0.0, cpu / max(wall, 1e-9)))
