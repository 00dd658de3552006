"""The pool of the processes study in real time: what is killed, and what is left."""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path

import pytest
from concurrency_study.topics import TOPICS
from processes_study.pool import Pool, WorkerDied
from processes_study.use_cases.race import race
from processes_study.use_cases.results_at_end import results_at_end

KILLING = Path(__file__).with_name("killing.py")
ROUNDS = {"fork": 100, "forkserver": 5, "spawn": 3}


@pytest.fixture(autouse=True)
def nothing_is_left(abandoned):
    """Fail if a test leaves a process, a descriptor or a file in shared memory."""
    gc.collect()  # what earlier tests have left to it
    descriptors, files = len(os.listdir("/dev/fd")), abandoned()
    yield
    assert not multiprocessing.active_children()
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)
    assert len(os.listdir("/dev/fd")) <= descriptors
    limit = time.monotonic() + 10
    left = abandoned() - files
    while left and time.monotonic() < limit:
        time.sleep(0.01)  # another program makes a file before it maps it
        left &= abandoned()
    assert not left


def rounds(answer, start, tmp_path):
    """Kill a random worker in each of many calls, and return what became of them."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", KILLING),
            *(f"processes_study.use_cases.{answer}", start, str(ROUNDS[start])),
            tmp_path / "log",
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(each["killed"] for each in found) >= ROUNDS[start]
    assert not any(each["left"] for each in found)
    assert len({each["descriptors"] for each in found[1:]}) == 1
    return found


@pytest.mark.parametrize("start", ROUNDS)
def test_a_call_is_made_at_most_once_when_its_worker_is_killed(start, tmp_path):
    found = rounds("results_at_end", start, tmp_path)
    for each in found:
        assert max(each["begun"]) <= 1
        assert each["errors"] or each["begun"] == each["done"]
        if each["errors"]:
            assert set(each["errors"]) == {"WorkerDied"}
        else:
            assert each["results"] == [number**2 for number in range(12)]
            assert each["done"] == [1] * 12


@pytest.mark.parametrize("start", ROUNDS)
def test_a_call_is_made_at_least_once_when_its_worker_is_killed(start, tmp_path):
    for each in rounds("results_at_end_again", start, tmp_path):
        assert each["results"] == [number**2 for number in range(12)]
        assert min(each["done"]) >= 1
        assert sum(each["begun"]) <= 13


def spin(seconds):
    """Compute, without a wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_a_computation_is_cancelled():
    began = time.monotonic()
    with Pool(1) as pool:
        call = pool.submit(spin, 60)
        assert pool.next(0.2) is None
        pool.cancel(call)
        assert pool.next() is call
    assert call.obeyed
    assert time.monotonic() - began < 30


def test_a_call_that_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr("processes_study.pool.PATIENCE", 0.2)
    began = time.monotonic()

    def main():
        with Pool(1) as pool:
            pool.submit(deaf, 60)
            assert pool.next(0.5) is None
            raise KeyError

    with pytest.raises(BaseExceptionGroup) as raised:
        main()
    kinds = [type(error) for error in raised.value.exceptions]
    assert kinds == [KeyError, WorkerDied]
    assert time.monotonic() - began < 30


def deaf_for_long(begun):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begun.touch()
    spin(60)


def after(begun):
    while not begun.exists():
        time.sleep(0.01)


def test_a_loser_of_a_race_that_does_not_listen_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr("processes_study.pool.PATIENCE", 0.2)
    began, begun = time.monotonic(), tmp_path / "begun"
    assert race([partial(deaf_for_long, begun), partial(after, begun)]) is None
    assert time.monotonic() - began < 30


def leave_a_thread(seconds):
    threading.Thread(target=time.sleep, args=(seconds,)).start()


def test_a_process_that_a_thread_of_its_call_keeps_alive_is_killed(monkeypatch):
    monkeypatch.setattr("processes_study.pool.PATIENCE", 0.2)
    began = time.monotonic()
    assert results_at_end(leave_a_thread, [60, 60]) == [None, None]
    assert time.monotonic() - began < 30


