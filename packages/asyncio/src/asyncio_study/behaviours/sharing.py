"""The behaviour of locks, queues, results and contexts that tasks share."""

import asyncio
import contextlib
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor


async def unlock_by_another():
    lock = asyncio.Lock()

    async def other():
        lock.release()

    await lock.acquire()
    try:
        await asyncio.create_task(other())
    except RuntimeError:
        return "raises RuntimeError"
    return "no"


async def release_what_is_not_held():
    try:
        asyncio.Lock().release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_semaphore():
    try:
        asyncio.Semaphore(1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_bounded_semaphore():
    try:
        asyncio.BoundedSemaphore(1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def owner_locks_again():
    lock = asyncio.Lock()
    try:
        async with lock, asyncio.timeout(3600), lock:
            return "gets it"
    except TimeoutError:
        return "waits for ever"
    except RuntimeError:
        return "raises RuntimeError"


async def holder_ends():
    lock = asyncio.Lock()

    async def holder():
        await lock.acquire()

    await asyncio.create_task(holder())
    try:
        async with asyncio.timeout(3600), lock:
            return "the lock"
    except TimeoutError:
        print("still waits")
        return "nothing, for ever"
    except RuntimeError:
        return "an error"


async def holder_releases():
    lock = asyncio.Lock()

    async def holder():
        async with lock:
            raise ValueError

    with contextlib.suppress(ValueError):
        await asyncio.create_task(holder())
    async with asyncio.timeout(1), lock:
        return "works"


async def releaser_takes_back():
    lock = asyncio.Lock()
    order = []

    async def waiter():
        async with lock:
            order.append("waiter")
            print("has the lock")

    await lock.acquire()
    task = asyncio.create_task(waiter())
    await asyncio.sleep(1)
    lock.release()
    print("released")
    async with lock:
        order.append("releaser")
        print("has the lock again")
    await task
    return "yes" if order == ["releaser", "waiter"] else "no"


async def default_capacity():
    queue = asyncio.Queue()
    try:
        async with asyncio.timeout(1):
            for number in range(100_000):
                await queue.put(number)
    except TimeoutError:
        return "zero"
    return "unlimited" if queue.qsize() == 100_000 else "zero"


async def newcomer_steals():
    queue = asyncio.Queue()

    async def get():
        item = await queue.get()
        print(f"got the {item} item")
        return item

    getter = asyncio.create_task(get())
    await asyncio.sleep(1)
    queue.put_nowait("first")
    stolen = await queue.get()
    print(f"took the {stolen} item")
    queue.put_nowait("second")
    return "yes" if (stolen, await getter) == ("first", "second") else "no"


async def first_come_first_served_lock():
    lock = asyncio.Lock()
    served = []

    async def locking(number):
        async with lock:
            served.append(number)

    async with asyncio.TaskGroup() as group:
        async with lock:
            for number in range(10):
                group.create_task(locking(number))
            await asyncio.sleep(1)
    return "yes" if served == sorted(served) else "no"


async def first_come_first_served_queue():
    queue = asyncio.Queue()
    served = []

    async def getting(number):
        await queue.get()
        served.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(getting(number))
        await asyncio.sleep(1)
        for number in range(10):
            queue.put_nowait(number)
    return "yes" if served == sorted(served) else "no"


async def close_with_waiters():
    if not hasattr(asyncio.Queue, "shutdown"):
        return "absent"
    queue = asyncio.Queue()
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    queue.shutdown()
    print("shut down")
    done, _ = await asyncio.wait([getter], timeout=3600)
    if not done:
        return "they wait on"
    is_error = isinstance(getter.exception(), asyncio.QueueShutDown)
    return "raises an error" if is_error else "ends their loop"


async def result_set_twice():
    future = asyncio.get_running_loop().create_future()
    future.set_result("first")
    try:
        future.set_result("second")
    except asyncio.InvalidStateError:
        return "raises an error"
    return "replaces it" if future.result() == "second" else "nothing"


async def worker_dies_before_task_done():
    queue = asyncio.Queue()

    async def worker():
        while True:
            await queue.get()
            raise ValueError

    queue.put_nowait("item")
    task = asyncio.create_task(worker())
    try:
        await asyncio.wait_for(queue.join(), 3600)
    except TimeoutError:
        print("join still waits")
        return "yes" if task.exception() else "no"
    return "no"


async def task_done_in_finally():
    queue = asyncio.Queue()

    async def worker():
        while True:
            await queue.get()
            try:
                raise ValueError
            finally:
                queue.task_done()

    queue.put_nowait("item")
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(worker())
    await asyncio.wait_for(queue.join(), 1)
    return "works"


async def context_inherited():
    user = contextvars.ContextVar("user", default="unknown")

    async def child():
        return user.get()

    user.set("anna")
    task = asyncio.create_task(child())
    user.set("other")
    return "yes" if await task == "anna" else "no"


async def context_in_worker_thread_to_thread():
    user = contextvars.ContextVar("user", default="unknown")
    user.set("anna")
    seen = await asyncio.to_thread(user.get)
    return "yes" if seen == "anna" else "no"


async def context_in_worker_thread_run_in_executor():
    user = contextvars.ContextVar("user", default="unknown")
    user.set("anna")
    seen = await asyncio.get_running_loop().run_in_executor(None, user.get)
    return "yes" if seen == "anna" else "no"


async def thread_local_per_task():
    local = threading.local()

    async def child(name):
        local.name = name
        await asyncio.sleep(1)
        print(f"{name} sees {local.name}")
        return local.name

    names = await asyncio.gather(child("one"), child("two"))
    return "yes" if names == ["one", "two"] else "no"


async def context_variable_per_task():
    variable = contextvars.ContextVar("variable")

    async def child(name):
        variable.set(name)
        await asyncio.sleep(1)
        return variable.get()

    names = await asyncio.gather(child("one"), child("two"))
    return "works" if names == ["one", "two"] else "fails"


async def foreign_thread_wakes_set():
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def worker():
        time.sleep(1)
        print("sets the event")
        event.set()

    thread = threading.Thread(target=worker)
    thread.start()
    begin = loop.time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), 5)
    print("the wait is over")
    thread.join()
    return "yes" if round(loop.time() - begin) == 1 else "no"


