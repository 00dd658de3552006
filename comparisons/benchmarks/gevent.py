"""gevent: greenlets, queues and events; nothing is monkey-patched."""

from __future__ import annotations

import gevent
from gevent.event import AsyncResult, Event
from gevent.queue import Queue, SimpleQueue
from gevent.server import StreamServer

NEEDS = ("./packages/gevent", "greenlet")  # its version matters as well
STUDY = "gevent_study"
HOUR = 3600


def run(function, *args):
    return function(*args)


def nothing():
    pass


def spawn_and_join(times, size, watch):
    with watch:
        for _ in range(times):
            gevent.joinall([gevent.spawn(nothing) for _ in range(size)])


def switch(times, size, watch):
    def turns():
        for _ in range(times):
            gevent.sleep(0)

    with watch:
        gevent.joinall([gevent.spawn(turns) for _ in range(size)])


def ping_pong_queue(times, size, watch):
    there, back = SimpleQueue(), SimpleQueue()

    def pong():
        for _ in range(times):
            back.put(there.get())

    ponging = gevent.spawn(pong)
    with watch:
        for ball in range(times):
            there.put(ball)
            back.get()
    ponging.join()


def ping_pong_future(times, size, watch):
    there, back = AsyncResult(), AsyncResult()

    def pong():
        nonlocal there
        for _ in range(times):
            ball = there.get()
            there = AsyncResult()
            back.set(ball)

    ponging = gevent.spawn(pong)
    with watch:
        for ball in range(times):
            there.set(ball)
            back.get()
            back = AsyncResult()
    ponging.join()


def pipeline(times, size, watch):
    first, second = Queue(size), Queue(size)

    def source():
        for item in range(times):
            first.put(item)

    def stage():
        for _ in range(times):
            second.put(first.get())

    with watch:
        stages = [gevent.spawn(source), gevent.spawn(stage)]
        for _ in range(times):
            second.get()
        gevent.joinall(stages)


def timers(times, size, watch):
    with watch:
        for _ in range(times):
            gevent.joinall(
                [
                    gevent.spawn(gevent.sleep, 0.001 + i * 7919 % size / 1e7)
                    for i in range(size)
                ]
            )


def cancel(times, size, watch):
    for _ in range(times):
        sleepers = [gevent.spawn(gevent.sleep, HOUR) for _ in range(size)]
        gevent.sleep(0)
        with watch:
            gevent.killall(sleepers)


def memory(times, size, watch):
    gate = Event()
    with watch:
        waiters = [gevent.spawn(gate.wait) for _ in range(size)]
        gevent.sleep(0)
    gate.set()
    gevent.joinall(waiters)


def skynet(times, size, watch):
    def node(number, size):
        if size == 1:
            return number
        size //= 10
        children = [gevent.spawn(node, number + i * size, size) for i in range(10)]
        return sum(child.get() for child in children)

    with watch:
        for _ in range(times):
            assert node(0, size) == size * (size - 1) // 2


def wake_future(times, size, watch):
    for _ in range(times):
        future = AsyncResult()
        waiters = [gevent.spawn(future.get) for _ in range(size)]
        gevent.sleep(0)
        with watch:
            future.set(None)
            gevent.joinall(waiters)


def wake_event(times, size, watch):
    for _ in range(times):
        event = Event()
        waiters = [gevent.spawn(event.wait) for _ in range(size)]
        gevent.sleep(0)
        with watch:
            event.set()
            gevent.joinall(waiters)


def race(times, size, watch):
    with watch:
        for _ in range(times):
            racers = [gevent.spawn(gevent.sleep, HOUR) for _ in range(size - 1)]
            racers.append(gevent.spawn(gevent.sleep, 0))
            gevent.wait(racers, count=1)
            gevent.killall(racers)


def echo(announce):
    def serve(connection, _):
        while data := connection.recv(65536):
            connection.sendall(data)

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    announce(server.server_port)
    server.serve_forever()


def job(item=None):
    gevent.sleep(0)
    return item


def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            answer(*arguments())
