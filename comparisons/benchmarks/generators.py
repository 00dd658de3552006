"""generators: functions that pause, on the kernel of the generators study."""

from __future__ import annotations

import socket

import generators_study
from generators_study.kernel import (
    Channel,
    Event,
    Future,
    checkpoint,
    current_kernel,
    listen,
    open_group,
    sleep,
)

NEEDS = ("./packages/generators",)
STUDY = "generators_study"
HOUR = 3600


def run(function, *args):
    return generators_study.run(function, *args)


def nothing():
    return
    yield


def spawn_and_join(times, size, watch):
    def body(group):
        for _ in range(size):
            group.spawn(nothing)

    with watch:
        for _ in range(times):
            yield from open_group(body)


def _switch(times, size, watch, turns):
    def body(group):
        for _ in range(size):
            group.spawn(turns, times)

    with watch:
        yield from open_group(body)


def switch_checkpoint(times, size, watch):
    def turns(times):
        for _ in range(times):
            yield from checkpoint()

    yield from _switch(times, size, watch, turns)


def switch_ready(times, size, watch):
    def turns(times):
        ready = current_kernel().ready
        for _ in range(times):
            yield ready

    yield from _switch(times, size, watch, turns)


def ping_pong_channel(times, size, watch):
    there, back = Channel(1), Channel(1)

    def pong():
        for _ in range(times):
            yield from back.put((yield from there.get()))

    def body(group):
        group.spawn(pong)
        with watch:
            for ball in range(times):
                yield from there.put(ball)
                yield from back.get()

    yield from open_group(body)


def ping_pong_future(times, size, watch):
    there, back = Future(), Future()

    def pong():
        nonlocal there
        for _ in range(times):
            ball = yield from there.wait()
            there = Future()
            back.set_result(ball)

    def body(group):
        nonlocal back
        group.spawn(pong)
        with watch:
            for ball in range(times):
                there.set_result(ball)
                yield from back.wait()
                back = Future()

    yield from open_group(body)


def ping_pong_place(times, size, watch):
    ready = current_kernel().ready
    there, back = [], []
    ball = None

    def pong():
        nonlocal ball
        for number in range(times):
            while ball != number:
                yield there
            ball = None
            ready.extend(back)
            back.clear()

    def body(group):
        nonlocal ball
        group.spawn(pong)
        with watch:
            for number in range(times):
                ball = number
                ready.extend(there)
                there.clear()
                while ball is not None:
                    yield back

    yield from open_group(body)


def pipeline(times, size, watch):
    first, second = Channel(size), Channel(size)

    def source():
        for item in range(times):
            yield from first.put(item)

    def stage():
        for _ in range(times):
            yield from second.put((yield from first.get()))

    def body(group):
        group.spawn(source)
        group.spawn(stage)
        for _ in range(times):
            yield from second.get()

    with watch:
        yield from open_group(body)


def timers(times, size, watch):
    def body(group):
        for i in range(size):
            group.spawn(sleep, 0.001 + i * 7919 % size / 1e7)

    with watch:
        for _ in range(times):
            yield from open_group(body)


def cancel(times, size, watch):
    def body(group):
        for _ in range(size):
            group.spawn(sleep, HOUR)
        yield from checkpoint()
        watch.start()
        group.cancel()

    for _ in range(times):
        yield from open_group(body)
        watch.stop()


def memory(times, size, watch):
    gate = Event()

    def wait():
        yield gate

    def body(group):
        with watch:
            for _ in range(size):
                group.spawn(wait)
            yield from checkpoint()
        gate.set()

    yield from open_group(body)


def skynet(times, size, watch):
    def node(number, size):
        if size == 1:
            return number
        children = yield from open_group(ten, number, size // 10)
        return sum(child.result for child in children)

    def ten(group, number, size):
        return [group.spawn(node, number + i * size, size) for i in range(10)]

    with watch:
        for _ in range(times):
            assert (yield from node(0, size)) == size * (size - 1) // 2


def wake_future(times, size, watch):
    def body(group):
        future = Future()
        for _ in range(size):
            group.spawn(future.wait)
        yield from checkpoint()
        watch.start()
        future.set_result(None)

    for _ in range(times):
        yield from open_group(body)
        watch.stop()


def wake_event(times, size, watch):
    def wait(event):
        yield event

    def body(group):
        event = Event()
        for _ in range(size):
            group.spawn(wait, event)
        yield from checkpoint()
        watch.start()
        event.set()

    for _ in range(times):
        yield from open_group(body)
        watch.stop()


def race(times, size, watch):
    def win(group):
        yield from checkpoint()
        group.cancel()

    def body(group):
        for _ in range(size - 1):
            group.spawn(sleep, HOUR)
        group.spawn(win, group)

    with watch:
        for _ in range(times):
            yield from open_group(body)


def echo(announce):
    def serve(connection):
        with connection:
            while data := (yield from connection.receive()):
                yield from connection.send(data)

    def body(group):
        while True:
            connection = yield from server.accept()
            connection.plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            group.spawn(serve, connection)

    with listen("127.0.0.1", 0) as server:
        announce(server.plain.getsockname()[1])
        yield from open_group(body)


def job(item=None):
    yield from checkpoint()
    return item


def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            yield from answer(*arguments())
