"""The contestants and the benchmarks.

A contestant is a file in ``comparisons/benchmarks``. The file has the name of the
contestant, with ``_`` for ``-``. This module reads three things in its text: the first
line, ``NEEDS`` (what is installed in its environment) and ``PYTHON`` (the oldest
version that it runs on). The worker imports the file and reads the others: ``STUDY``
(the study whose answers it calls), ``SIZES`` (the largest size for each benchmark) and
``CANNOT`` (the benchmarks that it takes no part in, and why).
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..answers import Tree
from .worker import TOPICS

FOLDER = "comparisons/benchmarks"
REFERENCE = "asyncio"


class Unknown(LookupError):
    """An unknown name. The message lists the known ones."""


@dataclass(frozen=True)
class Contestant:
    """A file with benchmarks, and what it needs to run."""

    name: str
    path: Path
    title: str = ""
    needs: tuple[str, ...] = ()
    python: tuple[int, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Contestant:
        """Return the contestant that a file defines."""
        tree = ast.parse(path.read_text("utf-8"))
        title = (ast.get_docstring(tree) or "").partition("\n")[0]
        found = cls(
            path.stem.replace("_", "-"), path, title.partition(": ")[2].rstrip(".")
        )
        for node in tree.body:
            match node:
                case ast.ImportFrom(str(base), [ast.alias("*")], 1):
                    found = replace(
                        found, needs=cls.read(path.with_name(f"{base}.py")).needs
                    )
                case ast.Assign([ast.Name("NEEDS" | "PYTHON" as name)], value):
                    field = {name.lower(): ast.literal_eval(value)}
                    found = replace(found, **field)
                case _:
                    pass
        return found


def contestants(root: Path) -> dict[str, Contestant]:
    """Return all contestants of a checkout by name, the reference first."""
    paths = sorted((root / FOLDER).glob("[a-z]*.py"))
    found = [Contestant.read(path) for path in paths]
    found.sort(key=lambda one: one.name != REFERENCE)
    return {one.name: one for one in found}


def libraries(root: Path) -> set[str]:
    """Return the libraries whose versions matter.

    These are the libraries of the studies, as the registry lists them, and those that
    contestants need besides.
    """
    of_studies = {
        name for entry in Tree(root).entries.values() for name in entry.libraries
    }
    needed = {need for one in contestants(root).values() for need in one.needs}
    return of_studies | {need for need in needed if not need.startswith(".")}


def _as_many(size: int) -> int:
    return size


def _one(size: int) -> int:
    return 1


def _tree(size: int) -> int:
    return (10 * size - 1) // 9


@dataclass(frozen=True)
class Benchmark:
    """Work that all contestants do."""

    name: str
    operation: str
    """A description of one operation, with ``{size}`` in place of the size."""
    size: int
    quick: int = 0
    """The size in a quick run, if it is another."""
    operations: Callable[[int], int] = _as_many
    """The number of operations in one run of the work, by size."""
    kind: str = "time"
    """time, memory or echo."""
    function: str = ""
    """The name of the function in a contestant's file, if it is another."""
    topic: str = ""
    """The topic whose answer is called, if it is a benchmark of answers."""
    title: str = ""
    """One operation as a reader would name it, with ``{size}`` in place of the size."""
    does: str = ""
    """A sentence on the work that is divided by the number of operations."""
    topics: tuple[str, ...] = ()
    """The topics that it concerns."""
    questions: tuple[int, ...] = ()
    """The numbers of the behaviour questions that it concerns."""

    @property
    def called(self) -> str:
        """The name of the function in each file; ``_`` and an idiom may follow it."""
        return self.function or self.name

    @property
    def best(self) -> bool:
        """True if the fastest of several idioms counts; else the unnamed one counts."""
        return self.kind != "echo"

    @property
    def what(self) -> str:
        """The description of one operation, with the size."""
        return self.operation.format(size=f"{self.size:,}")


