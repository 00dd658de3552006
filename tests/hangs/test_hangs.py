"""Each way to hang ends with a reason, and the next test is unharmed.

Each program runs in a process of its own: a program that the world cannot end would
stop all other tests. The process is a pytest with two tests. The first runs the
program. The second sleeps in the same world, and then in real time.

The tests judge the reason. Only ``--seconds 2`` judges how long it took, because a busy
machine is slow.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from concurrency_study import World, make_world

from .programs import PROGRAMS

BACKSTOP = 60
"""Real seconds after which a process is killed: its program hangs for real."""

TESTS = """

def test_the_program_ends(world):
    import json, os, time
    world.patience = float(os.environ["HANG_PATIENCE"])
    began, cpu = time.monotonic(), time.process_time()
    try:
        end = repr(world.run(program))
    except BaseException as error:
        lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
        end = " ".join(" ".join(lines).split())
    taken = time.monotonic() - began, time.process_time() - cpu
    with open(os.environ["HANG_END"], "w", encoding="utf-8") as file:
        json.dump([*taken, end], file)


def test_the_next_test_is_unharmed(world):
    import threading, time
    @world.job
    async def job(w):
        await w.sleep(10)
        return w.actor
    assert world.run(job) == "job()"
    assert world.returned_at == 10
    began = time.monotonic()
    time.sleep(0.01)
    assert 0.01 <= time.monotonic() - began < 5
    ended = threading.Thread(target=time.sleep, args=(0.01,))
    ended.start()
    ended.join(5)
    assert not ended.is_alive()
"""


@pytest.fixture
def most(request):
    """The option ``--seconds``. Without it, worlds wait for input only briefly."""
    return request.config.getoption("--seconds", None)


@pytest.fixture
def run(tmp_path, most):
    """Run the tests of a program; return seconds, CPU seconds, its end, the output."""

    def run(program):
        path, end = tmp_path / "test_one.py", tmp_path / "end.json"
        path.write_text(program.text + TESTS, encoding="utf-8")
        plugins = ("concurrency_study.plugin", "no:cacheprovider")
        command = [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "-s"),
            *(part for plugin in plugins for part in ("-p", plugin)),
            *("--rootdir", str(tmp_path), "--world", program.world, str(path)),
        ]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "HANG_END": str(end),
                "HANG_PATIENCE": "0.2" if most is None else str(World.patience),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            process.stdin, stdin = None, process.stdin  # open, and nothing to read
            said, _ = process.communicate(timeout=BACKSTOP)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            pytest.fail(f"still runs after {BACKSTOP} s: {program}\n{said[-3000:]}")
        finally:
            stdin.close()
        ended = json.loads(end.read_text("utf-8")) if end.exists() else None
        return ended, process.returncode, said

    return run


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_that_hangs_ends_with_a_reason(
    program, run, most, request, record_property
):
    try:
        make_world(program.world)
    except LookupError as error:
        pytest.skip(str(error))
    if program.fault:
        request.applymarker(pytest.mark.xfail(reason=program.fault))
    ended, code, said = run(program)
    assert ended, f"the process ended without a result: {code}\n{said[-3000:]}"
    seconds, _, end = ended
    record_property("hang", (round(seconds, 2), str(program), end))
    assert re.match(program.end, end), end
    assert code == 0, said[-3000:]
    assert most is None or seconds <= most
