"""The behaviour of trio at Ctrl-C, at the end of a run, and with resources."""

import contextlib
import functools
import gc
import signal
import subprocess
import threading
import time
import warnings

import trio
import trio.testing


def interrupt_while_waiting():
    cleaned = []

    async def waiting(name):
        try:
            await trio.sleep_forever()
        finally:
            cleaned.append(name)

    async def ctrl_c():
        await trio.testing.wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)

    async def main():
        trio.lowlevel.spawn_system_task(ctrl_c)  # these never get Ctrl-C themselves
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting, "a")
            nursery.start_soon(waiting, "b")
            await waiting("main")

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) and set(cleaned) == {"main", "a", "b"}:
            return "of all"
    return "of the main task" if cleaned == ["main"] else "of none"


def interrupt_caught():
    interrupted = False

    async def child():
        raise KeyboardInterrupt  # as Ctrl-C does

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    try:
        trio.run(main)
    except* KeyboardInterrupt:
        interrupted = True
    return "works" if interrupted else "fails"


def interrupt_while_computing():
    interrupts = 0

    async def child():
        nonlocal interrupts
        for interrupts in (1, 2, 3):
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt):
            return {1: "the first", 2: "the second"}.get(interrupts, "none")
    return "none"


def left_over_at_end_nursery():
    ended = []

    async def child():
        try:
            await trio.sleep(0.05)
            ended.append("is waited for")
        except trio.Cancelled:
            ended.append("is cancelled")
            raise

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    trio.run(main)
    return ended[0] if ended else "is abandoned"


def left_over_at_end_system_task():
    ended = []

    async def child():
        try:
            await trio.sleep(5)
            ended.append("is waited for")
        except trio.Cancelled:
            ended.append("is cancelled")
            raise

    async def main():
        trio.lowlevel.spawn_system_task(child)
        await trio.testing.wait_all_tasks_blocked()

    trio.run(main)
    return ended[0] if ended else "is abandoned"


async def break_out_of_generator_dropped():
    closed = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append("numbers")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        async for _ in numbers():
            break
        if closed:
            return "at once"
        gc.collect()
        await trio.testing.wait_all_tasks_blocked()
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
        await trio.testing.wait_all_tasks_blocked()
        return "at once" if closed else "at the end of the loop"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        answer = trio.run(main)
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


async def yield_inside_timeout_generator():
    seen = []

    async def numbers():
        try:
            with trio.fail_after(1):
                yield 1
                yield 2
        except trio.TooSlowError:
            seen.append("the generator")

    async def consume():
        async with contextlib.aclosing(numbers()) as generator:
            async for _ in generator:
                try:
                    await trio.sleep(2)
                except trio.Cancelled:
                    seen.append("the consumer")
                    print("the consumer is cancelled")
                    raise

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume)
    except ExceptionGroup:
        return "an error"
    return seen[0] if len(seen) == 1 else "an error"


async def yield_inside_timeout_safe_channel():
    seen = []

    @trio.as_safe_channel
    async def numbers():
        try:
            with trio.fail_after(1):
                yield 1
                yield 2
        except trio.TooSlowError:
            seen.append("the generator")

    async with numbers() as channel:
        async for _ in channel:
            try:
                await trio.sleep(2)
            except trio.Cancelled:
                seen.append("the consumer")
                print("the consumer is cancelled")
                raise
    return seen[0] if len(seen) == 1 else "an error"


async def timeout_without_yield():
    got = []

    async def numbers():
        for number in range(3):
            with trio.fail_after(2):
                await trio.sleep(1)
            yield number

    async with contextlib.aclosing(numbers()) as generator:
        async for number in generator:
            await trio.sleep(5)
            got.append(number)
    return "works" if got == [0, 1, 2] else "fails"


async def two_consumers():
    seen = "yes"

    async def numbers():
        for number in range(4):
            await trio.sleep(1)
            yield number

    async def consume(generator):
        async for _ in generator:
            pass

    try:
        async with contextlib.aclosing(numbers()) as generator:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(consume, generator)
                nursery.start_soon(consume, generator)
    except* RuntimeError:
        seen = "raises RuntimeError"
    return seen


async def consumers_of_a_channel():
    got = []

    async def produce(send_channel):
        async with send_channel:
            for number in range(4):
                await trio.sleep(1)
                await send_channel.send(number)

    async def consume(receive_channel):
        async with receive_channel:
            got.extend([number async for number in receive_channel])

    send_channel, receive_channel = trio.open_memory_channel(0)
    async with trio.open_nursery() as nursery, receive_channel:
        nursery.start_soon(produce, send_channel)
        nursery.start_soon(consume, receive_channel.clone())
        nursery.start_soon(consume, receive_channel.clone())
    return "works" if sorted(got) == [0, 1, 2, 3] else "fails"


async def socket_closed_under_reader():
    ours, theirs = trio.socket.socketpair()
    answer = "nothing, for ever"

    async def reader():
        nonlocal answer
        try:
            data = await ours.recv(1)
            answer = "end of file" if data == b"" else "data"
        except trio.ClosedResourceError:
            answer = "an error"

    with theirs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader)
            await trio.testing.wait_all_tasks_blocked()
            ours.close()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    return answer


