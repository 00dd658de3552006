"""Do the obstacles give ``right``, and is nothing left when they return?

Seconds are short at the referee and, where an obstacle has seconds of its own, there.
"""

from __future__ import annotations

import gc
import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from concurrency_study.referees.racer import MANY, Racer, allow_open_files, running
from concurrency_study.topics.fetching import Exchange

UNIT = 0.05
"""Seconds that a second takes, where it may be short."""
FEW = 50
"""Requests that obstacle 3 waits for at the quick referee; the others come too late."""
PATIENCE = 30
"""Seconds that nothing here ever takes."""


@pytest.fixture(scope="module", params=["length", "chunked", "close", "mixed"])
def quick_referee(request):
    with running(unit=UNIT, many=FEW, framing=request.param) as racer:
        yield racer


@pytest.fixture
def quick(quick_referee):
    quick_referee.reset()
    return quick_referee


@pytest.fixture
def obstacles(study):
    return import_module(f"{study.package.__name__}.obstacles").OBSTACLES


@pytest.fixture
def command(study):
    """The start of a command that runs the course."""
    return [sys.executable, "-W", "error", "-m", f"{study.package.__name__}.obstacles"]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def suspended(study) -> list[object]:
    """Generators and coroutines of the study that wait for somebody to go on."""
    folder = str(Path(study.package.__file__).parent)
    found: list[object] = []
    for thing in gc.get_objects():
        if inspect.isgenerator(thing):
            waits = inspect.getgeneratorstate(thing) == inspect.GEN_SUSPENDED
            code = thing.gi_code
        elif inspect.iscoroutine(thing):
            waits = inspect.getcoroutinestate(thing) == inspect.CORO_SUSPENDED
            code = thing.cr_code
        else:
            continue
        if waits and code.co_filename.startswith(folder):
            found.append(thing)
    return found


@contextmanager
def nothing_is_left(study, racer: Racer, number: int, capfd):
    """Neither here nor at the referee; the tally of the obstacle."""
    obstacles = import_module(f"{study.package.__name__}.obstacles").OBSTACLES
    study.package.run(obstacles[0], racer.url)  # the first run may open for good
    racer.reset()
    gc.collect()
    threads, files = threading.enumerate(), descriptors()
    tally = []
    yield tally
    stats = racer.stats(settled=10)
    assert stats.settled, stats
    assert stats.malformed == 0
    tally.append(stats.obstacles[number])
    assert stats.obstacles[number].held == 0
    assert stats.obstacles[number].faults == []
    assert suspended(study) == []
    assert threading.enumerate() == threads
    gc.collect()  # what is closed by nobody else warns here, and that is an error
    assert descriptors() <= files
    assert capfd.readouterr().err == ""


def overcome(study, obstacle, url: str, second: float = 1) -> str:
    scaled = "second" in inspect.signature(obstacle).parameters
    return study.package.run(obstacle, url, *([second] if scaled else []))


EXPECTED = {  # begun, broken, dropped; the rest is answered
    1: (2, 0, 1),
    2: (2, 1, 0),
    4: (2, 0, 1),
    5: (2, 0, 0),
    6: (3, 0, 1),
    7: (2, 0, 1),
    8: (6, 0, 0),
    9: (10, 0, 0),
    11: (3, 2, 0),
}
"""What the referee counts at each; 8 is two users who open, use and close."""


def test_there_are_eleven_and_each_says_what_it_does(obstacles):
    assert [each.__name__ for each in obstacles] == [
        f"obstacle_{number}" for number in range(1, 12)
    ]
    assert all(each.__doc__ for each in obstacles)


@pytest.mark.parametrize("number", EXPECTED)
def test_the_obstacle_is_overcome_and_nothing_is_left(
    study, obstacles, number, quick, capfd
):
    with nothing_is_left(study, quick, number, capfd) as tallies:
        result = overcome(study, obstacles[number - 1], quick.url, UNIT)
        assert result == "right"
    (tally,) = tallies
    assert (tally.begun, tally.broken, tally.dropped) == EXPECTED[number]
    assert tally.rounds == tally.right == 1


def test_ten_thousand_race_and_nothing_is_left(study, obstacles, racer, capfd):
    assert not allow_open_files(MANY + 1000)
    capfd.readouterr()
    with nothing_is_left(study, racer, 3, capfd) as tallies:
        assert overcome(study, obstacles[2], racer.url) == "right"
    (tally,) = tallies
    assert (tally.begun, tally.answered, tally.dropped) == (MANY, 1, MANY - 1)


def test_the_load_is_high_as_long_as_it_should_and_nothing_is_left(
    study, obstacles, racer, capfd
):
    with nothing_is_left(study, racer, 10, capfd) as tallies:
        assert overcome(study, obstacles[9], racer.url) == "right"
    (tally,) = tallies
    assert (tally.right, tally.dropped, tally.broken) == (1, 0, 0)


# The command


def test_the_command_runs_what_it_is_told_with_a_referee_of_its_own(command):
    done = subprocess.run(
        [*command, "--only", "8", "1"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    table = re.findall(r"^ *(\d+)  .*right  +(.*)$", done.stdout, re.MULTILINE)
    assert table == [
        ("1", "2 requests, 1 answered, 1 dropped"),
        ("8", "6 requests, 6 answered"),
    ]
    assert "2 of 2 right" in done.stdout


def test_the_command_fails_if_something_is_not_right(command, racer):
    done = subprocess.run(
        [*command, f"{racer.url}/stats?x=", "--only", "2"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "2 x Loser: 400" in done.stdout
    assert "0 of 1 right" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["http://127.0.0.1:{port}"], 1, "nobody answers at http://127.0.0.1:{port}: "),
        (["here"], 2, "not an http address: 'here'"),
        (["--only", "12"], 2, "invalid choice: 12"),
    ],
)
def test_what_cannot_work_is_told_clearly(command, arguments, status, says):
    with socket.socket() as taken:  # and does not listen
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        arguments = [argument.format(port=port) for argument in arguments]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == status
    assert says.format(port=port) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_what_it_can_do(command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--only" in done.stdout


def test_ctrl_c_ends_the_command_and_its_referee(command):
    with subprocess.Popen(
        [*command, "--only", "7"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        racer = Racer(url)
        while not racer.stats().obstacles[7].open:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors.strip()) == (130, "interrupted")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(Exchange(url).address, timeout=PATIENCE)
