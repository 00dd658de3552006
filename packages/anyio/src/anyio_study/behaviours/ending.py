"""Ctrl-C and the end of a run in AnyIO, and calls that it refuses."""

import contextlib
import gc
import os
import signal
import threading
import time
import warnings
from functools import partial

import anyio
import anyio.lowlevel
from anyio.abc import SocketAttribute


def interrupt_while_waiting():
    seen = set()

    async def waiting(name):
        try:
            await anyio.sleep_forever()
        finally:
            cleaned.add(name)

    async def interrupt():
        await anyio.wait_all_tasks_blocked()
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    async def main():
        async with anyio.create_task_group() as group:
            for call in (waiting, "a"), (waiting, "b"), (interrupt,):
                group.start_soon(*call)
            await waiting("main")

    for backend in ("asyncio", "trio"):
        cleaned = set()
        try:
            anyio.run(main, backend=backend)
        except* KeyboardInterrupt:
            every = cleaned == {"main", "a", "b"}
            seen.add(
                "of all" if every else "of the main task" if cleaned else "of none"
            )
    return seen


def interrupt_while_computing_asyncio():
    interrupts = 0

    async def main():
        nonlocal interrupts
        for interrupts in (1, 2, 3):
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))

    try:
        anyio.run(main, backend="asyncio")
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second"}.get(interrupts, "none")
    return "none"


def interrupt_while_computing_trio():
    interrupts = 0

    async def main():
        nonlocal interrupts
        for interrupts in (1, 2, 3):
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))

    try:
        anyio.run(main, backend="trio")
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second"}.get(interrupts, "none")
    return "none"


async def left_over_at_end_task_group():
    ended = []

    async def child():
        try:
            await anyio.sleep(1)
            ended.append("is waited for")
            print("finished")
        except anyio.get_cancelled_exc_class():
            ended.append("is cancelled")
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(child)
        await anyio.lowlevel.checkpoint()
    print("the block has ended")
    return ended[0] if ended else "is abandoned"


def left_over_at_end_thread():
    seen = set()

    def worker(stop, scope, ended):
        anyio.from_thread.run_sync(scope.cancel)
        stop.wait(60)
        ended.append("work")

    async def main():
        with anyio.CancelScope() as scope:
            await anyio.to_thread.run_sync(
                worker, stop, scope, ended, abandon_on_cancel=True
            )

    for backend in ("asyncio", "trio"):
        stop, ended = threading.Event(), []
        anyio.run(main, backend=backend)
        seen.add("is waited for" if ended else "is abandoned")
        stop.set()
    return seen


async def break_out_of_generator_dropped():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("numbers")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # trio warns
        async for _ in numbers():
            break
        if closed:
            return "at once"
        gc.collect()
    for _ in range(5):
        await anyio.lowlevel.checkpoint()
    return "at garbage collection" if closed else "at the end of the loop"


def break_out_of_generator_kept():
    seen = set()

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("numbers")

    async def main(generator):
        async for _ in generator:
            break
        gc.collect()
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        return "at once" if closed else "at the end of the loop"

    for backend in ("asyncio", "trio"):
        closed, generator = [], numbers()
        answer = anyio.run(main, generator, backend=backend)
        seen.add(answer if closed else "at garbage collection")
    return seen


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
            with anyio.fail_after(1):
                yield 1
                yield 2
        except TimeoutError:
            seen.append("the generator")

    async def consume():
        async with contextlib.aclosing(numbers()) as generator:
            async for _ in generator:
                try:
                    await anyio.sleep(2)
                except anyio.get_cancelled_exc_class():
                    seen.append("the consumer")
                    print("the consumer is cancelled")
                    raise

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(consume)
    except* Exception:
        pass
    return seen[0] if seen else "an error"


async def timeout_around_next():
    async def numbers():
        yield 1
        await anyio.sleep(60)
        yield 2

    async with contextlib.aclosing(numbers()) as generator:
        async for _ in generator:
            await anyio.sleep(2)
            break
        try:
            with anyio.fail_after(1):
                await anext(generator)
        except TimeoutError:
            return "works"


async def two_consumers():
    async def numbers():
        for number in range(4):
            await anyio.sleep(1)
            yield number

    async def consume(generator):
        async for _ in generator:
            pass

    answer = "yes"
    async with contextlib.aclosing(numbers()) as generator:
        try:
            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(consume, generator)
        except* RuntimeError:
            answer = "raises RuntimeError"
    return answer


async def consumers_of_a_stream():
    async def produce():
        with send:
            for number in range(4):
                await anyio.sleep(1)
                await send.send(number)

    async def consume(clone):
        with clone:
            async for number in clone:
                got.append(number)

    got = []
    send, receive = anyio.create_memory_object_stream()
    async with anyio.create_task_group() as group, receive:
        group.start_soon(produce)
        for _ in range(2):
            group.start_soon(consume, receive.clone())
    return "works" if sorted(got) == [0, 1, 2, 3] else "fails"


async def socket_closed_under_reader():
    async def reading(stream):
        try:
            return f"{await stream.receive()}"
        except anyio.EndOfStream:
            return "end of file"
        except anyio.ClosedResourceError:
            return "an error"
        except anyio.get_cancelled_exc_class():
            return "nothing, for ever"

    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listeners, anyio.create_task_group() as group:
        address = listeners.extra(SocketAttribute.local_address)
        client = await anyio.connect_tcp(*address)
        async with await listeners.listeners[0].accept():
            reader = group.start_soon(reading, client)
            await anyio.wait_all_tasks_blocked()
            await client.aclose()
            with anyio.move_on_after(10):
                await reader.wait()
            reader.cancel()
    return reader.return_value


