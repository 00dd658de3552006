"""The threads world: exact waits, no thread left behind, no error lost."""

import ast
import asyncio
import concurrent.futures.thread
import contextlib
import datetime
import gc
import importlib
import os
import queue
import re
import select
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from time import sleep
from types import SimpleNamespace

import pytest
from concurrency_study.collector import parsed
from concurrency_study.world import Deadlock, LostError, NotCovered, StillAlive
from concurrency_study.world.schedules.code import Access
from concurrency_study.world.waits import waits_at
from concurrency_study.worlds.threads import ThreadsWorld, machine, patches
from concurrency_study.worlds.threads.spins import loop_that_looks


def run(function, *args, seed=None):
    """Run a function. Return its value and the instant at which it returned."""
    world = ThreadsWorld(seed=seed)
    value = world.run(function, *args)
    return value, world.returned_at


@contextlib.contextmanager
def started(*targets):
    """Start threads, run the block, and join the threads."""
    workers = [threading.Thread(target=target) for target in targets]
    for worker in workers:
        worker.start()
    yield workers
    for worker in workers:
        worker.join()


def after(seconds, function, *args):
    def late():
        time.sleep(seconds)
        function(*args)

    return late


# Time


def test_sleeps_add_up_exactly():
    def answer():
        for _ in range(1000):
            time.sleep(0.1)

    assert run(answer) == (None, 100.0)


def test_an_hour_takes_no_real_time_and_every_clock_shows_it():
    def answer():
        clocks = time.monotonic, time.perf_counter, time.time
        fine = time.monotonic_ns, time.perf_counter_ns, time.time_ns
        before = [clock() for clock in clocks + fine]
        time.sleep(3600.25)
        return [clock() - b for clock, b in zip(clocks + fine, before, strict=True)]

    hour = 3600.25
    assert run(answer)[0] == [hour] * 3 + [hour * 1e9] * 3


def test_names_imported_before_the_run_are_virtual():
    def answer():
        sleep(7)
        lock = Lock()
        with lock, started(after(1, lock.release)):
            lock.acquire()

    assert run(answer) == (None, 8.0)


def test_a_clock_read_often_stays_exact():
    def answer():
        for _ in range(20_000):
            time.monotonic()
        began = time.perf_counter()
        time.sleep(1)
        return time.perf_counter() - began

    assert run(answer) == (1.0, 1.0)


def test_a_sleep_must_not_be_negative():
    with pytest.raises(ValueError, match="non-negative"):
        run(time.sleep, -1)


def test_a_sleep_of_zero_runs_the_other_threads_first():
    def answer():
        said = []

        def take_turns(name):
            time.sleep(1)
            for _ in range(3):
                said.append(name)
                time.sleep(0)

        with started(lambda: take_turns("a"), lambda: take_turns("b")):
            pass
        return "".join(said)

    assert run(answer) == ("ababab", 1.0)


# Threads


def test_threads_run_side_by_side():
    def answer():
        said = []

        def go(n):
            time.sleep(n)
            said.append((time.monotonic(), n))

        with started(*(lambda n=n: go(n) for n in (3, 1, 2))):
            pass
        return said

    assert run(answer) == ([(1, 1), (2, 2), (3, 3)], 3.0)


def test_two_thousand_threads_run_concurrently():
    def answer():
        with started(*[lambda: time.sleep(5)] * 2000):
            return threading.active_count() - 2000

    assert run(answer) == (threading.active_count(), 5.0)


def test_join_with_a_timeout():
    def answer():
        with started(lambda: time.sleep(3)) as (worker,):
            worker.join(1)
            seen = [(time.monotonic(), worker.is_alive())]
            worker.join(0)
            worker.join(-1)
            worker.join(5)
            return [*seen, (time.monotonic(), worker.is_alive())]

    assert run(answer) == ([(1, True), (3, False)], 3.0)


def test_many_threads_may_join_one():
    def answer():
        worker = threading.Thread(target=time.sleep, args=(2,))
        worker.start()
        seen = []

        def join():
            worker.join()
            seen.append((time.monotonic(), worker.is_alive()))

        with started(join, join, join):
            pass
        return seen

    assert run(answer)[0] == [(2, False)] * 3


def test_joining_itself_or_an_unstarted_thread_is_an_error():
    def answer():
        with pytest.raises(RuntimeError, match="before it is started"):
            threading.Thread().join()
        with pytest.raises(RuntimeError, match="current thread"):
            threading.current_thread().join()

    run(answer)


def test_a_thread_made_before_the_run_may_be_started_in_it():
    worker = threading.Thread(target=lambda: time.sleep(4))

    def answer():
        worker.start()
        worker.join()

    assert run(answer) == (None, 4.0)
    assert not worker.is_alive()
    worker.join()


def test_names_idents_daemons_and_enumerate_are_those_of_threading():
    def answer():
        seen = []

        def notice():
            seen.append(threading.current_thread())
            time.sleep(1)

        worker = threading.Thread(target=notice, name="Ada", daemon=True)
        assert "initial" in repr(worker)
        worker.start()
        assert "started" in repr(worker)
        everybody = threading.enumerate()
        worker.join()
        assert "stopped" in repr(worker)
        assert seen == [worker]
        assert worker in everybody
        assert worker.ident != threading.get_ident()
        return everybody, threading.main_thread()

    everybody, main = run(answer)[0]
    assert main in everybody


def test_thread_locals_are_per_thread():
    def answer():
        mine = threading.local()
        mine.x = "main"
        with started(lambda: setattr(mine, "x", "other")):
            pass
        return mine.x

    assert run(answer)[0] == "main"


def test_a_timer_fires_unless_cancelled():
    def answer():
        said = []
        fires = threading.Timer(3, lambda: said.append(time.monotonic()))
        cancelled = threading.Timer(3.5, said.append, ["never"])
        fires.start()
        cancelled.start()
        time.sleep(2)
        cancelled.cancel()
        cancelled.join()
        said.append(time.monotonic())
        fires.join()
        return said

    assert run(answer) == ([2, 3], 3.0)


# Locks and such


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_a_thread_waits_for_a_lock(kind):
    def answer():
        lock = getattr(threading, kind)()
        seen = []

        def hold():
            with lock:
                time.sleep(3)

        with started(hold):
            assert not lock.acquire(blocking=False)
            assert not lock.acquire(timeout=0)
            assert not lock.acquire(timeout=1)
            seen.append(time.monotonic())
            with lock:
                seen.append(time.monotonic())
        return seen

    assert run(answer) == ([1, 3], 3.0)


