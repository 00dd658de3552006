"""The obstacles return ``right`` and leave nothing behind.

Seconds are short, but long enough to keep events in order on a busy machine: letters
arrive far apart (obstacle 9), and the client's seconds are longer than the referee's
(obstacle 7).
"""

from __future__ import annotations

import gc
import inspect
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from concurrency_study.referees.racer import (
    MANY,
    Racer,
    Tally,
    allow_open_files,
    running,
)
from concurrency_study.topics.fetching import Exchange
from concurrency_study.topics.fetching.course import RIGHT

UNIT = 0.2
"""Real seconds in a second of the quick referee."""
SECOND = 0.3
"""Real seconds in a second of a client of the quick referee."""
FEW = 50
"""Requests that obstacle 3 waits for at the quick referee; the rest come too late."""
PATIENCE = 300
"""Seconds; far more than anything here takes, even on a busy machine."""


@pytest.fixture(scope="module", params=["length", "chunked", "close"])
def quick_referee(request):
    with running(unit=UNIT, many=FEW, framing=request.param) as racer:
        yield racer


@pytest.fixture
def quick(quick_referee):
    quick_referee.reset()
    return quick_referee


@pytest.fixture
def course(obstacles, run, watch, capfd, caplog):
    return Course(obstacles, run, watch, capfd, caplog)


@pytest.fixture
def command(study, backend):
    """The start of a command that runs the course."""
    module = f"{study.package.__name__}.obstacles"
    told = ["--backend", backend] if backend else []
    return [sys.executable, "-W", "error", "-m", module, *told]


class Course:
    """Runs an obstacle and checks for leftovers: when it returns, and afterwards."""

    def __init__(self, obstacles, run, watch, capfd, caplog):
        self.obstacles = obstacles
        self.run = run
        self.watch = watch
        self.capfd = capfd
        self.caplog = caplog

    def overcome(self, number: int, racer: Racer, second: float = 1) -> Tally:
        """Expect `right` and no leftovers; return what the referee counted."""
        self.run(self.obstacles[0], racer.url)  # the first run may open files for good
        racer.reset()
        gc.collect()
        obstacle = self.obstacles[number - 1]
        scaled = "second" in inspect.signature(obstacle).parameters
        with self.watch.nothing_is_left():
            call = self.watch(obstacle)
            result = self.run(call, racer.url, *[second] * scaled)
            stats = racer.stats(settled=10)
            gc.collect()  # an unclosed socket warns here, and that is an error
        assert result == RIGHT
        tally = stats.obstacles[number]
        assert stats.settled, stats
        assert (stats.malformed, tally.held, tally.faults) == (0, 0, [])
        assert self.capfd.readouterr().err == ""
        assert [record.getMessage() for record in self.caplog.records] == []
        return tally


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
"""The referee's counts at each; at 8 two users open, use and close."""


def test_there_are_eleven_obstacles_each_with_a_docstring(obstacles):
    assert [each.__name__ for each in obstacles] == [
        f"obstacle_{number}" for number in range(1, 12)
    ]
    assert all(each.__doc__ for each in obstacles)


@pytest.mark.parametrize("number", EXPECTED)
def test_the_obstacle_is_overcome_and_nothing_is_left(course, number, quick):
    tally = course.overcome(number, quick, SECOND)
    assert (tally.begun, tally.broken, tally.dropped) == EXPECTED[number]
    assert tally.rounds == tally.right == 1


def test_ten_thousand_race_and_nothing_is_left(course, racer):
    assert not allow_open_files(MANY + 1000)
    course.capfd.readouterr()
    tally = course.overcome(3, racer)
    assert (tally.begun, tally.answered, tally.dropped) == (MANY, 1, MANY - 1)


def test_the_load_is_high_while_it_should_be_and_nothing_is_left(course, racer):
    tally = course.overcome(10, racer)
    assert (tally.right, tally.dropped, tally.broken) == (1, 0, 0)


# The command


def interrupted(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and expect the command to end with one word."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors.strip()) == (130, "interrupted")


@contextmanager
def asked(racer: Racer, page: str) -> Iterator[HTTPConnection]:
    """Open a connection and send a request for a page."""
    with closing(HTTPConnection(urlsplit(racer.url).netloc, timeout=PATIENCE)) as ours:
        ours.request("GET", page)
        yield ours


def started(command: list[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def test_the_command_runs_the_chosen_obstacles_with_its_own_referee(command):
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


def test_the_command_fails_if_an_obstacle_is_not_right(command, racer):
    done = subprocess.run(
        [*command, f"{racer.url}/stats?x=", "--only", "2"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "2 x Loser: 400" in done.stdout
    assert "0 of 1 right" in done.stdout
    assert done.stderr == ""


def test_a_connection_that_breaks_while_it_is_held_ends_the_burning(command, racer):
    with started([*command, racer.url, "--only", "10"]) as process:
        while not racer.stats().obstacles[10].open:
            assert process.poll() is None
        racer.reset()
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert re.search(r"ConnectionResetError|BrokenResourceError|Broken", said), said
    assert "Cancelled" not in said
    assert racer.stats(settled=PATIENCE).settled


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (
            *(["http://127.0.0.1:{port}"], 1),
            "no server answers at http://127.0.0.1:{port}: Connection refused",
        ),
        (["here"], 2, "not an http address: 'here'"),
        (["http://here\t/"], 2, "'\\t' at position 11 must be percent-encoded"),
        (["http://me:secret@here"], 2, "a user name or password is not sent"),
        (["http://here/#page"], 2, "a base URL cannot have a fragment (#)"),
        (["--only", "12"], 2, "invalid choice: 12"),
    ],
)
def test_a_wrong_argument_is_explained(command, arguments, status, says):
    with socket.socket() as taken:  # it does not listen
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        arguments = [argument.format(port=port) for argument in arguments]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == status
    assert says.format(port=port) in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_options(command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--only" in done.stdout


def test_ctrl_c_ends_the_command_and_its_referee(command):
    with started([*command, "--only", "7"]) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        racer = Racer(url)
        while not racer.stats().obstacles[7].open:
            assert process.poll() is None
        interrupted(process)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(Exchange(url).address, timeout=PATIENCE)


def test_ctrl_c_during_a_use_closes_the_resource(command, racer):
    # This test is the first user. Until it closes, no other use is answered.
    with asked(racer, "/8?open") as opening:
        ours = opening.getresponse().read().decode()
    theirs = [*command, racer.url, "--only", "8"]
    with asked(racer, f"/8?use={ours}"), started(theirs) as process:
        while racer.stats().obstacles[8].open < 2:
            assert process.poll() is None
        interrupted(process)
    tally = racer.stats(settled=PATIENCE).obstacles[8]
    assert (tally.held, tally.dropped, tally.faults) == (1, 2, [])
