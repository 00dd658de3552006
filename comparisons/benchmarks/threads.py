"""threads: of the operating system; locks, queues and pools of the standard library.

The bench pins them to one core, as it does every contestant. The interpreter's lock
would let no two of them run at once anyway. A thread costs far more than a task: see
``SIZES``. A thread cannot be cancelled: it checks an event that asks it to end.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from queue import Queue, SimpleQueue
from threading import Barrier, Event, Semaphore, Thread

NEEDS = ("./packages/threads",)
STUDY = "threads_study"
HOUR = 3600
SIZES = {
    "spawn_and_join": 1000,
    "timers": 1000,
    "cancel": 1000,
    "memory": 1000,
    "skynet": 1000,
    "futures": 1000,
    "sync_vs_async": 1000,
    "tasks": 1000,
}
"""The most threads at once for which a measurement does not take minutes."""


def run(function, *args):
    return function(*args)


def nothing():
    pass


def started(function, *args):
    thread = Thread(target=function, args=args)
    thread.start()
    return thread


def spawn_and_join(times, size, watch):
    with watch:
        for _ in range(times):
            threads = [started(nothing) for _ in range(size)]
            for thread in threads:
                thread.join()


def switch(times, size, watch):
    def turns():
        for _ in range(times):
            time.sleep(0)

    with watch:
        threads = [started(turns) for _ in range(size)]
        for thread in threads:
            thread.join()


def ping_pong_queue(times, size, watch):
    there, back = SimpleQueue(), SimpleQueue()

    def pong():
        for _ in range(times):
            back.put(there.get())

    thread = started(pong)
    with watch:
        for ball in range(times):
            there.put(ball)
            back.get()
    thread.join()


def ping_pong_semaphore(times, size, watch):
    there, back = Semaphore(0), Semaphore(0)

    def pong():
        for _ in range(times):
            there.acquire()
            back.release()

    thread = started(pong)
    with watch:
        for _ in range(times):
            there.release()
            back.acquire()
    thread.join()


def pipeline(times, size, watch):
    first, second = Queue(size), Queue(size)

    def source():
        for item in range(times):
            first.put(item)

    def stage():
        for _ in range(times):
            second.put(first.get())

    with watch:
        threads = [started(source), started(stage)]
        for _ in range(times):
            second.get()
        for thread in threads:
            thread.join()


def timers(times, size, watch):
    with watch:
        for _ in range(times):
            threads = [
                started(time.sleep, 0.001 + i * 7919 % size / 1e7) for i in range(size)
            ]
            for thread in threads:
                thread.join()


def cancel(times, size, watch):
    for _ in range(times):
        stops = [Event() for _ in range(size)]
        threads = [started(stop.wait, HOUR) for stop in stops]
        time.sleep(0.01)
        with watch:
            for stop in stops:
                stop.set()
            for thread in threads:
                thread.join()


def memory(times, size, watch):
    gate = Event()
    with watch:
        threads = [started(gate.wait) for _ in range(size)]
        time.sleep(0.01)
    gate.set()
    for thread in threads:
        thread.join()


def skynet(times, size, watch):
    def node(number, size, results):
        if size > 1:
            size //= 10
            below = []
            threads = [started(node, number + i * size, size, below) for i in range(10)]
            for thread in threads:
                thread.join()
            number = sum(below)
        results.append(number)

    with watch:
        for _ in range(times):
            results = []
            started(node, 0, size, results).join()
            assert results == [size * (size - 1) // 2]


def wake(times, size, watch):
    for _ in range(times):
        event, parked = Event(), Barrier(size + 1)

        def wait_for(event=event, parked=parked):
            parked.wait()
            event.wait()

        threads = [started(wait_for) for _ in range(size)]
        parked.wait()
        time.sleep(0.01)
        with watch:
            event.set()
            for thread in threads:
                thread.join()


def race(times, size, watch):
    with watch, ThreadPoolExecutor(size) as pool:
        for _ in range(times):
            stop = Event()
            racers = [pool.submit(stop.wait, HOUR) for _ in range(size - 1)]
            racers.append(pool.submit(nothing))
            wait(racers, return_when=FIRST_COMPLETED)
            stop.set()
            wait(racers)


def echo(announce):
    def serve(connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := connection.recv(65536):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        announce(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def job(item=None, stop=None):
    time.sleep(0)
    return item


def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            answer(*arguments())