async def server_closed_while_idle_aclose():
    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    address = listeners.extra(SocketAttribute.local_address)
    async with await anyio.connect_tcp(*address) as client:
        async with await listeners.listeners[0].accept() as served:
            await listeners.aclose()
            try:
                await served.send(b"still here")
                await client.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return "yes"
            return "no"


async def server_closed_while_idle_serve():
    connected = anyio.Event()

    async def handle(stream):
        async with stream:
            connected.set()
            await stream.receive()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        address = listener.extra(SocketAttribute.local_address)
        async with anyio.create_task_group() as group:
            server = group.start_soon(listener.serve, handle)
            async with await anyio.connect_tcp(*address) as client:
                await connected.wait()
                server.cancel()
                try:
                    with anyio.fail_after(10):
                        await client.receive()
                except TimeoutError:
                    return "no"
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return "yes"


async def subprocess_after_cancel_wait():
    async with await anyio.open_process(["cat"]) as cat:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await cat.wait()
        try:
            await cat.stdin.send(b"alive")
            data = await cat.stdout.receive()
        except (anyio.BrokenResourceError, anyio.EndOfStream):
            return "is killed"
        return "lives on" if data == b"alive" else "is killed"


async def subprocess_after_cancel_block():
    with anyio.CancelScope() as scope:
        async with await anyio.open_process(["sleep", "60"]) as program:
            scope.cancel()
            await program.wait()
    killed = program.returncode == -signal.SIGKILL
    return "is killed" if killed else "is waited for"


async def subprocess_after_cancel_run_process():
    reading, writing = os.pipe()
    with open(reading) as pids, open(writing, "w") as output:
        async with anyio.create_task_group() as group:
            command = "read line; echo $$; exec sleep 30"
            program = anyio.run_process(command, input=b"go\n", stdout=output)
            run = group.create_task(program)
            pid = int(await anyio.to_thread.run_sync(pids.readline))
            run.cancel()
            cancelled = anyio.current_time()
    if anyio.current_time() - cancelled > 20:
        return "is waited for"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "is killed"
    return "lives on"


def deadlock_detected():
    seen = set()

    async def worker(source, target):
        await target.send(await source.receive())

    async def main():
        (send, receive), (send_back, receive_back) = (
            anyio.create_memory_object_stream() for _ in range(2)
        )
        async with anyio.create_task_group() as group:
            group.start_soon(worker, receive, send_back)
            group.start_soon(worker, receive_back, send)

    for backend in ("asyncio", "trio"):
        run = partial(anyio.run, main, backend=backend)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(1)
        seen.add("no" if thread.is_alive() else "yes")
    return seen


async def lost_update():
    count = 0

    async def increment():
        nonlocal count
        before = count
        await anyio.lowlevel.checkpoint()
        count = before + 1

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(increment)
    return "yes" if count < 100 else "no"


async def update_in_lock():
    count = 0
    lock = anyio.Lock()

    async def increment():
        nonlocal count
        async with lock:
            before = count
            await anyio.lowlevel.checkpoint()
            count = before + 1

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(increment)
    return "works" if count == 100 else "fails"


async def ten_blocking_sleeps_tasks():
    async def child():
        time.sleep(0.1)

    begin = anyio.current_time()
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(child)
    return f"{anyio.current_time() - begin:.1g} s"


async def ten_blocking_sleeps_threads():
    begin = anyio.current_time()
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(anyio.to_thread.run_sync, time.sleep, 0.1)
    return f"{anyio.current_time() - begin:.1g} s"


async def run_inside_run():
    async def inner():
        return "yes"

    try:
        return anyio.run(inner)
    except RuntimeError:
        return "raises RuntimeError"


async def run_in_thread():
    async def inner():
        return "works"

    return await anyio.to_thread.run_sync(anyio.run, inner)


async def child_return_value():
    async def child():
        await anyio.sleep(1)
        return "yes"

    async with anyio.create_task_group() as group:
        handle = group.start_soon(child)
    return handle.return_value or "no"


async def results_in_input_order_gather():
    async def job(seconds):
        await anyio.sleep(seconds)
        return seconds

    results = await anyio.gather(job(3), job(1), job(2))
    print(results)
    return {(3, 1, 2): "input order", (1, 2, 3): "completion order"}[results]


async def results_in_input_order_amap():
    async def job(seconds):
        await anyio.sleep(seconds)
        return seconds

    results = await anyio.amap(job, [3, 1, 2])
    print(results)
    return {(3, 1, 2): "input order", (1, 2, 3): "completion order"}[tuple(results)]


async def results_in_input_order_as_completed():
    async def job(seconds):
        await anyio.sleep(seconds)
        return seconds

    async with anyio.as_completed(*map(job, (3, 1, 2))) as handles:
        results = [await handle async for handle in handles]
    print(results)
    return {(3, 1, 2): "input order", (1, 2, 3): "completion order"}[tuple(results)]


async def abandoned_thread_delays_exit_default():
    ended = []

    def worker():
        time.sleep(2)
        ended.append("work")
        print("the thread ends")

    with anyio.move_on_after(1):
        await anyio.to_thread.run_sync(worker)
    print("the block has ended")
    return "the caller waits" if ended else "run() waits"


async def abandoned_thread_delays_exit_abandon():
    threads, ended, stop = [], [], threading.Event()

    def worker():
        threads.append(threading.current_thread())
        anyio.from_thread.run_sync(scope.cancel)
        stop.wait(5)
        ended.append("work")

    with anyio.CancelScope() as scope:
        await anyio.to_thread.run_sync(worker, abandon_on_cancel=True)
    if ended:
        return "the caller waits"
    stop.set()
    return "nothing waits" if threads[0].daemon else "the exit waits"
