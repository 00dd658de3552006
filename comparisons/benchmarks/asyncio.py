"""asyncio: task groups, queues and futures of the standard library."""

from __future__ import annotations

import asyncio

NEEDS = ("./packages/asyncio",)
STUDY = "asyncio_study"
HOUR = 3600


def run(function, *args):
    return asyncio.run(function(*args))


async def nothing():
    pass


async def spawn_and_join_group(times, size, watch):
    with watch:
        for _ in range(times):
            async with asyncio.TaskGroup() as group:
                for _ in range(size):
                    group.create_task(nothing())


async def spawn_and_join_gather(times, size, watch):
    with watch:
        for _ in range(times):
            await asyncio.gather(*[nothing() for _ in range(size)])


async def switch(times, size, watch):
    async def turns():
        for _ in range(times):
            await asyncio.sleep(0)

    with watch:
        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(turns())


async def ping_pong_queue(times, size, watch):
    there, back = asyncio.Queue(), asyncio.Queue()

    async def pong():
        for _ in range(times):
            back.put_nowait(await there.get())

    async with asyncio.TaskGroup() as group:
        group.create_task(pong())
        with watch:
            for ball in range(times):
                there.put_nowait(ball)
                await back.get()


async def ping_pong_future(times, size, watch):
    future = asyncio.get_running_loop().create_future
    there, back = future(), future()

    async def pong():
        nonlocal there
        for _ in range(times):
            ball = await there
            there = future()
            back.set_result(ball)

    async with asyncio.TaskGroup() as group:
        group.create_task(pong())
        with watch:
            for ball in range(times):
                there.set_result(ball)
                await back
                back = future()


async def pipeline(times, size, watch):
    first, second = asyncio.Queue(size), asyncio.Queue(size)

    async def source():
        for item in range(times):
            await first.put(item)

    async def stage():
        for _ in range(times):
            await second.put(await first.get())

    with watch:
        async with asyncio.TaskGroup() as group:
            group.create_task(source())
            group.create_task(stage())
            for _ in range(times):
                await second.get()


async def timers(times, size, watch):
    with watch:
        for _ in range(times):
            async with asyncio.TaskGroup() as group:
                for i in range(size):
                    group.create_task(asyncio.sleep(0.001 + i * 7919 % size / 1e7))


async def cancel_each(times, size, watch):
    for _ in range(times):
        sleepers = [asyncio.create_task(asyncio.sleep(HOUR)) for _ in range(size)]
        await asyncio.sleep(0)
        with watch:
            for sleeper in sleepers:
                sleeper.cancel()
            await asyncio.wait(sleepers)


async def cancel_group(times, size, watch):
    async def sleepers():
        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(asyncio.sleep(HOUR))

    for _ in range(times):
        owner = asyncio.create_task(sleepers())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with watch:
            owner.cancel()
            await asyncio.wait([owner])


async def memory_event(times, size, watch):
    gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        with watch:
            for _ in range(size):
                group.create_task(gate.wait())
            await asyncio.sleep(0)
        gate.set()


async def memory_future(times, size, watch):
    gate = asyncio.get_running_loop().create_future()

    async def wait():
        await gate

    async with asyncio.TaskGroup() as group:
        with watch:
            for _ in range(size):
                group.create_task(wait())
            await asyncio.sleep(0)
        gate.set_result(None)


async def skynet_group(times, size, watch):
    async def node(number, size):
        if size == 1:
            return number
        size //= 10
        async with asyncio.TaskGroup() as group:
            children = [
                group.create_task(node(number + i * size, size)) for i in range(10)
            ]
        return sum(child.result() for child in children)

    with watch:
        for _ in range(times):
            assert await node(0, size) == size * (size - 1) // 2


async def skynet_gather(times, size, watch):
    async def node(number, size):
        if size == 1:
            return number
        size //= 10
        return sum(
            await asyncio.gather(*[node(number + i * size, size) for i in range(10)])
        )

    with watch:
        for _ in range(times):
            assert await node(0, size) == size * (size - 1) // 2


async def wake_future(times, size, watch):
    for _ in range(times):
        future = asyncio.get_running_loop().create_future()

        async def wait(future=future):
            await future

        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(wait())
            await asyncio.sleep(0)
            watch.start()
            future.set_result(None)
        watch.stop()


async def wake_event(times, size, watch):
    for _ in range(times):
        event = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(size):
                group.create_task(event.wait())
            await asyncio.sleep(0)
            watch.start()
            event.set()
        watch.stop()


async def race_wait(times, size, watch):
    with watch:
        for _ in range(times):
            racers = [asyncio.create_task(asyncio.sleep(HOUR)) for _ in range(size - 1)]
            racers.append(asyncio.create_task(asyncio.sleep(0)))
            _, slower = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
            for racer in slower:
                racer.cancel()
            await asyncio.wait(slower)


async def race_group(times, size, watch):
    async def win():
        await asyncio.sleep(0)
        for racer in slower:
            racer.cancel()

    with watch:
        for _ in range(times):
            async with asyncio.TaskGroup() as group:
                slower = [
                    group.create_task(asyncio.sleep(HOUR)) for _ in range(size - 1)
                ]
                group.create_task(win())


async def echo(announce):
    async def serve(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def echo_protocols(announce):
    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def job(item=None):
    await asyncio.sleep(0)
    return item


async def call(times, watch, answer, arguments):
    with watch:
        for _ in range(times):
            await answer(*arguments())
