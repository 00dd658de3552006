"""The worker: it runs one slice of work after the other in a contestant's environment.

It is run as a file, ``python -I worker.py FOLDER MODULE CORE``, by an interpreter that
has the contestant's library but not this package. So it imports only the standard
library, and the topics where a study is measured. Requests and replies are JSON, a line
each. A contestant's own output goes to stderr.
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
    """A stopwatch that adds up the time, and the memory, used while it runs.

    It does not count the time in which the process is runnable but other processes hold
    the core, because a slice would otherwise measure those. The kernel reports that
    time for one thread only. So the time counts after all if other threads have worked.
    """

    def __init__(self) -> None:
        self.wall = 0
        """Nanoseconds that have passed, without ``lost``."""
        self.cpu = 0
        """Nanoseconds of processor time of the process, in all threads."""
        self.lost = 0
        """Nanoseconds in which other processes held the core."""
        self.resident = 0
        """Bytes by which resident memory has grown, garbage not counted."""
        self.weigh = False
        """True to measure memory, which takes time."""
        self._then = (0, 0, 0, 0, 0)
        self._queue: BinaryIO | None = None
        with contextlib.suppress(OSError):  # some kernels are built without the file
            self._queue = open("/proc/thread-self/schedstat", "rb", 0)  # noqa: SIM115

    def start(self) -> None:
        """Start the watch."""
        weight, queued = self._weight(), self._queued()
        own, cpu = time.thread_time_ns(), time.process_time_ns()
        self._then = weight, queued, own, cpu, time.perf_counter_ns()

    def stop(self) -> None:
        """Stop the watch, and add what has passed since it was started."""
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        own, queued = time.thread_time_ns(), self._queued()
        weight, queued_then, own_then, cpu_then, wall_then = self._then
        wall, cpu = wall - wall_then, cpu - cpu_then
        # ``schedstat`` says how long this thread has waited for the core. That is the
        # whole process's loss only if this thread has done (nearly) all of the work.
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
        """Close the file that the watch reads."""
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
    """Ignore all arguments: the report of a topic's answer."""


class Typed:
    """A maker of pipes that hold ``lines`` lines of input, a new pipe for each call."""

    def __init__(self, lines: int) -> None:
        self.text = b"0\n" * lines
        self.source: Any = None

    def __call__(self) -> tuple[Any, ...]:
        """Return the arguments of the answer's next call."""
        if self.source is not None:
            self.source.close()
        out, into = os.pipe()
        os.write(into, self.text)
        os.close(into)
        self.source = os.fdopen(out, "rb")
        return self.source, ignore


def same(*arguments: object) -> Callable[[], tuple[Any, ...]]:
    """Return a function that returns the same arguments for every call."""
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
"""The arguments of each topic's answer, by the number of inputs.

``job`` is native and lets the others run once. `blocking_calls` gets `abs`. The numbers
are chosen so that no job has to sleep for a second. Seven topics are left out. chaining
takes no inputs. follow takes the tenth of a second between two looks at the file. race,
hedge, timeout and resource are about stopping, not about many inputs. cpu needs several
cores, and has a measurement of its own: ``nox -s cpu``.
"""


def answer(study: str, topic: str) -> Any:
    """Return the answer that a study recommends.

    Raises:
        LookupError: the study has no answer to the topic.
    """
    # Not at the top: a contestant without a study may lack the topics.
    from concurrency_study.topics import SECTIONS

    for section in SECTIONS:
        name = f"{study}.{section}.{topic}"
        if importlib.util.find_spec(name) is not None:
            return getattr(importlib.import_module(name), topic)
    raise LookupError(f"{study} has no answer to {topic}")


# Requests


def describe(contestant: ModuleType) -> dict[str, Any]:
    """Return what the contestant can be asked for, and what it runs on."""
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
    """Return the options that Python was built with and that affect speed; no paths."""
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
    """Answer requests, a line of JSON each, until there are no more."""
    # Replies keep the real stdout. What the contestant prints must not mix with them.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if core:
        os.sched_setaffinity(0, {int(core)})

    def reply(value: object) -> None:
        print(json.dumps(value), file=replies, flush=True)

    # The folder is imported as a package, so that its asyncio.py hides no library.
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
