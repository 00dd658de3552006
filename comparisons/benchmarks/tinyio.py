"""tinyio: generators on a tiny loop of another project; an error ends all of a loop.

There is no study of tinyio here, so it has no answers to the topics. Its only way to
cancel is to let a whole loop fail. Loops may be nested.
"""

from __future__ import annotations

import contextlib
from collections import deque

import tinyio

NEEDS = ("tinyio",)
CANNOT = {"echo": "it has no sockets"}
HOUR = 3600
SIZES = {"spawn_and_join": 1000, "timers": 1000}
"""tinyio searches all results that are still wanted for each task that it starts. Ten
times as many tasks take a hundred times as long."""


def run(function, *args):
    return tinyio.Loop().run(function(*args))


def nothing():
    if False:
        yield


def spawn_and_join(times, size, watch):
    with watch:
        for _ in range(times):
            yield [nothing() for _ in range(size)]


def switch(times, size, watch):
    def turns():
        for _ in range(times):
            yield

    with watch:
        yield [turns() for _ in range(size)]


def ping_pong(times, size, watch):
    there, back = tinyio.Event(), tinyio.Event()

    def pong():
        for _ in range(times):
            yield from there.wait()
            there.clear()
            back.set()

    yield {pong()}
    with watch:
        for _ in range(times):
            there.set()
            yield from back.wait()
            back.clear()


class Queue:
    """A queue made of tinyio's events, because tinyio has none."""

    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.item, self.room = tinyio.Event(), tinyio.Event()

    def put(self, item):
        while len(self.items) == self.size:
            self.room.clear()
            yield from self.room.wait()
        self.items.append(item)
        self.item.set()

    def get(self):
        while not self.items:
            self.item.clear()
            yield from self.item.wait()
        self.room.set()
        return self.items.popleft()


def pipeline(times, size, watch):
    first, second = Queue(size), Queue(size)

    def source():
        for item in range(times):
            yield from first.put(item)

    def stage():
        for _ in range(times):
            yield from second.put((yield from first.get()))

    with watch:
        yield {source(), stage()}
        for _ in range(times):
            yield from second.get()


def timers(times, size, watch):
    with watch:
        for _ in range(times):
            yield [tinyio.sleep(0.001 + i * 7919 % size / 1e7) for i in range(size)]


class Over(Exception):
    """The exception that ends a loop."""


def cancel(times, size, watch):
    def main():
        yield {tinyio.sleep(HOUR) for _ in range(size)}
        yield
        watch.start()
        raise Over

    for _ in range(times):
        with contextlib.suppress(Over):
            tinyio.Loop().run(main())
        watch.stop()
        yield


def memory(times, size, watch):
    gate = tinyio.Event()
    with watch:
        yield {gate.wait() for _ in range(size)}
        yield
    gate.set()


def skynet(times, size, watch):
    def node(number, size):
        if size == 1:
            return number
        size //= 10
        return sum((yield [node(number + i * size, size) for i in range(10)]))

    with watch:
        for _ in range(times):
            assert (yield node(0, size)) == size * (size - 1) // 2


def wake(times, size, watch):
    def wait(event):
        yield from event.wait()

    for _ in range(times):
        event = tinyio.Event()
        waiters = [wait(event) for _ in range(size)]
        yield set(waiters)
        yield
        with watch:
            event.set()
            yield waiters


def race(times, size, watch):
    def main():
        yield [*(tinyio.sleep(HOUR) for _ in range(size - 1)), win()]

    def win():
        yield
        raise Over

    with watch:
        for _ in range(times):
            with contextlib.suppress(Over):
                tinyio.Loop().run(main())
        yield