CORE = (
    Benchmark(
        "spawn_and_join",
        "start a task and await its end, {size} at once",
        100_000,
        quick=10_000,
        title="Start a task and await its end",
        does="{size} tasks that do nothing are started at once, and all are awaited.",
        topics=("tasks", "results_at_end"),
        questions=(1, 4, 14),
    ),
    Benchmark(
        "switch",
        "let the other of {size} tasks run",
        2,
        title="Switch between {size} tasks",
        does="{size} tasks let each other run, in turns: a wait of no length.",
        topics=("event_loop",),
        questions=(5, 6, 77),
    ),
    Benchmark(
        "ping_pong",
        "there and back between two tasks",
        2,
        operations=_one,
        title="Send a value to a task and get one back",
        does="Two tasks pass a value to and fro. Each waits for the other.",
        topics=("futures",),
        questions=(30, 47),
    ),
    Benchmark(
        "pipeline",
        "an item through three tasks, queues of {size} between them",
        10,
        operations=_one,
        title="Pass an item through two queues",
        does="Items pass through three tasks, with a queue of {size} items before the "
        "second and the third.",
        topics=("pipeline",),
        questions=(5, 29, 46),
    ),
    Benchmark(
        "timers",
        "start a task that sleeps 1 to 2 ms and await its end, {size} at once",
        10_000,
        quick=2_000,
        title="Start a task that sleeps, and await its end",
        does="{size} tasks are started at once. Each sleeps for 1 to 2 ms, so their "
        "timers overlap, and the sleep itself is hardly part of the figure.",
        topics=("periodic",),
        questions=(7, 86),
    ),
    Benchmark(
        "cancel",
        "cancel one of {size} sleeping tasks and await its end",
        20_000,
        quick=5_000,
        title="Cancel a sleeping task and await its end",
        does="{size} tasks sleep for an hour. All are cancelled and awaited.",
        topics=("tasks", "timeout"),
        questions=(20, 22, 28),
    ),
    Benchmark(
        "memory",
        "one of {size} tasks that wait for an event",
        50_000,
        quick=20_000,
        kind="memory",
        title="Memory of a task that waits",
        does="{size} tasks wait for an event. The figure is the growth of resident "
        "memory of the process.",
        topics=("tasks",),
        questions=(15,),
    ),
    Benchmark(
        "skynet",
        "a task in a tree of tens with {size} leaves",
        100_000,
        quick=10_000,
        operations=_tree,
        title="Start a task in a tree of tasks",
        does="A task starts ten tasks and adds up their results. Each of the ten does "
        "the same, down to {size} tasks that return their number.",
        topics=("results_at_end",),
        questions=(28, 70),
    ),
    Benchmark(
        "wake",
        "wake one of {size} that wait for the same, and await its end",
        1000,
        title="Wake a waiting task and await its end",
        does="{size} tasks wait for the same event. It is set, and all are awaited.",
        topics=("futures",),
        questions=(48, 73),
    ),
    Benchmark(
        "race",
        "start {size} tasks, take the first, cancel the others",
        10,
        operations=_one,
        title="Race {size} tasks: take the first result, cancel the rest",
        does="{size} tasks are started. One ends at once. The others sleep, are "
        "cancelled and awaited.",
        topics=("race", "hedge"),
        questions=(22, 81),
    ),
)
"""The ten benchmarks of the geometric mean."""

_ECHO = (
    "A client sends 1 KB over TCP and awaits its echo, again and again, on {size} "
    "connection%s. Only the server's processor time counts."
)
MORE = (
    Benchmark(
        "switch_100",
        "let the others of {size} tasks run",
        100,
        function="switch",
        title="Switch among {size} tasks",
        does="{size} tasks let each other run, in turns: a wait of no length.",
        topics=("event_loop",),
        questions=(6, 77),
    ),
    Benchmark(
        "echo_1",
        "1 KB there and back over TCP, {size} connection",
        1,
        kind="echo",
        function="echo",
        title="Echo 1 KB over {size} connection: the server's processor time",
        does=_ECHO % "",
        questions=(61, 62),
    ),
    Benchmark(
        "echo_100",
        "1 KB there and back over TCP, {size} connections",
        100,
        kind="echo",
        function="echo",
        title="Echo 1 KB over {size} connections: the server's processor time",
        does=_ECHO % "s",
        questions=(61, 62),
    ),
)

INPUTS = (1, 100, 10_000)
"""The numbers of inputs that the answers to topics get, to show how costs grow."""
QUICK_INPUTS = (1, 100, 1_000)


def benchmarks(*, quick: bool = False) -> dict[str, Benchmark]:
    """Return all benchmarks by name."""
    found = [
        replace(one, size=one.quick) if quick and one.quick else one
        for one in (*CORE, *MORE)
    ]
    found += [
        Benchmark(
            f"{topic} at {size}", f"an input of {topic}, of {{size}}", size, topic=topic
        )
        for topic in TOPICS
        for size in (QUICK_INPUTS if quick else INPUTS)
    ]
    return {one.name: one for one in found}


def chosen(names: Iterable[str], known: Iterable[str], what: str) -> list[str]:
    """Return the known names that are wanted, or all if none is wanted.

    The name of a topic means all its sizes.

    Raises:
        Unknown: a name is not known.
    """
    known = [*known]
    wanted = [*names]
    found: list[str] = []
    for name in wanted:
        if name in known:
            found.append(name)
        elif sizes := [one for one in known if one.partition(" at ")[0] == name]:
            found += sizes
        else:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            names = dict.fromkeys(one.partition(" at ")[0] for one in known)
            raise Unknown(
                f"there is no {what} {name!r}{hint}; there are: {', '.join(names)}"
            )
    return [one for one in known if one in found or not wanted]