def test_a_lock_is_handed_over_in_order_of_arrival():
    def answer():
        lock, said = threading.Lock(), []

        def go(name):
            with lock:
                said.append((time.monotonic(), name))
                time.sleep(1)

        with started(*(lambda n=n: go(n) for n in "abc")):
            pass
        return said

    assert run(answer) == ([(0, "a"), (1, "b"), (2, "c")], 3.0)


def test_a_lock_raises_the_same_errors_as_a_real_one():
    def answer():
        lock = threading.Lock()
        with pytest.raises(RuntimeError):
            lock.release()
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(False, 1)
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(timeout=-2)
        with pytest.raises(OverflowError):
            lock.acquire(timeout=1e100)
        again = threading.RLock()
        with pytest.raises(RuntimeError):
            again.release()
        with again, again:
            assert not lock.locked()

    run(answer)


def test_a_condition_with_and_without_timeout():
    def answer():
        ready, seen = threading.Condition(), []
        box = []

        def put():
            with ready:
                box.append(1)
                ready.notify()

        with started(after(2, put), after(5, put)), ready:
            seen.append((ready.wait(1), time.monotonic()))
            seen.append((ready.wait(), time.monotonic()))
            seen.append((ready.wait_for(lambda: len(box) > 1, 1), time.monotonic()))
            seen.append((ready.wait_for(lambda: len(box) > 1, 9), time.monotonic()))
        return seen

    assert run(answer)[0] == [(False, 1), (True, 2), (False, 3), (True, 5)]


def test_notify_all_wakes_all_at_that_instant():
    def answer():
        ready, seen = threading.Condition(), []

        def await_it():
            with ready:
                ready.wait()
                seen.append(time.monotonic())

        def tell():
            with ready:
                ready.notify_all()

        with started(await_it, await_it, await_it, after(4, tell)):
            pass
        return seen

    assert run(answer)[0] == [4, 4, 4]


def test_an_event_with_and_without_timeout():
    def answer():
        event = threading.Event()
        with started(after(3, event.set)):
            seen = [(event.wait(0), time.monotonic())]
            seen.append((event.wait(1), time.monotonic()))
            seen.append((event.wait(), time.monotonic()))
        return seen

    assert run(answer)[0] == [(False, 0), (False, 1), (True, 3)]


def test_an_event_made_before_the_run_works():
    event = threading.Event()
    world = ThreadsWorld()
    world.at(2, event.set)
    world.run(event.wait)
    assert world.returned_at == 2


@pytest.mark.parametrize("kind", ["Semaphore", "BoundedSemaphore"])
def test_a_semaphore_limits_concurrency(kind):
    def answer():
        places, seen = getattr(threading, kind)(2), []

        def go():
            with places:
                seen.append(time.monotonic())
                time.sleep(1)

        with started(go, go, go, go, go):
            assert not places.acquire(blocking=False)
            assert not places.acquire(timeout=0.5)
            assert time.monotonic() == 0.5
        return seen

    assert run(answer) == ([0, 0, 1, 1, 2], 3.0)


def test_releasing_a_bounded_semaphore_too_often_is_an_error():
    def answer():
        threading.BoundedSemaphore().release()

    with pytest.raises(ValueError, match="too many"):
        run(answer)


def test_timeouts_without_an_exact_binary_fraction_are_exact():
    def answer():
        places = threading.Semaphore(0)
        time.sleep(0.1)
        for _ in range(10):
            assert not places.acquire(timeout=0.3)
        return time.monotonic()

    assert run(answer) == (pytest.approx(3.1), 3.1)


def test_a_barrier_releases_all_threads_and_can_break():
    def answer():
        barrier, seen = threading.Barrier(3), []

        def come(late):
            time.sleep(late)
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(10)
                seen.append(time.monotonic())

        with started(*(lambda n=n: come(n) for n in (1, 2, 3))):
            pass
        with pytest.raises(threading.BrokenBarrierError):
            barrier.wait(2)
        return seen, barrier.broken

    assert run(answer) == (([3, 3, 3], True), 5.0)


# Queues


@pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"])
def test_get_waits_for_put(kind):
    def answer():
        items = getattr(queue, kind)()
        with started(after(2, items.put, 7)):
            with pytest.raises(queue.Empty):
                items.get_nowait()
            with pytest.raises(queue.Empty):
                items.get(timeout=0.5)
            seen = [time.monotonic()]
            return [*seen, items.get(timeout=9), time.monotonic()]

    assert run(answer) == ([0.5, 7, 2], 2.0)


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("Queue", [2, 3, 1]),
        ("LifoQueue", [1, 3, 2]),
        ("PriorityQueue", [1, 2, 3]),
        ("SimpleQueue", [2, 3, 1]),
    ],
)
def test_queues_keep_their_order(kind, order):
    def answer():
        items = getattr(queue, kind)()
        for item in (2, 3, 1):
            items.put(item)
        return [items.get() for _ in range(3)]

    assert run(answer)[0] == order


def test_put_waits_for_room():
    def answer():
        items, seen = queue.Queue(1), []
        items.put(1)
        with started(after(2, items.get)):
            with pytest.raises(queue.Full):
                items.put_nowait(2)
            with pytest.raises(queue.Full):
                items.put(2, timeout=1)
            seen.append(time.monotonic())
            items.put(2)
            seen.append(time.monotonic())
        return seen

    assert run(answer)[0] == [1, 2]


def test_queue_join_waits_until_all_is_done():
    def answer():
        items = queue.Queue()

        def work():
            for _ in range(3):
                items.get()
                time.sleep(1)
                items.task_done()

        with started(work):
            for n in range(3):
                items.put(n)
            items.join()
            return time.monotonic()

    assert run(answer) == (3, 3.0)


def test_queue_shutdown_wakes_the_waiters():
    if sys.version_info < (3, 13):  # Queue.shutdown is new in Python 3.13
        assert not hasattr(queue.Queue, "shutdown")
        return

    def answer():
        items = queue.Queue()
        with started(after(2, items.shutdown)):
            with pytest.raises(queue.ShutDown):
                items.get()
            return time.monotonic()

    assert run(answer) == (2, 2.0)


# Pools and futures


def identity_after(seconds):
    time.sleep(seconds)
    return seconds


def failing_after(seconds):
    time.sleep(seconds)
    raise LookupError(seconds)


def test_ten_thousand_jobs_in_a_pool():
    def answer():
        with ThreadPoolExecutor(32) as pool:
            return sum(pool.map(identity_after, [1] * 10_000))

    assert run(answer) == (10_000, 313.0)


