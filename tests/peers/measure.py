"""Races found: by ``World.explore``, and by other tools that explore schedules.

``python -m tests.peers.measure`` looks for the races of the studies asyncio and threads
with detangle (asyncio), frontrun (both) and interleave-test (threads). Each search has
a process of its own. A cell is the median of all seeds: the schedules until the race
was found, and the processor time of the whole search, with its shrinking and replays.
Below it is the fixed program, in which there is nothing to find. The last row is the
speed on a small correct program (``small.py``), per second of processor time.

Each tool has its defaults. A second column has an option that its documentation
recommends for harder races. What was adapted for a tool:

- interleave-test and frontrun replace ``threading.Lock`` during a search. The modules
  of the races import the names, so these are bound again at the start of each run.
- frontrun starts the workers itself. A program runs until it waits for its threads or
  tasks, frontrun runs these, and then the program continues with its assertion.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import MappingProxyType, ModuleType, coroutine
from typing import Any, NamedTuple

RACES = (
    *("lost_update", "check_then_act", "lost_wakeup"),
    *("opposite_locks", "lost_item", "single_flight"),
)
ROOT = Path(__file__).parents[2]
SPEED = 2.0
"""Seconds of processor time for which the speed is measured."""
PRIMITIVES = {
    **dict.fromkeys(("Lock", "RLock", "Condition", "Event", "Thread"), threading),
    **dict.fromkeys(("Queue", "SimpleQueue"), queue),
}


class Limits(NamedTuple):
    """The end of a search that finds nothing."""

    schedules: int
    seconds: float


class Found(NamedTuple):
    """The end of a search."""

    schedules: int
    why: str = ""
    """The first line of the failure; empty if none was found."""
    unsure: str = ""
    """The reason why the tool gives no verdict, if it says so."""
    holds: bool = False
    """True if the tool says that no schedule can fail."""


class Program(NamedTuple):
    """A race of a study, or its fix."""

    study: str
    module: ModuleType
    function: Any

    def bind(self) -> None:
        """Let the module use the primitives that a tool has replaced."""
        if self.study == "threads":
            for name, home in PRIMITIVES.items():
                if hasattr(self.module, name):
                    setattr(self.module, name, getattr(home, name))


def first_line(error: BaseException) -> str:
    """Return the kind and the first line of an error, or of the one in its group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}".rstrip(": ")


def ours(program: Program, seed: int, limits: Limits) -> Found:
    from concurrency_study.available import make_world

    world = make_world(program.study)
    try:
        ended = world.explore(program.function, seed=seed, **limits._asdict())
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        found = re.search(r"schedule ([\d,]+) failed", notes)
        number = int(found[1].replace(",", "")) if found else 1
        return Found(number, first_line(error))
    return Found(ended.schedules, unsure="; ".join(ended.refused[:1]))


def detangle(program: Program, seed: int, limits: Limits, **options: Any) -> Found:
    import detangle as tool

    try:
        ended = tool.explore(
            program.function,
            runs=limits.schedules,
            max_duration=limits.seconds,
            seed=seed,
            database=False,
            **options,
        )
    except tool.BugFound as error:
        return Found(error.report.runs, error.report.failure.headline())
    return Found(ended.runs)


class OutOfTime(Exception):
    """Ends a search of a tool that has no limit of time."""


def interleave(program: Program, seed: int, limits: Limits, **options: Any) -> Found:
    import interleave_test as tool

    end = time.process_time() + limits.seconds

    def model() -> None:
        if time.process_time() > end:
            raise OutOfTime
        program.bind()
        program.function()

    ended = tool.explore(
        model,
        iterations=limits.schedules,
        seed=seed,
        exclude=[__file__],
        raise_on_failure=False,
        **options,
    )
    failure = ended.failure
    if failure is None or isinstance(failure.exception, OutOfTime):
        return Found(ended.schedules_run - (failure is not None))
    error = failure.exception
    return Found(ended.schedules_run, first_line(error) if error else failure.kind)


class Job:
    """A thread or task of a program that frontrun starts."""

    def __init__(self, target: Any, args: Any = (), name: str = "") -> None:
        self.target, self.args = target, args
        self.cancelled = False
        self.task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()

    def run(self) -> None:
        self.target(*self.args)

    async def run_as_task(self) -> None:
        if self.cancelled:
            self.target.close()
            return
        self.task = asyncio.current_task()
        try:
            await self.target
        except asyncio.CancelledError:
            if not self.cancelled:
                raise


class Threads:
    """A program that pauses when it waits for its threads."""

    def __init__(self, program: Program) -> None:
        from greenlet import getcurrent, greenlet

        self.jobs: list[Job] = []
        outer, paused = self, getcurrent()

        class Thread(Job):
            def start(self) -> None:
                outer.jobs.append(self)

            def join(self) -> None:
                if paused is not None:
                    paused.switch()

        program.bind()
        program.module.Thread = Thread
        self._rest = greenlet(program.function)
        self._rest.switch()
        paused = None

    def check(self) -> bool:
        self._rest.switch()
        return True


