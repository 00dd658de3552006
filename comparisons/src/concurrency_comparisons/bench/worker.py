"""What runs in a contestant's own environment: one slice of work after the other.

It is run as a file, ``python -I worker.py FOLDER MODULE CORE``, by an interpreter that
has the contestant's library and nothing of this package. So it imports the standard
library only. Requests and replies are JSON, a line each; what a contestant prints goes
to stderr.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any, BinaryIO


class Watch:
    """A stopwatch that adds up what passes while it runs.

    While others hold the core, though the process could go on, nothing passes: else a
    slice would tell of the others. That is known of one thread only, so where several
    have worked it counts.
    """

    def __init__(self) -> None:
        self.wall = 0
        """Nanoseconds, as those below."""
        self.cpu = 0
        """Processor time of the process, all threads."""
        self.lost = 0
        """While others held the core; not in ``wall``."""
        self.resident = 0
        """Bytes by which resident memory has grown, garbage not counted."""
        self.weigh = False
        """Whether to look at the memory at all, which takes time."""
        self._then = (0, 0, 0, 0, 0)
        self._queue: BinaryIO | None = None
        with contextlib.suppress(OSError):  # a kernel may be built without it
            self._queue = open("/proc/thread-self/schedstat", "rb", 0)  # noqa: SIM115

    def start(self) -> None:
        """Let it run."""
        weight, queued = self._weight(), self._queued()
        own, cpu = time.thread_time_ns(), time.process_time_ns()
        self._then = weight, queued, own, cpu, time.perf_counter_ns()

    def stop(self) -> None:
        """Let it stand."""
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        own, queued = time.thread_time_ns(), self._queued()
        weight, queued_then, own_then, cpu_then, wall_then = self._then
        wall, cpu = wall - wall_then, cpu - cpu_then
        if own - own_then > 0.98 * cpu:
            lost = min(queued - queued_then, max(0, wall - cpu))
            self.lost += lost
            wall -= lost
        self.wall += wall
        self.cpu += cpu
        self.resident += self._weight() - weight

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def close(self) -> None:
        """It is not needed any more."""
        if self._queue:
            self._queue.close()

    def _queued(self) -> int:
        if not self._queue:
            return 0
        self._queue.seek(0)
        return int(self._queue.read().split()[1])

    def _weight(self) -> int:
        if not self.weigh:
            return 0
        gc.collect()
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# The topics


def ignore(*_: object) -> None:
    """What is said is not listened to."""


class Typed:
    """Pipes that hold so many lines; one is made for each call."""

    def __init__(self, lines: int) -> None:
        self.text = b"0\n" * lines
        self.source: Any = None

    def __call__(self) -> tuple[Any, ...]:
        """The arguments of the call."""
        if self.source is not None:
            self.source.close()
        out, into = os.pipe()
        os.write(into, self.text)
        os.close(into)
        self.source = os.fdopen(out, "rb")
        return self.source, ignore


def same(*arguments: object) -> Callable[[], tuple[Any, ...]]:
    """The same arguments for every call."""
    return lambda: arguments


TOPICS: dict[str, Callable[[Any, int], Callable[[], tuple[Any, ...]]]] = {
    "countdown": lambda job, size: same([("one", 1)] * size, ignore),
    "pipeline": lambda job, size: same(["a word"] * size, ["word"], ignore),
    "blocking_calls": lambda job, size: same(abs, range(size), ignore, 4),
    "event_loop": lambda job, size: Typed(size),
    "futures": lambda job, size: same(job, [("reader", 0, None)] * size, ignore),
    "tasks": lambda job, size: same(
        {str(i): job for i in range(size)}, None, 0, ignore
    ),
    "factorial": lambda job, size: same([1] * size, ignore),
    "periodic": lambda job, size: same(job, 0, size),
    "sync_vs_async": lambda job, size: same(job, range(size)),
    "results_at_end": lambda job, size: same(job, range(size)),
    "results_as_we_go": lambda job, size: same(job, range(size), ignore),
}
"""What each topic's answer is called with, for so many inputs.

