"""The behaviour of asyncio between the start of a task and its first line."""

import asyncio
import contextlib
import gc
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from inspect import signature


async def spawn_returns_first():
    order = []

    async def child():
        order.append("child")

    task = asyncio.create_task(child())
    order.append("parent")
    await task
    return "yes" if order == ["parent", "child"] else "no"


async def start_order():
    started = []

    async def child(number):
        started.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(child(number))
    return "yes" if started == list(range(100)) else "no"


async def wait_until_ready():
    names = ("start", "start_and_wait", "wait_started", "create_ready_task")
    owners = (asyncio, asyncio.Task, asyncio.TaskGroup)
    return "yes" if any(hasattr(o, n) for o in owners for n in names) else "no"


async def ready_with_future():
    async def server(ready):
        await asyncio.sleep(1)
        ready.set_result("works")
        await asyncio.sleep(60)

    ready = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server(ready))
        address = await ready
        task.cancel()
    return address


async def cancelled_before_start():
    reached = "never runs"

    async def child():
        nonlocal reached
        reached = "to its first wait"
        await asyncio.sleep(1)
        reached = "to its end"

    task = asyncio.create_task(child())
    task.cancel()
    await asyncio.wait([task])
    return reached


async def free_operation_yields_lock():
    ran = []

    async def peer():
        await asyncio.sleep(0)
        ran.append("peer")

    task = asyncio.create_task(peer())
    for _ in range(100):
        async with asyncio.Lock():
            pass
    answer = "yes" if ran else "no"
    await task
    return answer


async def free_operation_yields_queue():
    ran = []

    async def peer():
        await asyncio.sleep(0)
        ran.append("peer")

    task = asyncio.create_task(peer())
    queue = asyncio.Queue()
    for number in range(100):
        await queue.put(number)
        await queue.get()
    answer = "yes" if ran else "no"
    await task
    return answer


async def checkpoint_lets_all_run():
    ran = []
    event = asyncio.Event()

    async def peer(number):
        await event.wait()
        ran.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(peer(number))
        await asyncio.sleep(1)
        event.set()
        await asyncio.sleep(0)
        return "yes" if len(ran) == 100 else "no"


async def equal_deadlines():
    async def sleeper(number, when, woken):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(when):
                await asyncio.Event().wait()
        woken.append(number)

    seen = set()
    for sleepers in (2, 20):
        woken = []
        when = asyncio.get_running_loop().time() + 0.3
        async with asyncio.TaskGroup() as group:
            for number in range(sleepers):
                group.create_task(sleeper(number, when, woken))
        seen.add("yes" if woken == sorted(woken) else "no")
    return "unspecified" if len(seen) > 1 else seen.pop()


async def spawn_into_ended_group_closed():
    started = []

    async def child():
        started.append("child")

    async with asyncio.TaskGroup() as group:
        pass
    coroutine = child()
    try:
        task = group.create_task(coroutine)
    except RuntimeError:
        coroutine.close()  # Python 3.13 does this by itself
        return "raises RuntimeError"
    await asyncio.wait([task])
    return "starts the child" if started else "cancels the child"


async def spawn_into_ended_group_failed():
    answer = None

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    async def spawning(group):
        nonlocal answer
        try:
            await asyncio.sleep(2)
        finally:
            coroutine = asyncio.sleep(1)
            try:
                task = group.create_task(coroutine)
                await asyncio.wait([task])
                answer = "cancels the child" if task.cancelled() else "starts the child"
            except RuntimeError:
                coroutine.close()  # Python 3.13 does this by itself
                answer = "raises RuntimeError"
                print("create_task raises")

    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
            group.create_task(spawning(group))
    return answer


async def spawn_into_ended_group_cancelled():
    spawned = []

    async def child():
        await asyncio.sleep(1)

    async def parent():
        async with asyncio.TaskGroup() as group:
            try:
                await asyncio.sleep(2)
            finally:
                spawned.append(group.create_task(child()))
                print("starts a child")

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    return "cancels the child" if spawned[0].cancelled() else "starts the child"


async def child_inherits_timeout():
    async def child():
        await asyncio.sleep(2)
        print("finished")
        return "no"

    async with asyncio.TaskGroup() as group:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                task = group.create_task(child())
                await asyncio.sleep(3)
        print("the timeout is over")
    return "yes" if task.cancelled() else task.result()