async def foreign_thread_wakes_call_soon_threadsafe():
    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def worker():
        time.sleep(1)
        print("sets the event")
        loop.call_soon_threadsafe(event.set)

    thread = threading.Thread(target=worker)
    thread.start()
    begin = loop.time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), 5)
    print("the wait is over")
    thread.join()
    return "yes" if round(loop.time() - begin) == 1 else "no"


def lock_outlives_loop():
    lock = asyncio.Lock()

    async def hold():
        async with lock:
            await asyncio.sleep(0)

    async def contend():
        await asyncio.gather(hold(), hold())

    asyncio.run(contend())
    try:
        asyncio.run(contend())
    except RuntimeError:
        return "raises RuntimeError"
    return "yes"


async def nested_pool():
    pool = ThreadPoolExecutor(1)

    def outer():
        return pool.submit(str, "completes").result()

    return await asyncio.get_running_loop().run_in_executor(pool, outer)


async def notify_without_lock():
    condition = asyncio.Condition()

    async def waiting():
        async with condition:
            await condition.wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(1)
    try:
        condition.notify()
    except RuntimeError:
        print("notify has raised")
        return "raises RuntimeError"
    await asyncio.sleep(1)
    return "wakes a waiter" if task.done() else "nothing"


async def extra_semaphore_release_semaphore():
    semaphore = asyncio.Semaphore(1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    await semaphore.acquire()
    return "nothing" if semaphore.locked() else "raises its value"


async def extra_semaphore_release_bounded():
    semaphore = asyncio.BoundedSemaphore(1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    await semaphore.acquire()
    return "nothing" if semaphore.locked() else "raises its value"


async def yielding_starves_timers():
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.05
    fired = []
    loop.call_at(due, fired.append, "timer")
    rounds = 0
    while not fired and rounds < 1000:
        await asyncio.sleep(0)
        rounds += loop.time() >= due
    if not fired:
        return "never"
    return "at once" if rounds < 5 else "later"
