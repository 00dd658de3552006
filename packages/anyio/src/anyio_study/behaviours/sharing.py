"""Locks, streams, results and contexts in AnyIO."""

import contextvars
import threading
import time
from functools import partial

import anyio
import anyio.lowlevel


async def unlock_by_another_lock():
    lock = anyio.Lock()

    async def other():
        lock.release()

    await lock.acquire()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(other)
    except* RuntimeError:
        pass
    return "raises RuntimeError" if lock.locked() else "no"


async def unlock_by_another_semaphore():
    semaphore = anyio.Semaphore(1)

    async def other():
        semaphore.release()

    await semaphore.acquire()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(other)
    except* RuntimeError:
        pass
    return "no" if semaphore.value else "raises RuntimeError"


async def release_what_is_not_held_lock():
    try:
        anyio.Lock().release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_semaphore():
    try:
        anyio.Semaphore(1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_bounded_semaphore():
    try:
        anyio.Semaphore(1, max_value=1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_limiter():
    try:
        anyio.CapacityLimiter(1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def owner_locks_again():
    lock = anyio.Lock()
    try:
        with anyio.fail_after(3600):
            async with lock, lock:
                return "gets it"
    except TimeoutError:
        return "waits for ever"
    except RuntimeError:
        return "raises RuntimeError"


async def holder_ends():
    lock = anyio.Lock()
    got = []

    async def holder():
        await lock.acquire()
        await anyio.sleep(2)

    async def waiter():
        await anyio.sleep(1)
        await lock.acquire()
        got.append("the lock")

    with anyio.move_on_after(3600):
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(holder)
                group.start_soon(waiter)
        except* Exception:
            got.append("an error")
    return got[0] if got else "nothing, for ever"


async def holder_releases():
    lock = anyio.Lock()

    async def holder():
        async with lock:
            raise ValueError

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(holder)
    except* ValueError:
        pass
    with anyio.fail_after(1):
        async with lock:
            return "works"


async def releaser_takes_back():
    lock = anyio.Lock()
    order = []

    async def waiter():
        async with lock:
            order.append("waiter")
            print("has the lock")

    async with anyio.create_task_group() as group:
        await lock.acquire()
        group.start_soon(waiter)
        await anyio.sleep(1)
        lock.release()
        print("released")
        async with lock:
            order.append("releaser")
            print("has the lock again")
    return "yes" if order == ["releaser", "waiter"] else "no"


async def default_capacity():
    send, receive = anyio.create_memory_object_stream()
    with send, receive:
        try:
            for number in range(100_000):
                send.send_nowait(number)
        except anyio.WouldBlock:
            return "zero" if number == 0 else str(number)
    return "unlimited"


async def newcomer_steals():
    got = []

    async def getter():
        got.append(await receive.receive())
        print("got the value")

    send, receive = anyio.create_memory_object_stream(1)
    async with anyio.create_task_group() as group, send, receive:
        group.start_soon(getter)
        await anyio.sleep(1)
        send.send_nowait("value")
        try:
            receive.receive_nowait()
        except anyio.WouldBlock:
            print("nothing left to take")
            await anyio.sleep(1)
            return "no" if got == ["value"] else "yes"
        group.cancel_scope.cancel()
    return "yes"


async def first_come_first_served_lock():
    lock = anyio.Lock()
    served = []

    async def locking(number):
        async with lock:
            served.append(number)

    async with anyio.create_task_group() as group, lock:
        for number in range(10):
            group.start_soon(locking, number)
            await anyio.sleep(1)
    return "yes" if served == list(range(10)) else "no"


async def first_come_first_served_stream():
    got = {}

    async def getter(number):
        got[number] = await receive.receive()

    send, receive = anyio.create_memory_object_stream()
    async with send, receive, anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(getter, number)
            await anyio.sleep(1)
        for number in range(10):
            send.send_nowait(number)
    return "yes" if got == {number: number for number in range(10)} else "no"


async def close_with_waiters_receive():
    async def getter():
        try:
            return await receive.receive()
        except anyio.EndOfStream:
            print("caught EndOfStream")
            return "raises an error"

    send, receive = anyio.create_memory_object_stream()
    with receive, anyio.move_on_after(3600):
        async with anyio.create_task_group() as group:
            handle = group.start_soon(getter)
            await anyio.sleep(1)
            send.close()
            print("closed")
        return handle.return_value
    return "they wait on"


async def close_with_waiters_async_for():
    async def getter():
        async for _ in receive:
            return "gets something"
        print("the loop has ended")
        return "ends their loop"

    send, receive = anyio.create_memory_object_stream()
    with receive, anyio.move_on_after(3600):
        async with anyio.create_task_group() as group:
            handle = group.start_soon(getter)
            await anyio.sleep(1)
            send.close()
            print("closed")
        return handle.return_value
    return "they wait on"


async def close_with_waiters_own_end():
    async def getter():
        try:
            async for _ in receive:
                return "gets something"
        except anyio.ClosedResourceError:
            print("caught ClosedResourceError")
            return "raises an error"
        return "ends their loop"

    send, receive = anyio.create_memory_object_stream()
    with send, anyio.move_on_after(3600):
        async with anyio.create_task_group() as group:
            handle = group.start_soon(getter)
            await anyio.sleep(1)
            receive.close()
            print("closed")
        return handle.return_value
    return "they wait on"


async def result_set_twice():
    future = anyio.Future()
    future.return_value = "first"
    try:
        future.return_value = "second"
    except anyio.FutureAlreadyFinished:
        return "raises an error"
    return "replaces it" if await future == "second" else "nothing"


async def worker_dies_before_task_done():
    send, receive = anyio.create_memory_object_stream(1)
    with send, receive:
        names = ("task_done", "join", "wait_empty")
        if any(hasattr(end, name) for end in (send, receive) for name in names):
            return "yes"
    return "absent"


async def context_inherited():
    user = contextvars.ContextVar("user", default="default")
    seen = []

    async def child():
        seen.append(user.get())

    async with anyio.create_task_group() as group:
        user.set("Alice")
        group.start_soon(child)
        user.set("Bob")
    return "yes" if seen == ["Alice"] else "no"


async def context_in_worker_thread():
    user = contextvars.ContextVar("user", default="default")
    user.set("Alice")
    seen = await anyio.to_thread.run_sync(user.get)
    return "yes" if seen == "Alice" else "no"


async def thread_local_per_task():
    local = threading.local()

    async def child(name):
        local.name = name
        await anyio.sleep(1)
        print(f"{name} sees {local.name}")
        return local.name

    names = await anyio.gather(child("one"), child("two"))
    return "yes" if names == ("one", "two") else "no"


async def context_variable_per_task():
    variable = contextvars.ContextVar("variable")

    async def child(name):
        variable.set(name)
        await anyio.sleep(1)
        return variable.get()

    names = await anyio.gather(child("one"), child("two"))
    return "works" if names == ("one", "two") else "fails"


async def foreign_thread_wakes_set():
    event = anyio.Event()
    refused = []

    def worker():
        time.sleep(1)
        print("sets the event")
        try:
            event.set()
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=worker)
    thread.start()
    begin = anyio.current_time()
    with anyio.move_on_after(5):
        await event.wait()
    print("the wait is over")
    thread.join()
    if refused:
        return "raises RuntimeError"
    return "yes" if round(anyio.current_time() - begin) == 1 else "no"


async def foreign_thread_wakes_run_sync():
    event = anyio.Event()

    def worker():
        time.sleep(1)
        print("sets the event")
        anyio.from_thread.run_sync(event.set)
        time.sleep(1)

    begin = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, worker)
        with anyio.move_on_after(60):
            await event.wait()
        print("the wait is over")
        return "yes" if round(anyio.current_time() - begin) == 1 else "no"


async def foreign_thread_wakes_token():
    event = anyio.Event()
    token = anyio.lowlevel.current_token()

    def worker():
        time.sleep(1)
        print("sets the event")
        anyio.from_thread.run_sync(event.set, token=token)

    thread = threading.Thread(target=worker)
    thread.start()
    begin = anyio.current_time()
    with anyio.move_on_after(60):
        await event.wait()
    print("the wait is over")
    thread.join()
    return "yes" if round(anyio.current_time() - begin) == 1 else "no"


def lock_outlives_loop():
    seen = set()

    async def hold(lock):
        async with lock:
            await anyio.sleep(0)

    async def contend(lock):
        await anyio.gather(hold(lock), hold(lock))

    for backend in ("asyncio", "trio"):
        lock = anyio.Lock()
        anyio.run(contend, lock, backend=backend)
        try:
            anyio.run(contend, lock, backend=backend)
            seen.add("yes")
        except* RuntimeError:
            seen.add("raises RuntimeError")
    return seen


async def nested_pool():
    limiter = anyio.CapacityLimiter(1)
    in_pool = partial(anyio.to_thread.run_sync, limiter=limiter)

    def outer():
        return anyio.from_thread.run(in_pool, str, "completes")

    return await in_pool(outer)


async def nested_pools():
    outer_limiter, inner_limiter = anyio.CapacityLimiter(1), anyio.CapacityLimiter(1)
    in_outer = partial(anyio.to_thread.run_sync, limiter=outer_limiter)
    in_inner = partial(anyio.to_thread.run_sync, limiter=inner_limiter)

    def outer():
        return anyio.from_thread.run(in_inner, str, "works")

    return await in_outer(outer)


async def notify_without_lock():
    condition = anyio.Condition()

    async def waiting():
        async with condition:
            await condition.wait()

    async with anyio.create_task_group() as group:
        handle = group.start_soon(waiting)
        await anyio.sleep(1)
        try:
            condition.notify()
            await anyio.sleep(1)
            pending = handle.status is anyio.TaskHandle.Status.PENDING
            answer = "nothing" if pending else "wakes a waiter"
        except RuntimeError:
            answer = "raises RuntimeError"
            print("notify has raised")
        group.cancel_scope.cancel()
    return answer


async def extra_semaphore_release_semaphore():
    semaphore = anyio.Semaphore(1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if semaphore.value == 2 else "nothing"


async def extra_semaphore_release_bounded():
    semaphore = anyio.Semaphore(1, max_value=1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if semaphore.value == 2 else "nothing"


async def extra_semaphore_release_limiter():
    limiter = anyio.CapacityLimiter(1)
    try:
        limiter.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if limiter.available_tokens == 2 else "nothing"


async def yielding_starves_timers():
    fired = []

    async def timer(due):
        with anyio.move_on_at(due):
            await anyio.sleep_forever()
        fired.append("timer")

    rounds = 0
    async with anyio.create_task_group() as group:
        due = anyio.current_time() + 0.05
        group.start_soon(timer, due)
        while not fired and rounds < 1000:
            await anyio.lowlevel.checkpoint()
            rounds += anyio.current_time() >= due
    if rounds == 1000:
        return "never"
    return "at once" if rounds < 10 else "later"
