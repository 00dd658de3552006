"""The behaviour of asyncio at Ctrl-C, at the end of a run, and with resources."""

import asyncio
import contextlib
import gc
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def interrupt_while_waiting():
    tasks, cleaned = [], []

    async def waiting(name):
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(name)

    async def main():
        tasks.extend(asyncio.create_task(waiting(name)) for name in "ab")
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        loop.call_soon(signal.raise_signal, signal.SIGINT)
        await waiting("main")

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        if set(cleaned) == {"main", "a", "b"}:
            return "of all"
    return "of the main task" if cleaned == ["main"] else "of none"


def interrupt_while_computing():
    interrupts = 0

    async def main():
        nonlocal interrupts
        for interrupts in (1, 2, 3):
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second"}.get(interrupts, "none")
    return "none"


def left_over_at_end_task():
    ended = []

    async def child():
        try:
            await asyncio.sleep(0.1)
            ended.append("is waited for")
        except asyncio.CancelledError:
            ended.append("is cancelled")
            raise

    async def main():
        asyncio.create_task(child())
        await asyncio.sleep(0)

    asyncio.run(main())
    return ended[0] if ended else "is abandoned"


def left_over_at_end_thread():
    ended = []

    def worker():
        time.sleep(0.1)
        ended.append("is waited for")

    async def main():
        asyncio.get_running_loop().run_in_executor(None, worker)

    asyncio.run(main())
    return ended[0] if ended else "is abandoned"


async def left_over_at_end_task_group():
    ended = []

    async def child():
        try:
            await asyncio.sleep(1)
            ended.append("is waited for")
            print("finished")
        except asyncio.CancelledError:
            ended.append("is cancelled")
            raise

    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        await asyncio.sleep(0)
    print("the block has ended")
    return ended[0] if ended else "is abandoned"


async def break_out_of_generator_dropped():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("numbers")

    async for _ in numbers():
        break
    if closed:
        return "at once"
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    return "at garbage collection" if closed else "at the end of the loop"


def break_out_of_generator_kept():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("numbers")

    generator = numbers()

    async def main():
        async for _ in generator:
            break
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        return "at once" if closed else "at the end of the loop"

    answer = asyncio.run(main())
    return answer if closed else "at garbage collection"


async def generator_in_aclosing():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("works")

    async with contextlib.aclosing(numbers()) as generator:
        async for _ in generator:
            break
    return closed[0]


async def yield_inside_timeout():
    seen = []

    async def numbers():
        try:
            async with asyncio.timeout(1):
                yield 1
                yield 2
        except TimeoutError:
            seen.append("the generator")

    async def consume():
        async with contextlib.aclosing(numbers()) as generator:
            async for _ in generator:
                await asyncio.sleep(2)

    task = asyncio.create_task(consume())
    await asyncio.wait([task])
    if task.cancelled() and not seen:
        return "the consumer"
    return seen[0] if seen else "an error"


async def timeout_around_next():
    async def numbers():
        yield 1
        await asyncio.sleep(60)
        yield 2

    async with contextlib.aclosing(numbers()) as generator:
        async for _ in generator:
            await asyncio.sleep(2)
            break
        try:
            async with asyncio.timeout(1):
                await anext(generator)
        except TimeoutError:
            return "works"


async def two_consumers():
    async def numbers():
        for number in range(4):
            await asyncio.sleep(1)
            yield number

    async def consume():
        async for _ in generator:
            pass

    generator = numbers()
    results = await asyncio.gather(consume(), consume(), return_exceptions=True)
    failed = any(isinstance(each, RuntimeError) for each in results)
    return "raises RuntimeError" if failed else "yes"


async def consumers_of_a_queue():
    async def produce(queue):
        for number in range(4):
            await asyncio.sleep(1)
            await queue.put(number)

    async def consume(queue):
        return [await queue.get(), await queue.get()]

    queue = asyncio.Queue(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(queue))
        tasks = [group.create_task(consume(queue)) for _ in range(2)]
    got = sorted(number for task in tasks for number in task.result())
    return "works" if got == [0, 1, 2, 3] else "fails"


async def socket_closed_under_reader_streams():
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
        try:
            data = await asyncio.wait_for(reading, 1)
        except TimeoutError:
            return "nothing, for ever"
        except OSError:
            return "an error"
        return "end of file" if data == b"" else "data"


async def socket_closed_under_reader_sock_recv():
    ours, theirs = socket.socketpair()
    with theirs, ours:
        ours.setblocking(False)
        receive = asyncio.get_running_loop().sock_recv(ours, 1)
        reading = asyncio.create_task(receive)
        await asyncio.sleep(0)
        ours.close()
        try:
            data = await asyncio.wait_for(reading, 0.3)
        except TimeoutError:
            return "nothing, for ever"
        except OSError:
            return "an error"
        return "end of file" if data == b"" else "data"