def test_a_future_gives_its_result_error_and_timeout():
    def answer():
        with ThreadPoolExecutor() as pool:
            good = pool.submit(identity_after, 2)
            bad = pool.submit(failing_after, 3)
            with pytest.raises(TimeoutError):
                good.result(timeout=1)
            assert (good.result(), time.monotonic()) == (2, 2)
            assert isinstance(bad.exception(), LookupError)
            assert time.monotonic() == 3
            with pytest.raises(LookupError):
                bad.result()
            with pytest.raises(InvalidStateError):
                good.set_result(0)

    run(answer)


def test_as_completed_is_in_order_of_completion():
    def answer():
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(identity_after, n) for n in (3, 1, 2)]
            return [(f.result(), time.monotonic()) for f in as_completed(futures)]

    assert run(answer) == ([(1, 1), (2, 2), (3, 3)], 3.0)


def test_as_completed_with_a_timeout():
    def answer():
        seen = []
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(identity_after, n) for n in (1, 5)]
            results = as_completed(futures, timeout=2)
            seen.append(next(results).result())
            with pytest.raises(TimeoutError):
                next(results)
            seen.append(round(time.monotonic(), 9))
        return seen

    assert run(answer) == ([1, 2], 5.0)


@pytest.mark.parametrize(
    ("mode", "instant", "done"),
    [(FIRST_COMPLETED, 1, 1), (FIRST_EXCEPTION, 2, 2), (ALL_COMPLETED, 4, 3)],
)
def test_wait_for_futures_in_all_modes(mode, instant, done):
    def answer():
        with ThreadPoolExecutor() as pool:
            futures = [
                pool.submit(identity_after, 1),
                pool.submit(failing_after, 2),
                pool.submit(identity_after, 4),
            ]
            result = wait(futures, return_when=mode)
            return time.monotonic(), len(result.done)

    assert run(answer) == ((instant, done), 4.0)


def test_wait_for_futures_with_a_timeout():
    def answer():
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(identity_after, n) for n in (1, 2, 5)]
            result = wait(futures, timeout=3)
            return time.monotonic(), len(result.done), len(result.not_done)

    assert run(answer) == ((3, 2, 1), 5.0)


def test_map_with_a_timeout():
    def answer():
        with ThreadPoolExecutor() as pool:
            results = pool.map(identity_after, [1, 5], timeout=2)
            assert next(results) == 1
            with pytest.raises(TimeoutError):
                next(results)
            return time.monotonic()

    assert run(answer) == (2, 5.0)


def test_shutdown_cancels_calls_that_have_not_started():
    def answer():
        pool = ThreadPoolExecutor(1)
        first, second = pool.submit(identity_after, 2), pool.submit(identity_after, 2)
        pool.shutdown(cancel_futures=True)
        with pytest.raises(CancelledError):
            second.result()
        with pytest.raises(RuntimeError):
            pool.submit(int)
        return first.result()

    assert run(answer) == (2, 2.0)


def test_a_pool_in_a_pool():
    def inner(n):
        with ThreadPoolExecutor() as pool:
            return list(pool.map(identity_after, [n, n + 1]))

    def answer():
        with ThreadPoolExecutor() as pool:
            return list(pool.map(inner, [1, 2]))

    assert run(answer) == ([[1, 2], [2, 3]], 3.0)


def test_callbacks_of_a_future_run():
    def answer():
        said = []
        with ThreadPoolExecutor() as pool:
            future = pool.submit(identity_after, 2)
            future.add_done_callback(lambda f: said.append(time.monotonic()))
        return said

    assert run(answer)[0] == [2]


# Descriptors


def test_a_source_waits_in_virtual_time(pipe):
    world = ThreadsWorld()
    source = world.source(pipe[0])
    world.at(2, os.write, pipe[1], b"one\ntw")
    world.at(3, os.write, pipe[1], b"o\n")
    world.at(5, os.close, pipe[1])

    def answer():
        with source:
            return [(time.monotonic(), line) for line in source]

    assert world.run(answer) == [(2, b"one\n"), (3, b"two\n")]
    assert world.returned_at == 5


def test_a_source_does_not_block_other_threads(pipe):
    world = ThreadsWorld()
    ticks = []

    def tick():
        for _ in range(3):
            time.sleep(1)
            ticks.append(time.monotonic())
        os.close(pipe[1])

    def answer():
        with world.source(pipe[0]) as source, started(tick):
            return source.read(), source.fileno()

    assert world.run(answer) == (b"", pipe[0])
    assert ticks == [1, 2, 3]


def test_available_input_comes_before_a_jump_in_time(pipe):
    world = ThreadsWorld()
    os.write(pipe[1], b"now\n")

    def answer():
        with world.source(pipe[0]) as source, started(lambda: time.sleep(9)):
            return source.readline(), time.monotonic()

    assert world.run(answer) == (b"now\n", 0)


def test_the_world_waits_for_input_from_outside_in_real_time(pipe):
    world = ThreadsWorld()
    with subprocess.Popen(
        [sys.executable, "-c", "print('hello')"], stdout=pipe[1]
    ) as process:
        os.close(pipe[1])
        with world.source(pipe[0]) as source:
            assert world.run(source.read) == b"hello\n"
        process.wait()
    assert world.now() == 0


def test_a_regular_file_is_always_ready():
    world = ThreadsWorld()
    with tempfile.TemporaryFile() as file:
        file.write(b"text")
        file.seek(0)
        with world.source(os.dup(file.fileno())) as source:
            assert world.run(source.read) == b"text"


def test_os_read_and_write_wait(pipe):
    def answer():
        big = b"x" * 300_000
        got = []

        def read():
            while data := os.read(pipe[0], 65536):
                got.append(len(data))
                time.sleep(1)

        with started(read):
            time.sleep(1)
            assert os.write(pipe[1], big) == len(big)
            os.close(pipe[1])
        return sum(got)

    assert run(answer)[0] == 300_000


SELECTORS = [
    name
    for name in ("DefaultSelector", "SelectSelector", "PollSelector", "EpollSelector")
    if hasattr(selectors, name)
]


@pytest.mark.parametrize("kind", SELECTORS)
def test_a_selector_waits_for_time_and_for_bytes(kind):
    def answer():
        here, there = socket.socketpair()
        with getattr(selectors, kind)() as selector, here, there:
            here.setblocking(False)
            selector.register(here, selectors.EVENT_READ, "here")
            seen = []

            def select_(timeout):
                ready = [key.data for key, _ in selector.select(timeout)]
                seen.append((time.monotonic(), ready))

            with started(after(1.0005, there.send, b"!")):
                select_(0)
                select_(0.0003)
                select_(5)
                here.recv(1)
                select_(0.1)
            selector.unregister(here)
            select_(1)
            return [(round(at, 9), ready) for at, ready in seen]

    assert run(answer)[0] == [
        (0, []),
        (0.0003, []),
        (1.0005, ["here"]),
        (1.1005, []),
        (2.1005, []),
    ]