``job`` is native and lets the others run once; `blocking_calls` is given `abs`. Numbers
are such that nobody has to sleep for a second. Not here: chaining, which takes no
inputs, follow, whose time is the tenth of a second between two looks at the file, and
race, hedge, timeout and resource, which are about stopping and not about many inputs.
"""


def answer(study: str, topic: str) -> Any:
    """The answer that a study recommends."""
    for room in ("use_cases", "concepts"):
        name = f"{study}.{room}.{topic}"
        if importlib.util.find_spec(name) is not None:
            return getattr(importlib.import_module(name), topic)
    raise LookupError(f"{study} has no answer to {topic}")


# Requests


def describe(contestant: ModuleType) -> dict[str, Any]:
    """What it can be asked for, and what it runs on."""
    return {
        "functions": [
            name
            for name, value in vars(contestant).items()
            if callable(value) and value.__module__.startswith(_package_of(contestant))
        ],
        "sizes": getattr(contestant, "SIZES", {}),
        "cannot": getattr(contestant, "CANNOT", {}),
        "topics": [*TOPICS] if getattr(contestant, "STUDY", None) else [],
        "python": platform.python_version(),
        "libraries": {
            library.metadata["Name"]: library.version
            for library in importlib.metadata.distributions()
            if not library.metadata["Name"].startswith("concurrency-study")
            and library.metadata["Name"] not in ("pip", "setuptools")
        },
        "build": build(),
    }


def _package_of(contestant: ModuleType) -> str:
    return (contestant.__package__ or "") + "."


def build() -> dict[str, str]:
    """How this Python was built, as far as it bears on speed; no paths."""
    options = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    flags = str(sysconfig.get_config_var("PY_CFLAGS") or "").split()
    return {
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "optimisation": " ".join(flag for flag in flags if flag.startswith("-O")),
        "profile-guided": "yes" if "--enable-optimizations" in options else "no",
        "link-time": "yes" if "--with-lto" in options else "no",
        "debug": "yes" if hasattr(sys, "gettotalrefcount") else "no",
        "free-threaded": "yes" if sysconfig.get_config_var("Py_GIL_DISABLED") else "no",
    }


def measure(contestant: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run a slice: ``function`` or ``topic``, ``times`` times, with ``size``."""
    watch = Watch()
    watch.weigh = bool(request.get("weigh"))
    times, size = request["times"], request["size"]
    if topic := request.get("topic"):
        call: tuple[Any, ...] = (
            *(contestant.call, times, watch),
            *(answer(contestant.STUDY, topic), TOPICS[topic](contestant.job, size)),
        )
    else:
        call = (getattr(contestant, request["function"]), times, size, watch)
    gc.collect()
    contestant.run(*call)
    watch.close()
    return {
        "wall": watch.wall / 1e9,
        "cpu": watch.cpu / 1e9,
        "lost": watch.lost / 1e9,
        "resident": watch.resident,
    }


def main(folder: str, module: str, core: str) -> None:
    """Answer requests until there are no more."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if core:
        os.sched_setaffinity(0, {int(core)})

    def reply(value: object) -> None:
        print(json.dumps(value), file=replies, flush=True)

    parent, package = os.path.split(os.path.abspath(folder))
    sys.path.append(parent)
    contestant: Any = None
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        try:
            if contestant is None:
                contestant = importlib.import_module(f"{package}.{module}")
            if request["do"] == "describe":
                reply(describe(contestant))
            elif request["do"] == "measure":
                reply(measure(contestant, request))
            elif request["do"] == "serve":
                serve = getattr(contestant, request["function"])
                contestant.run(serve, lambda port: reply({"port": port}))  # pyright: ignore
        except Exception:
            reply({"error": traceback.format_exc()})


if __name__ == "__main__":
    main(*sys.argv[1:])