class Tasks:
    """A program that pauses when it waits for its tasks."""

    def __init__(self, program: Program) -> None:
        self.jobs: list[Job] = []
        outer, paused = self, False

        @coroutine
        def pause() -> Any:
            yield

        class Group:
            async def __aenter__(self) -> Group:
                return self

            async def __aexit__(self, *_: object) -> None:
                if not paused:
                    await pause()

            def create_task(self, coroutine: Any, *, name: str = "") -> Any:
                if paused:  # a task that another task has started
                    return asyncio.create_task(coroutine, name=name)
                outer.jobs.append(Job(coroutine, name=name))
                return outer.jobs[-1]

        asyncio.TaskGroup = Group
        self._rest = program.function()
        self._rest.send(None)
        paused = True

    def check(self) -> bool:
        with contextlib.suppress(StopIteration):
            self._rest.send(None)
        return True


def frontrun(program: Program, seed: int, limits: Limits, **options: Any) -> Found:
    import frontrun as tool

    split = Tasks if program.study == "asyncio" else Threads

    def worker(number: int) -> Any:
        if split is Threads:
            return lambda state: state.jobs[number].run()

        async def run(state: Tasks) -> None:
            await state.jobs[number].run_as_task()

        return run

    ended = tool.explore(
        setup=lambda: split(program),
        workers=[worker(number) for number in range(len(split(program).jobs))],
        invariant=split.check,
        max_executions=limits.schedules,
        total_timeout=limits.seconds,
        **options,
    )
    if split is Tasks:

        async def wait(coroutine: Any = ended) -> Any:
            return await coroutine

        ended = asyncio.run(wait())
    if ended.property_holds is None:
        return Found(ended.num_explored, unsure=ended.inconclusive_reason or "unsure")
    if ended.property_holds:
        return Found(ended.num_explored, holds=True)
    return Found(ended.num_explored, (ended.explanation or "?").strip().splitlines()[0])


class Tool(NamedTuple):
    """A way to explore schedules."""

    explore: Any
    studies: tuple[str, ...]
    package: str = ""
    options: Mapping[str, Any] = MappingProxyType({})
    seeded: bool = True
    """False if each search is the same."""
    command: tuple[str, ...] = ()
    """The command of the tool that has to run the process."""

    @property
    def title(self) -> str:
        name = f"{self.package} {version(self.package)}" if self.package else "ours"
        told = ", ".join(f"{key}={value}" for key, value in self.options.items())
        return f"{name}, {told}" if told else name


BOTH = ("asyncio", "threads")
FRONTRUN = Tool(frontrun, BOTH, "frontrun", seeded=False, command=("frontrun",))
DETANGLE = Tool(detangle, ("asyncio",), "detangle")
INTERLEAVE = Tool(interleave, ("threads",), "interleave-test")
TOOLS = [
    Tool(ours, BOTH),
    DETANGLE,
    DETANGLE._replace(options={"timer_jitter": 1.0}),
    INTERLEAVE,
    INTERLEAVE._replace(options={"strategy": "pct"}),
    FRONTRUN,
    FRONTRUN._replace(options={"clock": "explored"}),
]


class Ended(NamedTuple):
    """A search, as its process reports it."""

    found: Found
    seconds: float


def search(tool: Tool, program: Program, seed: int, limits: Limits) -> Ended:
    """Search once, in this process."""
    begin = time.process_time()
    found = tool.explore(program, seed, limits, **tool.options)
    return Ended(found, time.process_time() - begin)


def load(study: str, race: str, function: str) -> Program:
    module = import_module(f"{study}_study.races.{race}")
    return Program(study, module, getattr(module, function))


def be_child(words: list[str]) -> None:
    """Print the searches that another process has asked for, one a line."""
    number, study, race, function, seeds, schedules, seconds = words
    tool, program = TOOLS[int(number)], load(study, race, function)
    limits = Limits(int(schedules), float(seconds))
    warnings.simplefilter("ignore")  # tasks that a tool has abandoned
    search(tool, load(study, "lost_update", "fixed"), 0, Limits(1, 1))  # imports
    for seed in range(int(seeds) if tool.seeded else 1):
        print(json.dumps(search(tool, program, seed, limits)), flush=True)