async def group_inside_timeout():
    async def child():
        await asyncio.sleep(2)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            task = group.create_task(child())
    return "works" if task.cancelled() else "fails"


async def call_without_await():
    ran = []

    async def job():
        ran.append("job")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
        gc.collect()
        await asyncio.sleep(0)
    if ran:
        return "it runs"
    never = any("never awaited" in str(each.message) for each in caught)
    return "a warning" if never else "nothing"


async def group_limits_children():
    calls = asyncio.TaskGroup, asyncio.gather
    takes = {name for call in calls for name in signature(call).parameters}
    if takes != {"coros_or_futures", "return_exceptions"}:
        return "yes"
    running, most = 0, 0

    async def child():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(child())
    return "no" if most == 10 else "yes"


async def limited_by_semaphore():
    running, most = 0, 0
    free = asyncio.Semaphore(10)

    async def child():
        nonlocal running, most
        async with free:
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(child())
    return "works" if most == 10 else "fails"


async def plain_function_waits():
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(asyncio.sleep(1, "yes"))

    def plain():
        return loop.run_until_complete(task)

    try:
        return plain()
    except RuntimeError:
        await task
        return "no"


async def plain_function_in_thread():
    loop = asyncio.get_running_loop()

    def plain():
        other = asyncio.run_coroutine_threadsafe(asyncio.sleep(1, "works"), loop)
        return other.result()

    return await asyncio.to_thread(plain)


async def import_before_patching():
    names = ("monkey", "patch", "patch_all", "patch_socket", "patch_time")
    if any(hasattr(asyncio, name) for name in names):
        return "yes"
    ticks = []
    tick = asyncio.get_running_loop().call_later(1, ticks.append, "tick")
    time.sleep(2)
    tick.cancel()
    return "yes" if ticks else "absent"


async def default_thread_limit():
    cores = getattr(os, "process_cpu_count", os.cpu_count)()
    running, most = [], []

    def blocking():
        running.append("call")
        most.append(len(running))
        time.sleep(1)
        running.pop()

    await asyncio.gather(*(asyncio.to_thread(blocking) for _ in range(100)))
    if max(most) == 100:
        return "unlimited"
    return "cpu + 4" if max(most) == min(32, cores + 4) else str(max(most))


async def pool_of_own_size():
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with ThreadPoolExecutor(100) as pool:
        sleeps = (loop.run_in_executor(pool, time.sleep, 1) for _ in range(100))
        await asyncio.gather(*sleeps)
    return "works" if loop.time() - begin < 2 else "fails"


async def await_without_suspending():
    ran = []

    async def peer():
        await asyncio.sleep(0)
        ran.append("peer")

    async def add(one, other):
        return one + other

    task = asyncio.create_task(peer())
    total = 0
    for number in range(100):
        total = await add(total, number)
    answer = "yes" if ran else "no"
    await task
    return answer


async def start_same_twice_coroutine():
    async def job():
        return "runs it again"

    coroutine = job()
    await coroutine
    try:
        return await coroutine
    except (RuntimeError, TypeError, ValueError) as error:
        return f"raises {type(error).__name__}"


async def start_same_twice_task():
    runs = []

    async def job():
        runs.append("run")
        return object()

    task = asyncio.create_task(job())
    first, second = await task, await task
    if len(runs) > 1:
        return "runs it again"
    return "gives the same result" if first is second else "nothing"


async def full_pool_blocks_submitter():
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with ThreadPoolExecutor(2) as pool:
        sleeps = [loop.run_in_executor(pool, time.sleep, 1) for _ in range(20)]
        submitted = loop.time() - begin
        print("all are submitted")
        await asyncio.gather(*sleeps)
    return "yes" if submitted >= 1 else "no"


async def submitter_waits_for_slot():
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(2)
    begin = loop.time()

    async def in_thread():
        try:
            await asyncio.to_thread(time.sleep, 1)
        finally:
            free.release()

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            await free.acquire()
            group.create_task(in_thread())
        submitted = loop.time() - begin
    return "works" if round(submitted) == 2 else "fails"