async def server_closed_while_idle_nursery():
    accepted = trio.Event()

    async def serve(stream):
        accepted.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        server = functools.partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        listeners = await nursery.start(server)
        client = await trio.testing.open_stream_to_socket_listener(listeners[0])
        await accepted.wait()
        nursery.cancel_scope.cancel()
    async with client:
        with trio.move_on_after(10):
            return "yes" if await client.receive_some() == b"" else "no"
    return "no"


async def server_closed_while_idle_handler_nursery():
    accepted, closed = trio.Event(), trio.Event()

    async def serve(stream):
        accepted.set()
        await closed.wait()
        await stream.send_all(b"still here")

    server = functools.partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
    async with trio.open_nursery() as handlers:
        async with trio.open_nursery() as nursery:
            started = functools.partial(server, handler_nursery=handlers)
            listeners = await nursery.start(started)
            client = await trio.testing.open_stream_to_socket_listener(listeners[0])
            await accepted.wait()
            nursery.cancel_scope.cancel()
        closed.set()
        async with client:
            data = await client.receive_some()
    return "no" if data == b"still here" else "yes"


async def subprocess_after_cancel_run_process():
    async with trio.open_nursery() as nursery:
        run = functools.partial(trio.run_process, ["cat"], stdin=subprocess.PIPE)
        process = await nursery.start(run)
        nursery.cancel_scope.cancel()
    if process.returncode is None:
        process.kill()
        await process.wait()
        return "lives on"
    return "is waited for" if process.returncode == 0 else "is killed"


async def subprocess_after_cancel_wait():
    pipe = subprocess.PIPE
    process = await trio.lowlevel.open_process(["cat"], stdin=pipe, stdout=pipe)
    with trio.CancelScope() as scope:
        scope.cancel()
        await process.wait()
    async with process.stdin, process.stdout:
        try:
            await process.stdin.send_all(b"alive")
            data = await process.stdout.receive_some()
        except trio.BrokenResourceError:
            data = b""
    await process.wait()
    return "lives on" if data == b"alive" else "is killed"


def deadlock_detected():
    async def worker(mine, other):
        async with mine:
            await trio.sleep(0.01)
            async with other:
                pass

    async def main():
        one, two = trio.Lock(), trio.Lock()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker, one, two)
            nursery.start_soon(worker, two, one)

    thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    thread.join(1)
    return "no" if thread.is_alive() else "yes"


async def lost_update():
    count = 0

    async def increment():
        nonlocal count
        before = count
        await trio.lowlevel.checkpoint()
        count = before + 1

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(increment)
    return "yes" if count < 100 else "no"


async def update_in_lock():
    count = 0
    lock = trio.Lock()

    async def increment():
        nonlocal count
        async with lock:
            before = count
            await trio.lowlevel.checkpoint()
            count = before + 1

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(increment)
    return "works" if count == 100 else "fails"


async def ten_blocking_sleeps_tasks():
    async def child():
        time.sleep(0.1)

    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(child)
    return f"{trio.current_time() - begin:.1g} s"


async def ten_blocking_sleeps_threads():
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(trio.to_thread.run_sync, time.sleep, 0.1)
    return f"{trio.current_time() - begin:.1g} s"


async def run_inside_run():
    async def inner():
        return "yes"

    try:
        return trio.run(inner)
    except RuntimeError:
        return "raises RuntimeError"


async def run_in_thread():
    async def inner():
        return "works"

    return await trio.to_thread.run_sync(trio.from_thread.run, inner)


async def child_return_value():
    async def child():
        return "yes"

    async with trio.open_nursery() as nursery:
        spawned = nursery.start_soon(child)
    return "no" if spawned is None else "yes"


async def results_in_a_list():
    results = [None] * 3

    async def child(number):
        await trio.sleep(3 - number)
        results[number] = number * number

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(child, number)
    return "works" if results == [0, 1, 4] else "fails"


async def results_in_input_order():
    names = ("gather", "map", "amap", "wait", "run_all")
    owners = (trio, trio.Nursery, trio.lowlevel)
    if any(hasattr(owner, name) for owner in owners for name in names):
        return "input order"
    async with trio.open_nursery() as nursery:
        results = [nursery.start_soon(trio.sleep, each) for each in (3, 1, 2)]
    return "absent" if results == [None] * 3 else "input order"


def abandoned_thread_delays_exit_default():
    ended = []

    def worker(scope):
        trio.from_thread.run_sync(scope.cancel)
        time.sleep(0.1)
        ended.append("work")

    async def main():
        with trio.CancelScope() as scope:
            await trio.to_thread.run_sync(worker, scope)
        return "the caller waits" if ended else "run() waits"

    answer = trio.run(main)
    return answer if ended else "nothing waits"


def abandoned_thread_delays_exit_abandon():
    release, workers, ended = threading.Event(), [], []

    def working(scope):
        workers.append(threading.current_thread())
        trio.from_thread.run_sync(scope.cancel)
        release.wait(60)
        ended.append("work")

    async def main():
        with trio.CancelScope() as scope:
            run_sync = trio.to_thread.run_sync
            await run_sync(working, scope, abandon_on_cancel=True)
        return "the caller waits" if ended else "run() waits"

    answer = trio.run(main)
    if ended:
        return answer
    (worker,) = workers
    release.set()
    return "nothing waits" if worker.daemon else "the exit waits"