def measure_speed(words: list[str]) -> None:
    """Print how many schedules of a small program took how long."""
    from tests.peers import small

    number, study, schedules = words
    function = small.tasks if study == "asyncio" else small.threads
    tool, program = TOOLS[int(number)], Program(study, small, function)
    warnings.simplefilter("ignore")
    search(tool, program, 0, Limits(1, 1))
    ran, spent, seed = 0, 0.0, 0
    while spent < SPEED:  # all of its schedules may be fewer than asked for
        ended = search(tool, program, seed, Limits(int(schedules), SPEED))
        ran, spent, seed = ran + ended.found.schedules, spent + ended.seconds, seed + 1
    print(json.dumps(Ended(Found(ran), spent)), flush=True)


def ask(tool: Tool, flag: str, words: list[str], patience: float) -> Any:
    """Run a process; return what it has found, and why it has not found more."""
    number = str(TOOLS.index(tool))
    folder = Path(sys.executable).parent
    with subprocess.Popen(
        [
            *(str(folder / name) for name in tool.command),
            *(sys.executable, "-m", "tests.peers.measure", flag, number, *words),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a tool's command has a process of its own
    ) as process:
        trouble = ""
        try:
            said, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, errors = process.communicate()
            trouble = f"it did not end in {patience:g} s"
    if process.returncode and not trouble:
        trouble = (errors.strip().splitlines() or [f"exit {process.returncode}"])[-1]
    found = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    return [Ended(Found(*first), spent) for first, spent in found], trouble


def cell(ended: list[Ended], trouble: str, notes: list[str], *, broken: bool) -> str:
    """Return the text of a cell, and add what it leaves out to the notes."""

    def note(text: str) -> str:
        text = re.split(r"(?<=[.;:]) ", text)[0].rstrip(".;:")
        if text not in notes:
            notes.append(text)
        return f" [{notes.index(text) + 1}]"

    if trouble:
        return "cannot run it" + note(trouble)
    hits = [each for each in ended if each.found.why]
    shown = hits if broken and hits else ended
    schedules = median(each.found.schedules for each in shown)
    seconds = median(each.seconds for each in shown)
    figures = f"{schedules:,.0f} in {seconds * 1000:,.0f} ms"
    if not hits:
        unsure = [each.found.unsure for each in ended if each.found.unsure]
        text = f"not in {figures}" if broken else f"none in {figures}"
        if broken and any(each.found.holds for each in ended):
            return text + note("the tool says that the property holds")
        return text + (", unsure" + note(unsure[0]) if unsure else "")
    if not broken:
        return "ALARM" + note(hits[0].found.why)
    missed = len(ended) - len(hits)
    return figures + (f", {missed} of {len(ended)} missed" if missed else "")


def table(study: str, races: list[str], options: argparse.Namespace) -> None:
    """Print all that was found in a study."""
    tools = [tool for tool in TOOLS if study in tool.studies]
    patience = options.seconds * options.seeds * 4
    rows: list[list[str]] = []
    notes: list[str] = []
    for race in races:
        for function in ("broken", "fixed"):
            row = [race if function == "broken" else "  fixed"]
            for tool in tools:
                print(f"{study} {race} {function} {tool.title}", file=sys.stderr)
                words = [study, race, function, str(options.seeds)]
                words += [str(options.schedules), str(options.seconds)]
                ended, trouble = ask(tool, "--child", words, patience)
                row.append(cell(ended, trouble, notes, broken=function == "broken"))
                if options.verbose:
                    print(f"  {row[-1]} {trouble} {ended}", file=sys.stderr)
            rows.append(row)
    row = ["schedules a second"]
    for tool in tools:
        print(f"{study} speed {tool.title}", file=sys.stderr)
        words = [study, str(options.schedules)]
        ended, trouble = ask(tool, "--speed", words, patience)
        rate = f"{ended[0].found.schedules / ended[0].seconds:,.0f}" if ended else ""
        row.append(rate or cell([], trouble, notes, broken=False))
    rows.append(row)
    print(f"\n{study}, Python {sys.version.split()[0]}, seeds: {options.seeds}\n")
    rows.insert(0, ["", *(tool.title for tool in tools)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    for number, text in enumerate(notes, 1):
        print(f"[{number}] {text}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "races", nargs="*", metavar="RACE", help=f"all unless told: {', '.join(RACES)}"
    )
    parser.add_argument("--study", choices=BOTH, help="one study instead of both")
    parser.add_argument("--seeds", type=int, default=3, help="3 unless told")
    parser.add_argument(
        "--schedules", type=int, default=1000, help="of one search, 1000 unless told"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="of one search, 10 unless told"
    )
    parser.add_argument("--verbose", action="store_true", help="tell each search")
    for flag in ("--child", "--speed"):
        parser.add_argument(flag, nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        be_child(options.child)
    elif options.speed:
        measure_speed(options.speed)
    else:
        for study in [options.study] if options.study else BOTH:
            table(study, options.races or [*RACES], options)


if __name__ == "__main__":
    main()