def test_epoll_refuses_regular_files():
    def answer():
        with selectors.EpollSelector() as selector, tempfile.TemporaryFile() as file:
            selector.register(file, selectors.EVENT_READ)

    if hasattr(select, "epoll"):
        with pytest.raises(PermissionError):
            run(answer)
    else:
        assert not hasattr(selectors, "EpollSelector")


def test_select_poll_and_epoll_themselves_wait(pipe):
    def answer():
        seen = []
        assert select.select([pipe[0]], [pipe[1]], []) == ([], [pipe[1]], [])
        assert select.select([pipe[0]], [], [], 1) == ([], [], [])
        assert select.select([], [], [], 1) == ([], [], [])
        poll = select.poll()
        poll.register(pipe[0], select.POLLIN)
        assert poll.poll(500) == []
        with started(after(1, os.write, pipe[1], b"x")):
            seen.append((poll.poll(), time.monotonic()))
        if hasattr(select, "epoll"):
            os.read(pipe[0], 1)
            with select.epoll() as epoll:
                epoll.register(pipe[0], select.EPOLLIN)
                assert epoll.poll(0.5) == []
                with started(after(1, os.write, pipe[1], b"x")):
                    seen.append((epoll.poll(9), time.monotonic()))
        return seen

    woken = [(pipe[0], select.POLLIN)]
    assert run(answer)[0] == [(woken, 3.5), (woken, 5)][: 1 + hasattr(select, "epoll")]


def test_sockets_wait():
    def answer():
        seen = []

        def serve(listener):
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as file:
                for line in file:
                    time.sleep(2)
                    file.write(line.upper())
                    file.flush()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
            with started(lambda: serve(listener)):
                time.sleep(1)
                with socket.create_connection(address) as client:
                    client.sendall(b"hello\n")
                    client.settimeout(0.5)
                    with pytest.raises(TimeoutError):
                        client.recv(9)
                    client.settimeout(None)
                    seen.append((client.recv(9), time.monotonic()))
        return seen

    assert run(answer) == ([(b"HELLO\n", 3)], 3.0)


def test_sendall_waits_for_room():
    def answer():
        here, there = socket.socketpair()
        got = []

        def receive():
            while data := there.recv(1 << 16):
                got.append(len(data))
                time.sleep(1)

        with started(receive):
            here.sendall(b"x" * 2_000_000)
            here.close()
        there.close()
        return sum(got)

    assert run(answer)[0] == 2_000_000


def test_a_closed_socket_raises():
    def answer():
        here, there = socket.socketpair()
        with here, there:
            with started(after(1, here.shutdown, socket.SHUT_RDWR)):
                assert there.recv(1) == b""
            here.close()
            with pytest.raises(OSError, match="descriptor"):
                here.recv(1)

    assert run(answer) == (None, 1.0)


def test_a_refused_connection_raises():
    def answer():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    run(answer)


def test_an_asyncio_event_loop_runs_in_the_world():
    async def main():
        naps = (asyncio.to_thread(time.sleep, n) for n in (1, 2, 3))
        await asyncio.gather(asyncio.sleep(1.5), *naps)
        return asyncio.get_running_loop().time()

    for seed in (None, 1, 2, 3):
        at = pytest.approx(3)
        assert run(lambda: asyncio.run(main()), seed=seed) == (at, 3.0)


# Errors


def test_an_error_in_a_thread_is_not_lost():
    def answer():
        with started(lambda: failing_after(1)):
            pass

    with pytest.raises(LostError, match="LookupError") as caught:
        run(answer)
    assert isinstance(caught.value.__cause__, LookupError)


def test_system_exit_ends_a_thread_quietly():
    def answer():
        with started(lambda: sys.exit(1)):
            pass

    run(answer)


@pytest.mark.parametrize("daemon", [False, True])
def test_a_thread_that_outlives_the_call_is_named_and_ended(daemon):
    cleaned = []

    def straggle():
        try:
            time.sleep(100)
        finally:
            cleaned.append(time.monotonic())

    def answer():
        threading.Thread(target=straggle, name="straggler", daemon=daemon).start()
        time.sleep(1)

    before = threading.enumerate()
    with pytest.raises(StillAlive, match=r"ended at 1 s.*\n.*thread straggler was"):
        run(answer)
    assert cleaned == [1]
    assert threading.enumerate() == before


def test_a_pool_that_was_not_shut_down_is_alive():
    def answer():
        pool = ThreadPoolExecutor(1, thread_name_prefix="idle")
        return pool.submit(int)

    with pytest.raises(StillAlive, match="thread idle_0 was alive"):
        run(answer)
    gc.collect()


def test_jobs_that_have_not_started_do_not_start_after_the_end():
    begun = []

    def answer():
        pool = ThreadPoolExecutor(1)
        for n in range(10):
            pool.submit(lambda n=n: (begun.append(n), time.sleep(1)))

    with pytest.raises(StillAlive):
        run(answer)
    assert begun == [0]


def test_a_deadlock_names_each_waiter_its_wait_and_its_line():
    def answer():
        a, b = threading.Lock(), threading.Lock()

        def other():
            with b:
                time.sleep(1)
                a.acquire()

        threading.Thread(target=other, name="other").start()
        threading.Thread(target=queue.Queue().get, name="getter").start()
        with a:
            time.sleep(1)
            b.acquire()

    with pytest.raises(Deadlock) as caught:
        run(answer)
    main, other, getter = caught.value.waiters
    assert main.startswith("thread main: test_threads.py:")
    assert main.endswith(": b.acquire() (held by thread other)")
    assert other.startswith("thread other: test_threads.py:")
    assert other.endswith(": a.acquire() (held by thread main)")
    assert getter.startswith("thread getter: queue.py:")


def test_a_deadlock_unwinds_every_thread():
    unwound = []

    def answer():
        def wait_for_ever():
            try:
                threading.Event().wait()
            finally:
                unwound.append(threading.current_thread().name)

        with ThreadPoolExecutor(2, "pool") as pool:
            pool.submit(wait_for_ever)
            wait_for_ever()

    before = threading.enumerate()
    with pytest.raises(Deadlock, match=r"in Event\.wait"):
        run(answer)
    assert unwound == ["MainThread", "pool_0"]
    assert threading.enumerate() == before


def test_a_deadlock_is_found_only_after_the_last_timer():
    world = ThreadsWorld()
    world.at(7, lambda: None)
    with pytest.raises(Deadlock):
        world.run(lambda: threading.Event().wait())
    assert world.now() == 7


