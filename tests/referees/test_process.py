"""The process of the referee: start, end and 10,000 connections."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys

import pytest
from concurrency_study.referees.racer import Racer, running

COMMAND = [sys.executable, "-m", "concurrency_study.referees.racer"]


def limited(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Command:
    """The command as a user runs it."""

    def __init__(self, *arguments, limits=None):
        self.process = subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDEVMODE": "1"},  # reports unclosed sockets
            preexec_fn=limits and limited(*limits),
        )
        self.said = ""
        while "listening on " not in self.said:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.said += line
        self.racer = Racer(self.said.split()[-1])

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        said, complaints = self.process.communicate()
        return self.process.returncode, said, complaints


def test_the_counts_of_the_fixture_are_0(racer):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", racer.url)
    stats = racer.stats(settled=30)
    assert stats.settled
    assert list(stats.obstacles) == list(range(1, 12))
    assert all(tally.begun == 0 for tally in stats.obstacles.values())


def test_the_referee_ends_with_its_block(client_of):
    with running() as racer:
        call = client_of(racer).get("/1")
    assert call.everything() == b""
    call.close()
    with pytest.raises(ConnectionRefusedError):
        racer.stats()


def test_the_referee_ends_with_a_block_that_raises():
    with pytest.raises(ZeroDivisionError), running() as racer:
        raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        racer.stats()


def test_the_referee_ends_with_the_program_that_started_it(client_of):
    script = (
        "from concurrency_study.referees.racer import running\n"
        "with running() as racer:\n"
        "    print(racer.url, flush=True)\n"
        "    input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        racer = Racer(parent.stdout.readline().strip())
        call = client_of(racer).get("/1")
        racer.stats()
        parent.kill()
        # The connection ends only if the referee does.
        assert call.everything() == b""
        call.close()
    with pytest.raises(ConnectionRefusedError):
        racer.stats()


def test_ctrl_c_ends_the_tests_but_not_their_referee():
    script = (
        "import signal\n"
        "from concurrency_study.referees.racer import running\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "with running() as racer:\n"
        "    print(racer.url, flush=True)\n"
        "    input()\n"
        "    print(racer.stats().settled)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout.readline().startswith("http://")
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.communicate("end\n") == ("True\n", None)
    assert parent.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_quietly_with_connections_open(client_of, number):
    command = Command()
    client = client_of(command.racer)
    client.get("/1")
    client.call()
    assert command.racer.stats().obstacles[1].open == 1
    assert command.end(number) == (0, "", "")
    client.close()


def test_a_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--port", port], capture_output=True, text=True
        )
    assert done.returncode == 1
    assert done.stderr == f"cannot listen on port {port}: Address already in use\n"


@pytest.mark.parametrize(
    "wrong",
    [
        *(["--port", "-1"], ["--port", "65536"], ["--port", "x"], ["--unit", "0"]),
        *(["--unit", "nan"], ["--many", "0"], ["--framing", "none"], ["extra"]),
    ],
)
def test_a_wrong_option_is_an_error(wrong):
    done = subprocess.run([*COMMAND, *wrong], capture_output=True, text=True)
    assert done.returncode == 2
    assert wrong[-1] in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_option():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--port", "--unit", "--many", "--framing", "--until-eof"):
        assert option in done.stdout


def test_with_until_eof_the_referee_ends_with_its_input():
    command = [*COMMAND, "--port", "0", "--until-eof"]
    for end in ({"stdin": subprocess.DEVNULL}, {"input": "some\nlines\n"}):
        done = subprocess.run(command, **end, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("listening on ")


@pytest.mark.parametrize(
    ("many", "limit", "says"),
    [
        (
            *("10000", 500),
            "10100 files must be open at once, but the hard limit is 500: raise it "
            "(see ulimit -Hn), or race fewer than 10000 requests at obstacle 3 "
            "(--many)\n",
        ),
        (
            *("1", 100),
            "101 files must be open at once, but the hard limit is 100: raise it "
            "(see ulimit -Hn)\n",
        ),
    ],
)
def test_too_low_a_limit_of_open_files_is_an_error(many, limit, says):
    command = [*COMMAND, "--many", many]
    limits = limited(limit, limit)
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limits)
    assert (done.returncode, done.stderr) == (1, says)


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        (2000, "raised the limit of open files from 500 to 1100\n"),
        (700, "raised the limit of open files from 500 to 700\n"),
        (500, ""),
    ],
)
def test_a_low_limit_of_open_files_is_raised_if_possible(hard, said):
    command = Command("--many", "100", limits=(500, hard))
    assert command.said.startswith(f"{said}listening on ")
    assert command.end() == (0, "", "")


def test_without_h11_the_command_says_what_to_install():
    script = (
        "import runpy, sys\n"
        "sys.modules['h11'] = None\n"
        "sys.argv = ['racer']\n"
        "runpy.run_module('concurrency_study.referees.racer', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "pip install h11" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_fixture_reports_why_a_referee_does_not_start():
    with pytest.raises(RuntimeError, match=r"0 is not in 0\.001"), running(unit=0):
        pass


def test_connections_beyond_the_limit_wait_and_the_others_are_served(client_of):
    command = Command("--many", "1", limits=(1001, 1001))
    client = client_of(command.racer)
    calls = [client.call() for _ in range(1100)]
    client.close()
    assert command.racer.stats(settled=30).settled
    assert client.ask("/3") == (200, "right")
    status, _, complaints = command.end()
    assert (status, len(calls)) == (0, 1100)
    assert "Too many open files" in complaints


def need_files(number):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        if hard < number:
            pytest.skip(f"{number} open files are needed, and {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def test_10_000_connections_at_once_and_once_more(racer):
    need_files(10_200)
    port = int(racer.url.rpartition(":")[2])
    for number in (1, 2):
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for count in range(10_000):
                sock = stack.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", port))
                selector.register(sock, selectors.EVENT_WRITE)
                if count % 1000 == 999:
                    racer.stats()  # accepted after them: a port's queue is bounded
            answers = []
            while not answers:
                ready = selector.select(30)
                assert ready, "nothing happens"
                for key, event in ready:
                    if event & selectors.EVENT_WRITE:
                        key.fileobj.send(b"GET /3 HTTP/1.1\r\nHost: here\r\n\r\n")
                        selector.modify(key.fileobj, selectors.EVENT_READ)
                    else:
                        answers.append(key.fileobj.recv(1000))
            (answer,) = answers
            assert answer.endswith(b"\r\n\r\nright")
            assert racer.stats().obstacles[3].open == 9999
        stats = racer.stats(settled=30)
        assert stats.settled
        tally = stats.obstacles[3]
        assert (tally.begun, tally.right) == (number * 10_000, number)
        assert tally.dropped == number * 9999