async def server_closed_while_idle_close():
    accepted = asyncio.Queue()

    def serve(reader, writer):
        accepted.put_nowait(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*address)
    served = await accepted.get()
    server.close()
    served.write(b"still here\n")
    line = await reader.readline()
    for each in (writer, served):
        each.close()
        await each.wait_closed()
    return "no" if line == b"still here\n" else "yes"


async def server_closed_while_idle_close_clients():
    if not hasattr(asyncio.Server, "close_clients"):
        return "absent"
    accepted = asyncio.Queue()

    def serve(reader, writer):
        accepted.put_nowait(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*address)
    served = await accepted.get()
    server.close()
    server.close_clients()
    try:
        async with asyncio.timeout(1):
            answer = "yes" if await reader.read() == b"" else "no"
    except TimeoutError:
        answer = "no"
    for each in (writer, served):
        each.close()
        await each.wait_closed()
    return answer


async def subprocess_after_cancel():
    pipe = asyncio.subprocess.PIPE
    cat = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
    waiter = asyncio.create_task(cat.wait())
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait([waiter])
    cat.stdin.write(b"alive\n")
    line = await cat.stdout.readline()
    cat.stdin.close()
    await cat.wait()
    return "lives on" if line == b"alive\n" else "is killed"


async def subprocess_killed_in_finally():
    started = asyncio.get_running_loop().create_future()

    async def run_program():
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec("cat", stdin=pipe)
        started.set_result(program)
        try:
            await program.wait()
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()

    task = asyncio.create_task(run_program())
    program = await started
    task.cancel()
    await asyncio.wait([task])
    return "works" if program.returncode == -signal.SIGKILL else "fails"


def deadlock_detected():
    async def worker(source, target):
        await target.put(await source.get())

    async def main():
        one, two = asyncio.Queue(), asyncio.Queue()
        await asyncio.gather(worker(one, two), worker(two, one))

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    thread.join(1)
    return "no" if thread.is_alive() else "yes"


async def lost_update():
    count = 0

    async def increment():
        nonlocal count
        before = count
        await asyncio.sleep(0)
        count = before + 1

    await asyncio.gather(*(increment() for _ in range(100)))
    return "yes" if count < 100 else "no"


async def update_in_lock():
    count = 0
    lock = asyncio.Lock()

    async def increment():
        nonlocal count
        async with lock:
            before = count
            await asyncio.sleep(0)
            count = before + 1

    await asyncio.gather(*(increment() for _ in range(100)))
    return "works" if count == 100 else "fails"


async def ten_blocking_sleeps_tasks():
    async def child():
        time.sleep(0.1)

    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(child())
    return f"{loop.time() - begin:.1g} s"


async def ten_blocking_sleeps_pool():
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with ThreadPoolExecutor(10) as pool:
        sleeps = (loop.run_in_executor(pool, time.sleep, 0.1) for _ in range(10))
        await asyncio.gather(*sleeps)
    return f"{loop.time() - begin:.1g} s"


async def run_inside_run():
    async def inner():
        return "yes"

    coroutine = inner()
    try:
        return asyncio.run(coroutine)
    except RuntimeError:
        return "raises RuntimeError"
    finally:
        coroutine.close()


async def awaited_in_the_same_loop():
    async def inner():
        return "works"

    return await inner()


async def child_return_value():
    async def child():
        await asyncio.sleep(1)
        return "yes"

    task = asyncio.create_task(child())
    return await task or "no"


async def results_in_input_order_gather():
    async def job(seconds):
        await asyncio.sleep(seconds)
        return seconds

    results = await asyncio.gather(job(3), job(1), job(2))
    print(results)
    return {(3, 1, 2): "input order", (1, 2, 3): "completion order"}[tuple(results)]


async def results_in_input_order_as_completed():
    async def job(seconds):
        await asyncio.sleep(seconds)
        return seconds

    jobs = [job(3), job(1), job(2)]
    results = [await each for each in asyncio.as_completed(jobs)]
    print(results)
    return {(3, 1, 2): "input order", (1, 2, 3): "completion order"}[tuple(results)]


def abandoned_thread_delays_exit():
    started, timed_out = threading.Event(), threading.Event()
    ended = []

    def worker():
        started.set()
        timed_out.wait(60)
        time.sleep(0.1)
        ended.append("work")

    async def main():
        task = asyncio.create_task(asyncio.to_thread(worker))
        await asyncio.to_thread(started.wait)
        try:
            await asyncio.wait_for(task, 0.01)
        except TimeoutError:
            timed_out.set()

    asyncio.run(main())
    return "run() waits" if ended else "nothing waits"


def thread_stops_early():
    started, stop = threading.Event(), threading.Event()
    ended = []

    def worker():
        started.set()
        ended.append("works" if stop.wait(60) else "fails")

    async def main():
        task = asyncio.create_task(asyncio.to_thread(worker))
        await asyncio.to_thread(started.wait)
        try:
            await asyncio.wait_for(task, 0.01)
        except TimeoutError:
            stop.set()

    asyncio.run(main())
    return ended[0]