def deaf_at_first(begun, asked):
    """Lose a SIGTERM, as a system call that has just begun may, then sleep."""
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begun.touch()
    while not asked.exists():
        time.sleep(0.01)
    signal.signal(signal.SIGTERM, handler)
    time.sleep(60)


def test_a_call_that_has_missed_its_signal_is_asked_again(tmp_path):
    begun, asked = tmp_path / "begun", tmp_path / "asked"
    began = time.monotonic()
    with Pool(1) as pool:
        call = pool.submit(deaf_at_first, begun, asked)
        while not begun.exists():
            assert pool.next(0.01) is None
        pool.cancel(call)
        asked.touch()
        assert pool.next() is call
    assert call.obeyed
    assert time.monotonic() - began < 30


def test_a_pool_that_is_killed_waits_for_no_cleanup_and_has_no_further_error():
    began = time.monotonic()

    def main():
        with Pool(2) as pool:
            calls = [pool.submit(deaf, 60) for _ in range(3)]
            assert pool.next(0.5) is None
            pool.kill()
            assert all(pool.next() in calls for _ in calls)
            assert all(call.obeyed for call in calls)
            raise KeyError

    with pytest.raises(KeyError):
        main()
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("error", [KeyboardInterrupt, CancelledError])
def test_a_signal_in_the_wait_at_the_end_of_a_block_reaches_the_caller(error):
    def raise_error(*_):
        raise error

    def main():
        with Pool(1) as pool:
            pool.submit(time.sleep, 60)
            signal.setitimer(signal.ITIMER_REAL, 0.3)

    before = signal.signal(signal.SIGALRM, raise_error)
    began = time.monotonic()
    try:
        with pytest.raises(error):
            main()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 30


class Late(Exception):
    """An error of a signal handler."""


def alarm_twice(caller):
    """Send the caller a signal in the call, and another one in its cleanup."""
    try:
        os.kill(caller, signal.SIGALRM)
        time.sleep(600)
    finally:
        os.kill(caller, signal.SIGALRM)
        time.sleep(600)


def test_a_second_error_of_a_signal_handler_kills_the_calls():
    def handler(*_):
        raise Late

    def main():
        with Pool(1) as pool:
            pool.submit(alarm_twice, os.getpid())
            pool.next()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(Late):
            main()
    finally:
        signal.signal(signal.SIGALRM, before)
    for process in multiprocessing.active_children():
        process.join(10)  # it may be dying
    gc.collect()  # an error in a cycle may keep the process, and so its descriptors


def deaf(seconds):
    """Sleep, and ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(seconds)


def test_a_closure_does_not_travel():
    number = 2
    with pytest.raises((AttributeError, pickle.PicklingError), match="<lambda>"):
        results_at_end(lambda item: item * number, [1, 2])


class Odd(Exception):
    """An error that is pickled, but cannot be made again from its arguments."""

    def __init__(self, one, two):
        super().__init__(one)


def raise_odd(_):
    raise Odd(1, 2)


def test_an_error_that_cannot_be_unpickled_fails_only_its_call():
    with Pool(1) as pool:
        odd, fine = pool.submit(raise_odd, 0), pool.submit(abs, -3)
        assert list(pool.as_ended()) == [odd, fine]
    assert isinstance(odd.error, TypeError)
    assert any("unpickled" in note for note in odd.error.__notes__)
    assert fine.result() == 3


def return_a_lambda(_):
    return lambda: None


def test_a_result_that_cannot_be_pickled_is_an_error_that_names_it():
    with Pool(1) as pool:
        call = pool.submit(return_a_lambda, 0)
        pool.next()
    assert any("lambda" in note for note in call.error.__notes__)


def raise_with_context(_):
    try:
        raise KeyError("inner")
    except KeyError:
        raise ValueError("outer")  # noqa: B904 - the context is the point


def test_an_error_keeps_its_context_and_tells_its_traceback():
    with pytest.raises(ValueError, match="outer") as raised:
        results_at_end(raise_with_context, [0])
    assert isinstance(raised.value.__context__, KeyError)
    assert "raise_with_context" in "".join(raised.value.__notes__)


def double(data):
    return data + data


def test_large_arguments_and_results_travel():
    data = b"x" * 50_000_000
    assert results_at_end(double, [data] * 2) == [data + data] * 2


SLEEPER = """
import os, sys, time
from processes_study import run
from processes_study.use_cases.race import race
from processes_study.use_cases.results_at_end import results_at_end

