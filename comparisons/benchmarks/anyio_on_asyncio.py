"""anyio-on-asyncio: task groups, memory object streams and cancel scopes of AnyIO."""

from __future__ import annotations

import anyio
from anyio.abc import SocketAttribute
from anyio.lowlevel import checkpoint

NEEDS = ("./packages/anyio",)
STUDY = "anyio_study"
HOUR = 3600


def run(function, *args):
    return anyio.run(function, *args)


async def nothing():
    pass


async def spawn_and_join(times, size, watch):
    with watch:
        for _ in range(times):
            async with anyio.create_task_group() as group:
                for _ in range(size):
                    group.start_soon(nothing)


async def switch(times, size, watch):
    async def turns():
        for _ in range(times):
            await checkpoint()

    with watch:
        async with anyio.create_task_group() as group:
            for _ in range(size):
                group.start_soon(turns)


async def ping_pong_stream(times, size, watch):
    there_in, there_out = anyio.create_memory_object_stream(1)
    back_in, back_out = anyio.create_memory_object_stream(1)

    async def pong():
        for _ in range(times):
            await back_in.send(await there_out.receive())

    with there_in, there_out, back_in, back_out:
        async with anyio.create_task_group() as group:
            group.start_soon(pong)
            with watch:
                for ball in range(times):
                    await there_in.send(ball)
                    await back_out.receive()


async def ping_pong_event(times, size, watch):
    there, back = anyio.Event(), anyio.Event()

    async def pong():
        nonlocal there
        for _ in range(times):
            await there.wait()
            there = anyio.Event()
            back.set()

    async with anyio.create_task_group() as group:
        group.start_soon(pong)
        with watch:
            for _ in range(times):
                there.set()
                await back.wait()
                back = anyio.Event()


async def pipeline(times, size, watch):
    first_in, first_out = anyio.create_memory_object_stream(size)
    second_in, second_out = anyio.create_memory_object_stream(size)

    async def source():
        for item in range(times):
            await first_in.send(item)

    async def stage():
        for _ in range(times):
            await second_in.send(await first_out.receive())

    with watch, first_in, first_out, second_in, second_out:
        async with anyio.create_task_group() as group:
            group.start_soon(source)
            group.start_soon(stage)
            for _ in range(times):
                await second_out.receive()


async def timers(times, size, watch):
    with watch:
        for _ in range(times):
            async with anyio.create_task_group() as group:
                for i in range(size):
                    group.start_soon(anyio.sleep, 0.001 + i * 7919 % size / 1e7)


async def cancel(times, size, watch):
    for _ in range(times):
        async with anyio.create_task_group() as group:
            for _ in range(size):
                group.start_soon(anyio.sleep, HOUR)
            await checkpoint()
            await checkpoint()
            watch.start()
            group.cancel_scope.cancel()
        watch.stop()


async def memory(times, size, watch):
    gate = anyio.Event()
    async with anyio.create_task_group() as group:
        with watch:
            for _ in range(size):
                group.start_soon(gate.wait)
            await checkpoint()
            await checkpoint()
        gate.set()


async def skynet(times, size, watch):
    async def node(number, size):
        if size == 1:
            return number
        size //= 10
        async with anyio.create_task_group() as group:
            children = [
                group.start_soon(node, number + i * size, size) for i in range(10)
            ]
        return sum(child.return_value for child in children)

    with watch:
        for _ in range(times):
            assert await node(0, size) == size * (size - 1) // 2


async def wake(times, size, watch):
    for _ in range(times):
        event = anyio.Event()
        async with anyio.create_task_group() as group:
            for _ in range(size):
                group.start_soon(event.wait)
            await checkpoint()
            await checkpoint()
            watch.start()
            event.set()
        watch.stop()


async def race(times, size, watch):
    async def win(group):
        await checkpoint()
        group.cancel_scope.cancel()

    with watch:
        for _ in range(times):
            async with anyio.create_task_group() as group:
                for _ in range(size - 1):
                    group.start_soon(anyio.sleep, HOUR)
                group.start_soon(win, group)


async def echo(announce):
    async def serve(stream):
        async with stream:
            while True:
                try:
                    data = await stream.receive()
                except anyio.EndOfStream:
                    return
                await stream.send(data)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    announce(listener.extra(SocketAttribute.local_port))
    await listener.serve(serve)


async def job(item=None):
    await checkpoint()
    return item


async def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            await answer(*arguments())