def test_waiting_for_bytes_that_never_arrive_is_a_deadlock(pipe, monkeypatch):
    monkeypatch.setattr(ThreadsWorld, "patience", 0.01)
    with pytest.raises(Deadlock, match=r"os\.read"):
        run(lambda: os.read(pipe[0], 1))


def test_polling_ends_when_the_time_comes():
    def answer():
        done = threading.Event()
        items = queue.Queue()

        def work():
            time.sleep(1)
            items.put(1)
            done.set()

        with started(work):
            while items.empty():
                time.sleep(0)
            return time.monotonic()

    assert run(answer) == (1, 1.0)


@pytest.mark.parametrize(
    "kind", ["clock", "lock", "queue", "sleep", "select", "future"]
)
def test_polling_for_ever_is_an_error(kind, monkeypatch):
    monkeypatch.setattr(machine, "SPIN", 0.05)

    def answer():
        items, event, future = queue.Queue(), threading.Event(), Future()
        threading.Thread(target=event.wait).start()
        looks = {
            "clock": lambda: time.perf_counter() > 5,
            "lock": lambda: event.wait(0),
            "queue": lambda: not items.empty(),
            "sleep": lambda: sleep(0),
            "select": lambda: select.select([], [], [], 0)[0],
            "future": lambda: future.done(),
        }
        while not looks[kind]():
            pass

    with pytest.raises(NotCovered, match="polls or computes without"):
        run(answer)


def test_a_polling_thread_lets_others_run():
    def answer():
        items, got = queue.Queue(), []

        def poll():
            while not got:
                with contextlib.suppress(queue.Empty):
                    got.append(items.get_nowait())

        with started(poll, poll):
            items.put(1)
            items.put(2)
        return got

    assert run(answer)[0] in ([1], [1, 2])


@pytest.mark.parametrize("in_main", [True, False])
def test_spinning_is_an_error(monkeypatch, in_main):
    monkeypatch.setattr(machine, "SPIN", 0.05)

    def spin(event):
        while not event.is_set():
            pass

    def answer():
        event = threading.Event()
        if in_main:
            spin(event)
        else:
            with started(lambda: spin(event)):
                pass

    with pytest.raises(NotCovered, match="polls or computes"):
        run(answer)


def test_a_loop_that_looks_at_a_queue_sees_time_pass():
    def answer():
        items = queue.Queue()

        def put_one():
            time.sleep(1)
            items.put(1)

        with started(put_one):
            while items.empty():
                pass
        return time.monotonic()

    assert run(answer)[0] == pytest.approx(1, abs=0.001)


def test_threads_that_only_look_are_refused_at_once():
    def answer():
        one, other = threading.Event(), threading.Event()

        def look(event):
            while not event.wait(0):
                pass

        with started(lambda: look(one), lambda: look(other)):
            pass

    began = time.process_time()
    with pytest.raises(NotCovered, match="a thread polls"):
        run(answer)
    assert time.process_time() - began < machine.SPIN / 4


def test_a_loop_that_counts_may_compute_for_long():
    def answer():
        begin, rounds = machine.time_process(), 0
        while machine.time_process() - begin < 2 * machine.TICK * machine.LOOKS:
            rounds += 1
        return rounds

    assert run(answer)[0] > 0


def test_a_thread_that_sleeps_again_and_again_does_not_spin(monkeypatch):
    monkeypatch.setattr(machine, "SPIN", machine.TICK)

    def answer():
        now, end = machine.real_time, machine.real_time() + 1.5 * 8 * machine.TICK
        while now() < end:
            time.sleep(1)
        return "done"

    assert ThreadsWorld().run(answer, within=float("inf")) == "done"


def test_many_looks_at_a_clock_are_not_refused():
    def answer():
        for _ in range(1_200_000):
            time.monotonic()
        return "done"

    assert run(answer)[0] == "done"


def test_a_thread_that_swallows_its_end_does_not_hang_the_run():
    let_go = []

    def stubborn():
        while not let_go:
            with contextlib.suppress(BaseException):
                time.sleep(1)

    def answer():
        threading.Thread(target=stubborn, name="stubborn", daemon=True).start()

    with pytest.raises(StillAlive, match="thread stubborn was alive"):
        run(answer)


def test_an_interrupt_reaches_the_caller():
    def answer():
        def interrupt():
            time.sleep(2)
            import _thread

            _thread.interrupt_main()

        threading.Thread(target=interrupt).start()
        time.sleep(5)

    world = ThreadsWorld()
    with pytest.raises(KeyboardInterrupt):
        world.run(answer)


def test_processes_are_not_covered():
    for attempt in (
        lambda: subprocess.run([sys.executable, "-V"], check=False),
        lambda: BaseProcess().start(),
        lambda: os.fork(),
    ):
        with pytest.raises(NotCovered):
            run(attempt)


@pytest.mark.parametrize("warm", [False, True])
def test_a_pool_made_before_the_run_delivers_its_results(warm):
    with ThreadPoolExecutor(1) as pool:
        if warm:
            pool.submit(int).result()
        with contextlib.suppress(
            StillAlive
        ):  # a cold pool starts its thread in the run
            assert run(lambda: pool.submit(pow, 2, 3).result())[0] == 8


def test_one_world_at_a_time():
    with pytest.raises(NotCovered, match="one world"):
        run(lambda: run(int))


PLACES = [
    time,
    threading,
    queue,
    select,
    os,
    socket.socket,
    concurrent.futures.thread,
    subprocess.Popen,
    BaseProcess,
    sys.modules[__name__],
    *(getattr(selectors, name) for name in SELECTORS),
]


@pytest.mark.parametrize("outcome", ["fine", "error", "deadlock", "leftover"])
def test_every_patched_name_is_restored(outcome):
    def answer():
        changed.extend(
            name
            for place, names in zip(PLACES, before, strict=True)
            for name, value in names
            if vars(place)[name] is not value
        )
        if outcome == "error":
            raise LookupError
        if outcome == "deadlock":
            threading.Event().wait()
        if outcome == "leftover":
            threading.Thread(target=lambda: time.sleep(1)).start()

    changed = []
    # Not a dict of functions: a run replaces what is in one.
    before = [tuple(vars(place).items()) for place in PLACES]
    with contextlib.suppress(LookupError, Deadlock, StillAlive):
        run(answer)
    before = list(map(dict, before))
    after_ = [dict(vars(place)) for place in PLACES]
    for names in before + after_:
        names.pop("_counter", None)
        for moving in ("_limbo", "_active", "_dangling", "_shutdown_locks"):
            names.pop(moving, None)
    assert {"sleep", "Lock", "_time", "SimpleQueue", "select", "start"} <= {*changed}
    for names, names_after in zip(before, after_, strict=True):
        assert names.keys() == names_after.keys()
        assert [n for n in names if names[n] is not names_after[n]] == []