def sleep(number):
    try:
        os.write(1, f"{os.getpid()}\\n".encode())
        time.sleep(60)
    finally:
        os.write(1, b"clean\\n")

if __name__ == "__main__":
    import multiprocessing
    multiprocessing.set_start_method(sys.argv[1])
    run(results_at_end, sleep, [1, 2])
"""


def end(program, number, send):
    """Send a signal, until the program has ended; return what it printed.

    Python handles a signal that comes just before a system call only after it.
    """
    for _ in range(12):
        send(program.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return program.communicate(timeout=5)
    raise AssertionError("it does not end")


def is_alive(process):
    status = Path(f"/proc/{process}/status")
    with contextlib.suppress(OSError):
        return "State:\tZ" not in status.read_text("utf-8")
    return False


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole", [True, False], ids=["group", "parent"])
def test_ctrl_c_and_sigterm_reach_parent_and_workers(start, number, whole, tmp_path):
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER, "utf-8")
    with subprocess.Popen(
        [sys.executable, "-W", "error", script, start],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        workers = [int(program.stdout.readline()) for _ in range(2)]
        assert all(map(is_alive, workers))
        printed, errors = end(program, number, os.killpg if whole else os.kill)
    assert program.returncode
    assert printed.split() == ["clean", "clean"]
    expected = "KeyboardInterrupt" if number == signal.SIGINT else "CancelledError"
    assert errors.splitlines()[-1].endswith(expected)
    assert errors.count("Traceback") == 1
    assert not any(map(is_alive, workers))


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER.replace("sleep(60)", "sleep(1)"), "utf-8")
    with subprocess.Popen(
        [sys.executable, script, "fork"], stdout=subprocess.PIPE, text=True
    ) as program:
        workers = [int(program.stdout.readline()) for _ in range(2)]
        program.kill()
        assert program.stdout.read().split() == ["clean", "clean"]
    limit = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not any(map(is_alive, workers))


EVERY = """
import importlib, io, os, sys, time
from pathlib import Path
from concurrency_study.topics import Probe
from processes_study import run

def job(*_):
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(60)

if __name__ == "__main__":
    module, topic = sys.argv[1:]
    question = importlib.import_module(f"concurrency_study.topics.{topic}")
    answer = getattr(importlib.import_module(module), topic)
    run(answer, *question.probe(Probe(job, print, Path("/"), io.BytesIO())))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_every_answer(study, number, tmp_path):
    script = tmp_path / "every.py"
    script.write_text(EVERY, "utf-8")
    called = [
        answer
        for topic in TOPICS
        for answer in study.answers(topic)
        if answer.question.JOBS and "stopping the rest" not in answer.cannot
    ]
    assert len(called) > 7
    for answer in called:
        with subprocess.Popen(
            [sys.executable, "-W", "error", script, answer.module, answer.topic],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            jobs = answer.question.JOBS
            workers = [int(program.stdout.readline()) for _ in range(jobs)]
            printed, errors = end(program, number, os.kill)
        assert program.returncode, answer.module
        assert printed == "", answer.module
        assert errors.count("Traceback") == 1, errors
        assert not any(map(is_alive, workers)), answer.module
