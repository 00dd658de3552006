"""trio: nurseries, memory channels and cancel scopes."""

from __future__ import annotations

from functools import partial

import trio
from trio.lowlevel import checkpoint

NEEDS = ("./packages/trio",)
STUDY = "trio_study"
HOUR = 3600


def run(function, *args):
    return trio.run(function, *args)


async def nothing():
    pass


async def spawn_and_join(times, size, watch):
    with watch:
        for _ in range(times):
            async with trio.open_nursery() as nursery:
                for _ in range(size):
                    nursery.start_soon(nothing)


async def switch(times, size, watch):
    async def turns():
        for _ in range(times):
            await checkpoint()

    with watch:
        async with trio.open_nursery() as nursery:
            for _ in range(size):
                nursery.start_soon(turns)


async def ping_pong_channel(times, size, watch):
    there_in, there_out = trio.open_memory_channel(1)
    back_in, back_out = trio.open_memory_channel(1)

    async def pong():
        for _ in range(times):
            await back_in.send(await there_out.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pong)
        with watch:
            for ball in range(times):
                await there_in.send(ball)
                await back_out.receive()


async def ping_pong_event(times, size, watch):
    there, back = trio.Event(), trio.Event()

    async def pong():
        nonlocal there
        for _ in range(times):
            await there.wait()
            there = trio.Event()
            back.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pong)
        with watch:
            for _ in range(times):
                there.set()
                await back.wait()
                back = trio.Event()


async def pipeline(times, size, watch):
    first_in, first_out = trio.open_memory_channel(size)
    second_in, second_out = trio.open_memory_channel(size)

    async def source():
        for item in range(times):
            await first_in.send(item)

    async def stage():
        for _ in range(times):
            await second_in.send(await first_out.receive())

    with watch:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source)
            nursery.start_soon(stage)
            for _ in range(times):
                await second_out.receive()


async def timers(times, size, watch):
    with watch:
        for _ in range(times):
            async with trio.open_nursery() as nursery:
                for i in range(size):
                    nursery.start_soon(trio.sleep, 0.001 + i * 7919 % size / 1e7)


async def cancel(times, size, watch):
    for _ in range(times):
        async with trio.open_nursery() as nursery:
            for _ in range(size):
                nursery.start_soon(trio.sleep, HOUR)
            await checkpoint()
            await checkpoint()
            watch.start()
            nursery.cancel_scope.cancel()
        watch.stop()


async def memory(times, size, watch):
    gate = trio.Event()
    async with trio.open_nursery() as nursery:
        with watch:
            for _ in range(size):
                nursery.start_soon(gate.wait)
            await checkpoint()
            await checkpoint()
        gate.set()


async def skynet(times, size, watch):
    async def node(number, size, results):
        if size > 1:
            size //= 10
            below = []
            async with trio.open_nursery() as nursery:
                for i in range(10):
                    nursery.start_soon(node, number + i * size, size, below)
            number = sum(below)
        results.append(number)

    with watch:
        for _ in range(times):
            results = []
            await node(0, size, results)
            assert results == [size * (size - 1) // 2]


async def wake(times, size, watch):
    for _ in range(times):
        event = trio.Event()
        async with trio.open_nursery() as nursery:
            for _ in range(size):
                nursery.start_soon(event.wait)
            await checkpoint()
            await checkpoint()
            watch.start()
            event.set()
        watch.stop()


async def race(times, size, watch):
    async def win(nursery):
        await checkpoint()
        nursery.cancel_scope.cancel()

    with watch:
        for _ in range(times):
            async with trio.open_nursery() as nursery:
                for _ in range(size - 1):
                    nursery.start_soon(trio.sleep, HOUR)
                nursery.start_soon(win, nursery)


async def echo(announce):
    async def serve(stream):
        while data := await stream.receive_some(65536):
            await stream.send_all(data)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(
            partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        )
        announce(listener.socket.getsockname()[1])


async def job(item=None):
    await checkpoint()
    return item


async def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            await answer(*arguments())