def test_threads_outside_the_world_are_not_affected():
    asked, answered = threading.Event(), []

    def outside():
        asked.wait()
        answered.append(time.monotonic())
        answered.append(type(threading.Lock()))
        time.sleep(0)
        finished.release()

    finished = threading.Lock()
    finished.acquire()
    real = type(finished)
    thread = threading.Thread(target=outside)
    thread.start()

    def answer():
        asked.set()
        finished.acquire()

    run(answer)
    thread.join()
    assert answered[0] > 0
    assert answered[1] is real


# Random schedules


def lost_update():
    lock, balance = threading.Lock(), [0]

    def add():
        with lock:
            seen = balance[0]
        with lock:
            balance[0] = seen + 1

    with started(add, add):
        pass
    return balance[0]


def test_without_a_seed_the_lost_update_stays_hidden():
    assert {run(lost_update)[0] for _ in range(5)} == {2}


def test_a_seed_finds_the_lost_update_and_replays_it():
    found = [seed for seed in range(60) if run(lost_update, seed=seed)[0] == 1]
    assert 0 < len(found) < 60
    for seed in found[:5]:
        assert [run(lost_update, seed=seed)[0] for _ in range(3)] == [1, 1, 1]


LOADED = """
import threading

lock = threading.Lock()
for _ in range(20):
    with lock:
        pass
"""


def test_a_seed_makes_the_same_run_whether_or_not_it_loads_a_module(
    tmp_path, monkeypatch
):
    (tmp_path / "loaded_late.py").write_text(LOADED)
    monkeypatch.syspath_prepend(str(tmp_path))
    order = []

    def load(number):
        importlib.import_module("loaded_late")
        order.append(number)

    def four():
        order.clear()
        with started(*(partial(load, number) for number in range(4))):
            pass
        return tuple(order)

    found = []
    for seed in range(20):
        monkeypatch.delitem(sys.modules, "loaded_late", raising=False)
        first, *later = [run(four, seed=seed)[0] for _ in range(3)]
        assert later == [first, first]
        found.append(first)
    assert len({*found}) > 1


def test_the_library_works_with_any_seed():
    made_before = threading.Event()

    def answer():
        made_before.clear()
        items, got = queue.Queue(2), []

        def produce():
            for n in range(5):
                items.put(n)
                time.sleep(0.5)

        def consume():
            while (item := items.get()) is not None:
                got.append(item)

        with ThreadPoolExecutor(4) as pool:
            consumers = [pool.submit(consume) for _ in range(2)]
            producers = [pool.submit(produce) for _ in range(2)]
            pool.submit(made_before.wait)
            wait(producers)
            made_before.set()
            for _ in consumers:
                items.put(None)
        return sorted(got)

    expected = sorted([0, 1, 2, 3, 4] * 2)
    for seed in range(30):
        assert run(answer, seed=seed) == (expected, 2.5)


def test_a_frame_may_be_at_no_line():
    frame = SimpleNamespace(f_code=compute.__code__, f_lineno=None, f_back=None)
    assert loop_that_looks([frame]) is None
    assert waits_at([frame]).startswith("test_threads.py:0:")


FRAMES_OF_A_RUNNING_THREAD = """
import gc, sys, threading, time
from concurrency_study.worlds.threads.outside import outwards

class Cycle:
    def __init__(self):
        self.me = self

    def __del__(self):
        time.sleep(0.0003)  # the other thread runs

def a(n):
    if n:
        b(n - 1, 1)

def b(n, x):
    p = q = r = s = t = x
    v = {n: [n]}
    if n:
        c(n - 1, v, [v])
    return p, q, r, s, t

def c(n, v, w):
    k = v
    if n:
        a(n - 1)
    return k, w

def call():
    while not ended:
        a(90), b(60, 1), c(30, [], {})

ended = False
thread = threading.Thread(target=call, daemon=True)
thread.start()
sys.setswitchinterval(1e-5)
gc.set_threshold(7)
for _ in range(1_000):
    gc.disable()
    Cycle(), Cycle(), Cycle()
    frame = sys._current_frames()[thread.ident]
    gc.enable()
    outwards(frame)
ended = True
"""


def test_the_frames_of_a_thread_that_runs_are_read_safely() -> None:
    """On Python 3.11 a collection while they are read would crash the interpreter."""
    line = [sys.executable, "-c", FRAMES_OF_A_RUNNING_THREAD]
    done = subprocess.run(line, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_text_is_parsed_although_finalizers_parse_as_well():
    """On Python 3.11 a finalizer runs in the middle of it, with the same counter."""

    class Cycle:
        def __init__(self):
            self.me = self

        def __del__(self):
            deeper(20)

    def deeper(levels):
        return deeper(levels - 1) if levels else ast.parse("x = 1")

    text, threshold = Path(ast.__file__).read_text(), gc.get_threshold()
    gc.set_threshold(50)
    try:
        for _ in range(10):
            Cycle()
            assert ast.dump(parsed(text))
    finally:
        gc.set_threshold(*threshold)


# Explored schedules


def failure(function):
    """Return the type of the first failure, and the lines of its notes."""
    with pytest.raises(Exception) as raised:  # noqa: PT011
        ThreadsWorld().explore(function)
    error = raised.value
    return type(error), f"{error}\n" + "\n".join(error.__notes__)


def racy_count():
    """Return a function that counts, and a program in which two threads call it."""
    hits = {}

    def count():
        hits["page"] = hits.get("page", 0) + 1

    def program():
        hits.clear()
        with started(count, count):
            pass
        assert hits["page"] == 2

    return count, program


def test_a_hold_names_the_access_before_it_and_the_one_that_conflicts():
    _, program = racy_count()
    kind, told = failure(program)
    assert kind is AssertionError
    held = r'was held before it (?:writes hits\["page"\]|calls hits.get\("page", 0\))'
    assert re.search(held, told)
    assert re.search(r"Meanwhile, thread \S+ \S+ (?:writes|calls) hits", told)


def test_accesses_conflict_if_one_of_them_may_change_what_both_reach():
    writes = Access("writes", "hits[0]", "hits", 1)
    calls = Access("calls", "hits.get(0)", "hits", 1)
    reads = Access("reads", "hits[0]", "hits", 1)
    other = Access("writes", "visits[0]", "visits", 1)
    unknown = Access("calls", "connect()", "", 1)
    assert writes.conflicts(writes) > writes.conflicts(calls) > 0
    assert reads.conflicts(writes) > 0
    for pair in ((reads, reads), (writes, other), (unknown, unknown)):
        assert pair[0].conflicts(pair[1]) == 0


def test_a_deadlock_that_is_found_tells_since_when_each_lock_is_held():
    def answer():
        a, b = Lock(), Lock()

        def take(one, other):
            with one, other:
                pass

        with started(lambda: take(a, b), lambda: take(b, a)):
            pass

    kind, told = failure(answer)
    assert kind is Deadlock
    assert (
        len(re.findall(r"held by thread \S+ \S+ since test_threads.py:\d+", told)) == 2
    )


def test_no_code_of_the_world_is_a_point(monkeypatch):
    files = set()
    real = machine.preempt

    def preempt(code, offset, may_switch):
        files.add(code.co_filename)
        return real(code, offset, may_switch)

    def answer():
        worker = threading.Thread(target=list.append, args=([], 1))
        worker.start()
        worker.join()

    monkeypatch.setattr(machine, "preempt", preempt)
    ThreadsWorld().explore(answer, schedules=5)
    assert files == {__file__}


def test_a_long_computation_is_explored_as_far_as_the_limits():
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    def answer():
        with started(lambda: fibonacci(21), lambda: fibonacci(21)):
            pass

    explored = ThreadsWorld().explore(answer, schedules=3)
    assert explored.narrow
    assert not explored.complete
    assert "the first 20,000 instructions" in str(explored)


def compute():
    return sum(n for n in range(30_000) if [n][0])


def test_a_computation_of_one_thread_is_not_called_complete():
    explored = ThreadsWorld().explore(compute, schedules=3)
    assert (explored.narrow, explored.complete) == (True, False)


def test_after_a_long_computation_the_next_run_is_preempted_again():
    count, program = racy_count()
    computed = []

    def answer():
        program()
        if not computed:
            computed.append(compute())
            count()

    assert failure(answer)[0] is AssertionError


# Jobs and the common interface of all worlds


def test_a_job_stops_when_its_stop_event_is_set():
    world = ThreadsWorld()

    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            await w.sleep(1)
            raise

    def answer():
        stop = threading.Event()
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(job, n, stop) for n in (1, 9)]
            time.sleep(3)
            stop.set()
        return [type(future.exception()) for future in futures]

    assert world.run(answer) == [type(None), CancelledError]
    assert world.returned_at == 4
    assert world.trace.when("cancelled") == [(4, "job(9)")]


