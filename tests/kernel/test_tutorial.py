"""From a generator to the kernel: each step runs alone and adds one idea."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import generators_study.tutorial
import pytest
from generators_study.tutorial import cancellation, kernel, trampoline
from generators_study.tutorial.future import Future, Loop

PACKAGE = Path(generators_study.__file__).parent
README = Path(__file__).parents[2] / "packages/generators/README.md"
PRINTS = {
    "tutorial.generator": "a 3, b 2, a 2, b 1, a 1",
    "tutorial.send": "10.0, 15.0, 30.0, 3 numbers, then no number",
    "tutorial.trampoline": "100000, 0.25, caught: division by zero",
    "concepts.event_loop_selectors": "Hello world!",
    "concepts.event_loop_callbacks": "Hello world!",
    "tutorial.loop": "long begins, short begins, short ends, long ends",
    "tutorial.future": "a waits, b waits, brought, a has a parcel, b has a parcel",
    "tutorial.task": "both are on their way, 0.25, joined: division by zero",
    "tutorial.cancellation": "quick is done, quick cleans up, slow cleans up, "
    "slow was cancelled",
    "tutorial.kernel": "a waits, b waits, c waits, b leaves, the door is open, "
    "a enters, c enters, a sits down, c sits down",
}
"""The output of the steps, in the order of the tutorial."""


def steps():
    """Return the numbered steps of the README: (number, name, first link)."""
    text = README.read_text("utf-8")
    pattern = r"^(\d+)\. \[(\w+)\]\(src/generators_study/([\w/]+)\.py\)"
    return re.findall(pattern, text, re.MULTILINE)


def test_the_readme_gives_the_order():
    found = steps()
    assert [int(number) for number, _, _ in found] == [*range(1, len(found) + 1)]
    assert [path.replace("/", ".") for _, _, path in found] == [*PRINTS]
    assert [path.rpartition("/")[2] for _, _, path in found] == [n for _, n, _ in found]


def test_no_step_of_the_tutorial_is_left_out():
    files = {f"tutorial.{path.stem}" for path in PACKAGE.glob("tutorial/*.py")}
    assert files - {"tutorial.__init__"} == {
        n for n in PRINTS if n.startswith("tutorial.")
    }


def test_a_step_builds_on_earlier_ones_and_has_a_docstring():
    before = set()
    for name in PRINTS:
        path = PACKAGE / f"{name.replace('.', '/')}.py"
        tree = ast.parse(path.read_text("utf-8"))
        if name.startswith("tutorial."):
            title = (ast.get_docstring(tree) or "").splitlines()[0]
            assert title.lower().startswith(f"{path.stem}: "), path
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.level:
                    modules = (
                        [node.module] if node.module else [a.name for a in node.names]
                    )
                    assert node.level == 1, path
                    assert {*modules} <= before, path
            before.add(path.stem)


def test_every_step_runs_by_itself_and_prints_what_it_should():
    def printed(name):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", f"generators_study.{name}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return ", ".join(done.stdout.splitlines())

    with ThreadPoolExecutor(4) as pool:
        assert dict(zip(PRINTS, pool.map(printed, PRINTS), strict=True)) == PRINTS


def test_an_error_passes_through_the_trampoline():
    with pytest.raises(ZeroDivisionError):
        trampoline.trampoline(trampoline.divide(1, 0))


def test_waiting_for_a_settled_future_takes_no_time():
    loop, got = Loop(), []
    future = Future(loop)
    future.settle("value")

    def read():
        got.append((yield from future.wait()))

    loop.ready.append(read())
    loop.run()
    assert got == ["value"]


@pytest.mark.parametrize("wakes", [True, False])
def test_cancelling_a_scheduled_task_does_nothing(wakes):
    loop, said = Loop(), []
    future = Future(loop)

    def read():
        yield from future.wait()
        said.append("read")

    def manage():
        task = cancellation.Task(loop, read())
        yield from cancellation.sleep(0)
        if wakes:
            future.settle()
        task.cancel()
        task.cancel()
        try:
            yield from task.join()
        except cancellation.Cancelled:
            said.append("cancelled")

    cancellation.Task(loop, manage())
    loop.run()
    assert said == ["read" if wakes else "cancelled"]


@pytest.mark.world("generators")
def test_the_miniature_sleeps_and_cancels_at_the_right_instants(world):
    small, said = kernel.Kernel(), []

    def sleeper(seconds):
        try:
            yield small.instant(seconds)
        finally:
            said.append((world.now(), seconds))

    def canceller(task):
        yield small.instant(2)
        small.cancel(task)

    def main():
        tasks = [small.spawn(sleeper(seconds)) for seconds in (3, 1, 2, 60)]
        small.spawn(canceller(tasks[-1]))
        small.run()
        assert all(task.done for task in tasks)

    world.run(main)
    assert said == [(1, 1), (2, 2), (2, 60), (3, 3)]


def test_the_miniature_does_not_cancel_unstarted_or_ready_tasks():
    small, said = kernel.Kernel(), []

    def turns(name):
        for number in range(2):
            yield small.ready
            said.append((name, number))

    def main():
        tasks = [small.spawn(turns(name)) for name in "ab"]
        for _ in range(3):
            for task in tasks:
                small.cancel(task)
            yield small.ready

    small.spawn(main())
    small.run()
    assert said == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
