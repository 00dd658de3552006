"""Tests in a process that gevent has patched: test_gevent.py runs this file.

Here gevent patches last, after the worlds were loaded. If the process is patched before
pytest starts, gevent patches first.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import os
import queue
import select
import socket
import subprocess
import threading
import time
import urllib.request
import warnings
from http.server import ThreadingHTTPServer

import pytest
from concurrency_study import Deadlock, LostError, NotCovered, StillAlive, make_world
from concurrency_study.worlds.threads import patches
from gevent import monkey

from .answering import Answering

with warnings.catch_warnings(action="ignore"):  # to patch late has its dangers
    monkey.patch_all()

assert patches
LOCK = threading.Lock()


@pytest.fixture
def place():
    return make_world("gevent")


def test_sleeping_moves_all_clocks(place):
    def answer():
        begin, date = time.monotonic(), datetime.datetime.now()
        time.sleep(60)
        passed = datetime.datetime.now() - date
        return time.monotonic() - begin, passed.total_seconds()

    assert place.run(answer) == (60, 60)
    assert time.monotonic() != place.now()


def test_threads_are_greenlets_of_the_run(place):
    def answer():
        threads = [threading.Thread(target=time.sleep, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    place.run(answer)
    assert place.returned_at == 4


def test_timeouts_of_queue_event_condition_and_lock(place):
    def answer():
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=1)
        assert not threading.Event().wait(2)
        condition = threading.Condition()
        with condition:
            assert not condition.wait(4)
        with LOCK:
            assert not LOCK.acquire(timeout=8)

    place.run(answer)
    assert place.returned_at == 15


def test_a_timer_wakes_a_getter(place):
    def answer():
        items = queue.SimpleQueue()
        threading.Timer(3, items.put, ["an item"]).start()
        return items.get()

    assert place.run(answer) == "an item"
    assert place.returned_at == 3


def test_a_pool_of_the_standard_library(place):
    def answer():
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(time.sleep, [1, 2, 3]))
            late = pool.submit(time.sleep, 9)
            with pytest.raises(TimeoutError):
                late.result(timeout=1)

    place.run(answer)
    assert place.returned_at == 13


def test_timeouts_of_sockets(place):
    def answer():
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            one.listen()
            other.connect(one.getsockname())
            other.settimeout(2)
            assert select.select([other], [], [], 3) == ([], [], [])
            with pytest.raises(TimeoutError):
                other.recv(1)

    place.run(answer)
    assert place.returned_at == 5


class Slow(Answering):
    def wait(self):
        time.sleep(10)


def test_a_server_and_its_client_over_loopback(place):
    def answer():
        with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
            serving = threading.Thread(target=server.serve_forever)
            serving.start()
            url = f"http://127.0.0.1:{server.server_port}"
            with urllib.request.urlopen(url, timeout=60) as response:
                text = response.read()
            ended = time.monotonic()
            server.shutdown()
            serving.join()
        return text, ended

    assert place.run(answer) == (b"ok", 10)


def test_a_lock_taken_twice_is_a_deadlock(place):
    def answer():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    with pytest.raises(Deadlock, match="greenlet answer"):
        place.run(answer)


def test_a_thread_left_alive(place):
    def answer():
        threading.Thread(target=time.sleep, args=(100,)).start()

    with pytest.raises(StillAlive, match="sleep"):
        place.run(answer)
    place.run(answer, leftovers="allow")


def test_an_error_that_no_thread_takes(place):
    def answer():
        thread = threading.Thread(target={}.pop, args=("a key",))
        thread.start()
        thread.join()

    with pytest.raises(LostError, match="a key"):
        place.run(answer)


def test_polling_without_a_wait_is_refused(place):
    def answer():
        while True:
            time.sleep(0)

    with pytest.raises(NotCovered, match="polls"):
        place.run(answer)


@pytest.mark.parametrize("start", [lambda: subprocess.run(["true"]), lambda: os.fork()])
def test_processes_are_refused(place, start):
    with pytest.raises(NotCovered):
        place.run(start)


@pytest.mark.parametrize("name", ["threads", "asyncio"])
def test_other_worlds_are_refused(name):
    with pytest.raises(NotCovered, match="gevent has patched this process"):
        make_world(name).run(int)


def test_afterwards_time_is_real(place):
    place.run(time.sleep, 1000)
    assert subprocess.check_output(["echo", "one"]) == b"one\n"
    begin = time.monotonic()
    time.sleep(0.05)
    assert 0.05 <= time.monotonic() - begin < 100