def test_forever_ends_when_its_stop_event_is_set():
    world = ThreadsWorld()

    @world.job
    async def job(w):
        await w.forever()

    stop = threading.Event()
    world.at(2, stop.set)
    with world.raises(CancelledError):
        world.run(job, stop)
    assert world.returned_at == 2
    with pytest.raises(Deadlock):
        world.run(job)


def test_a_job_left_behind_is_named():
    world = ThreadsWorld()

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)

    def answer():
        threading.Thread(target=job, args=(9,), name="left").start()

    with pytest.raises(StillAlive) as caught:
        world.run(answer)
    assert "job(9) was alive" in str(caught.value)
    assert "thread left was alive" in str(caught.value)
    assert "afterwards" not in str(caught.value)


def test_a_job_that_really_suspends_is_refused():
    class Suspends:
        def __await__(self):
            yield

    world = ThreadsWorld()

    @world.job
    async def job(w):
        await Suspends()

    with pytest.raises(NotCovered):
        world.run(job)


def test_a_callback_may_wait():
    world = ThreadsWorld()

    def answer():
        lock = threading.Lock()
        with lock:
            world.at(1, lock.acquire)
            time.sleep(5)
        assert lock.locked()
        time.sleep(1)
        lock.release()

    world.run(answer)
    assert world.returned_at == 6


def test_a_running_call_cannot_be_cancelled():
    world = ThreadsWorld()
    assert world.run(identity_after, 3, cancel_at=1) == 3
    assert world.returned_at == 3


def test_a_future_made_by_hand_works():
    def answer():
        future = Future()
        with started(after(2, future.set_result, "x")):
            return future.result(), time.monotonic()

    assert run(answer)[0] == ("x", 2)


def test_a_function_of_another_colour_is_refused():
    async def coroutine():
        pass

    with pytest.raises(TypeError, match="'threads' runs plain functions"):
        ThreadsWorld().run(coroutine)


# Native actors


def lives(function):
    world = ThreadsWorld()
    world.watching = True
    with contextlib.suppress(LostError, StillAlive):
        world.run(function)
    return [(a.name, a.kind, a.start, a.end, a.how) for a in world.trace.actors]


def test_every_thread_is_a_native_actor():
    def nap():
        sleep(2)

    def fail():
        sleep(1)
        raise ValueError("no")

    def answer():
        named = threading.Thread(target=nap, name="sleeper")
        named.start()
        with started(nap, fail):
            pass
        named.join()

    assert lives(answer) == [
        ("answer", "thread", 0, 2, "end"),
        ("sleeper", "thread", 0, 2, "end"),
        ("nap", "thread", 0, 2, "end"),
        ("fail", "thread", 0, 1, "error"),
    ]


def test_a_thread_of_any_pool_is_named_worker():
    def answer():
        with ThreadPoolExecutor(2) as pool:
            pool.submit(sleep, 2)
            pool.submit(sleep, 2)

    for _ in range(2):
        assert lives(answer) == [
            ("answer", "thread", 0, 2, "end"),
            ("worker", "thread", 0, 2, "end"),
            ("worker no. 2", "thread", 0, 2, "end"),
        ]


def test_a_thread_left_behind_has_no_end():
    def answer():
        threading.Thread(target=sleep, args=(5,)).start()

    assert lives(answer)[1] == ("sleep", "thread", 0, None, "")


def test_the_callback_thread_of_the_world_is_not_watched():
    world = ThreadsWorld()
    world.watching = True
    world.at(1, lambda: None)
    world.run(sleep, 2)
    assert [actor.name for actor in world.trace.actors] == ["sleep"]


def test_an_abandoned_answer_has_no_end():
    world = ThreadsWorld()
    world.watching = True
    with pytest.raises(Deadlock):
        world.run(threading.Event().wait)
    with pytest.raises(AssertionError, match="still runs"):
        world.run(lambda: sleep(1e9), cancel_at=1)
    assert [(a.end, a.how) for a in world.trace.actors] == [(None, "")]


def test_a_clock_in_a_closure_shows_virtual_time(world):
    patches.look_again()

    def stopwatch(clock=None):
        clock = time.monotonic
        return lambda: clock()

    read = stopwatch()

    def run():
        before = read()
        time.sleep(10)
        return read() - before

    assert world.run(run) == 10
    assert read.__closure__[0].cell_contents is time.monotonic


WAITS = {
    "wait": lambda pid, *options: os.waitpid(-1, *options) if options else os.wait(),
    "waitpid": lambda pid, *options: os.waitpid(pid, *options or (0,)),
    "wait3": lambda pid, *options: os.wait3(*options or (0,)),
    "wait4": lambda pid, *options: os.wait4(pid, *options or (0,)),
    "waitid": lambda pid, option=0: os.waitid(os.P_PID, pid, os.WEXITED | option),
}


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_for_a_process_is_refused_and_a_look_is_not(world, name):
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    wait = WAITS[name]
    with pytest.raises(NotCovered, match=f"os.{name} waits"):
        world.run(wait, process.pid)
    found = world.run(wait, process.pid, os.WNOHANG)
    assert found is None or not found[0]
    process.stdin.close()
    time.sleep(0.2)  # it ends meanwhile
    assert world.run(wait, process.pid)[0] == process.pid
    process.returncode = 0


def test_popen_wait_is_refused_unless_the_process_has_ended(world):
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with pytest.raises(NotCovered, match=r"Popen\.wait waits"):
        world.run(lambda: process.wait(10))
    process.stdin.close()
    process.wait()
    assert world.run(process.wait) == 0


def test_a_vector_is_written_to_a_pipe_in_virtual_time(world):
    source, sink = os.pipe()

    def run():
        def read_slowly():
            time.sleep(10)
            buffers = bytearray(100_000), bytearray(200_000)
            got = 0
            while got < 300_000:
                got += os.readv(source, buffers)

        thread = threading.Thread(target=read_slowly)
        thread.start()
        assert os.writev(sink, [b"x" * 100_000, b"y" * 200_000]) == 300_000
        thread.join()

    world.run(run)
    assert world.returned_at == 10
    os.close(source)
    os.close(sink)


def test_a_file_is_sent_in_virtual_time(world):
    left, right = socket.socketpair()
    with left, right, tempfile.TemporaryFile() as file:
        file.write(b"x" * 1_000_000)
        file.flush()

        def run():
            def read_slowly():
                time.sleep(10)
                with contextlib.suppress(TimeoutError):
                    right.settimeout(1)
                    while right.recv(1 << 16):
                        pass

            thread = threading.Thread(target=read_slowly)
            thread.start()
            sent = 0
            while sent < 1_000_000:
                sent += os.sendfile(left.fileno(), file.fileno(), sent, 1_000_000)
            assert os.get_blocking(left.fileno())
            thread.join()

        world.run(run)
        assert world.returned_at == 11


def tls(side):
    """Return a context whose ciphers need no certificate."""
    context = ssl.SSLContext(side)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    return context


def test_tls_waits_in_virtual_time(world):
    size = 3_000_000

    def serve(sock):
        time.sleep(10)
        context = tls(ssl.PROTOCOL_TLS_SERVER)
        with context.wrap_socket(sock, server_side=True) as server:
            assert server.recv(10) == b"hello"
            time.sleep(10)
            server.sendall(b"x" * size)
            server.recv(1)

    def run():
        left, right = socket.socketpair()
        thread = threading.Thread(target=serve, args=(right,))
        thread.start()
        with tls(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(left) as client:
            assert world.now() == 10
            client.sendall(b"hello")
            client.settimeout(3)
            with pytest.raises(TimeoutError):
                client.recv(1)
            assert world.now() == 13
            client.settimeout(None)
            got = len(client.recv(1))
            assert world.now() == 20
            while got < size:
                time.sleep(1)  # the server waits for room
                got += len(client.recv(size))
            client.settimeout(100)
            assert client.gettimeout() == 100
        thread.join()

    world.run(run)


def test_a_silent_peer_times_the_handshake_out(world):
    def run():
        left, right = socket.socketpair()
        with left, right:
            left.settimeout(3600)
            with pytest.raises(TimeoutError):
                tls(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(left)

    world.run(run)
    assert world.returned_at == 3600


# What the system does by itself in real time


def test_small_pieces_are_sent_at_once():
    place = ThreadsWorld()

    def serve(server):
        peer, _ = server.accept()
        with peer:
            while peer.recv(100):
                peer.sendall(b"head")
                peer.sendall(b"body")

    def answer():
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            with socket.create_connection(server.getsockname(), timeout=20) as client:
                for _ in range(5):
                    client.sendall(b"get")
                    received = b""
                    while len(received) < 8:
                        received += client.recv(100)
            thread.join()

    place.run(answer)
    assert place.returned_at == 0


def test_the_timeout_of_sendall_is_for_all_of_it():
    place = ThreadsWorld()

    def reads(reader):
        with contextlib.suppress(OSError):
            while reader.recv(500_000):
                time.sleep(3)

    def answer():
        writer, reader = socket.socketpair()
        thread = threading.Thread(target=reads, args=(reader,))
        thread.start()
        writer.settimeout(5)
        with writer, pytest.raises(TimeoutError):
            writer.sendall(bytes(5_000_000))
        assert time.monotonic() == 5
        thread.join()
        reader.close()

    place.run(answer)


def test_a_call_that_must_not_wait_does_not():
    place = ThreadsWorld()

    def answer():
        one, other = socket.socketpair()
        with one, other, pytest.raises(BlockingIOError):
            one.recv(1, socket.MSG_DONTWAIT)

    place.run(answer)


def test_an_alarm_that_is_ignored_and_what_is_left_of_a_timer():
    place = ThreadsWorld()

    def answer():
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 10, 3)
        time.sleep(4)
        left = signal.getitimer(signal.ITIMER_REAL)
        time.sleep(20)
        signal.alarm(0)
        with pytest.raises(signal.ItimerError):
            signal.setitimer(signal.ITIMER_REAL, -1)
        return left

    before = signal.getsignal(signal.SIGALRM)
    try:
        assert place.run(answer) == (6, 3)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_call_in_a_pool_from_an_earlier_run_is_refused_by_name():
    place = ThreadsWorld()
    end, feed = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(StillAlive):
            place.run(lambda: pool.submit(time.sleep, 2).result())
        kept = pool.submit(os.read, end, 1)
        with pytest.raises(NotCovered, match="outside of the run"):
            place.run(lambda: pool.submit(int).result())
        os.write(feed, b"!")
        assert kept.result() == b"!"
    os.close(end)
    os.close(feed)


def test_the_date_shows_microseconds_that_have_passed():
    def answer():
        time.sleep(0.000_001_999)
        return datetime.datetime.now().microsecond

    assert ThreadsWorld().run(answer) == 1


def test_the_date_does_not_go_back_when_a_run_begins():
    place = ThreadsWorld()
    before = time.time()
    assert place.run(time.time) >= before
