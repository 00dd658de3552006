"""The start of a task in AnyIO, up to its first line."""

import gc
import time
import warnings
from functools import partial

import anyio
import anyio.lowlevel


async def spawn_returns_first():
    order = []

    async def child():
        order.append("child")

    async with anyio.create_task_group() as group:
        group.start_soon(child)
        order.append("parent")
    return "yes" if order == ["parent", "child"] else "no"


async def start_order():
    seen = set()

    async def child(number):
        started.append(number)

    for _ in range(50):
        started = []
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(child, number)
        seen.add("yes" if started == sorted(started) else "no")
    return seen


async def wait_until_ready():
    async def server(*, task_status):
        await anyio.sleep(1)
        print("ready")
        task_status.started("yes")
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        answer = await group.start(server)
        print("start has returned")
        group.cancel_scope.cancel()
    return answer


async def cancelled_before_start():
    reached = "never runs"

    async def child():
        nonlocal reached
        reached = "to its first wait"
        await anyio.sleep(1)
        reached = "to its end"

    async with anyio.create_task_group() as group:
        group.start_soon(child)
        group.cancel_scope.cancel()
    return reached


async def free_operation_yields_lock():
    ran = []

    async def peer():
        ran.append("peer")

    async with anyio.create_task_group() as group:
        group.start_soon(peer)
        for _ in range(10):
            async with anyio.Lock():
                pass
        return "yes" if ran else "no"


async def free_operation_yields_fast_lock():
    ran = []

    async def peer():
        ran.append("peer")

    async with anyio.create_task_group() as group:
        group.start_soon(peer)
        for _ in range(10):
            async with anyio.Lock(fast_acquire=True):
                pass
        return "yes" if ran else "no"


async def free_operation_yields_stream():
    ran = []

    async def peer():
        ran.append("peer")

    send, receive = anyio.create_memory_object_stream(10)
    async with anyio.create_task_group() as group, send, receive:
        for number in range(10):
            send.send_nowait(number)
        group.start_soon(peer)
        for _ in range(10):
            await receive.receive()
        return "yes" if ran else "no"


async def checkpoint_lets_all_run():
    seen = set()

    async def peer():
        await event.wait()
        ran.append("peer")

    for _ in range(50):
        ran = []
        event = anyio.Event()
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(peer)
            await anyio.sleep(1)
            event.set()
            await anyio.lowlevel.checkpoint()
            seen.add("yes" if len(ran) == 10 else "no")
    return seen


async def equal_deadlines():
    async def sleeper(number, when, woken):
        with anyio.move_on_at(when):
            await anyio.sleep_forever()
        woken.append(number)

    seen = set()
    for sleepers in (*(2,) * 20, 20):
        woken = []
        when = anyio.current_time() + 0.01 * sleepers
        async with anyio.create_task_group() as group:
            for number in range(sleepers):
                group.start_soon(sleeper, number, when, woken)
                await anyio.lowlevel.checkpoint()
        seen.add("yes" if woken == sorted(woken) else "no")
    return seen if len(seen) == 2 else f"always {seen.pop()}"


async def spawn_into_ended_group_cancelled():
    answer = "cancels the child"

    async def child():
        nonlocal answer
        await anyio.sleep(1)
        answer = "starts the child"

    async with anyio.create_task_group() as group:
        group.cancel_scope.cancel()
        try:
            group.start_soon(child)
        except RuntimeError:
            answer = "raises RuntimeError"
    return answer


async def spawn_into_ended_group_closed():
    async with anyio.create_task_group() as group:
        pass
    try:
        handle = group.start_soon(anyio.sleep, 1)
    except RuntimeError:
        return "raises RuntimeError"
    await handle.wait()
    finished = handle.status is anyio.TaskHandle.Status.FINISHED
    return "starts the child" if finished else "cancels the child"


async def child_inherits_timeout():
    async def child():
        await anyio.sleep(2)
        print("finished")
        return "no"

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(1):
            handle = group.start_soon(child)
            await anyio.sleep_forever()
        print("the timeout is over")
    cancelled = handle.status is anyio.TaskHandle.Status.CANCELLED
    return "yes" if cancelled else handle.return_value


async def group_inside_timeout():
    with anyio.move_on_after(1):
        async with anyio.create_task_group() as group:
            handle = group.start_soon(anyio.sleep, 2)
    cancelled = handle.status is anyio.TaskHandle.Status.CANCELLED
    return "works" if cancelled else "fails"


async def call_without_await():
    ran = []

    async def job():
        ran.append("job")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
        gc.collect()
        await anyio.sleep(0)
    if ran:
        return "it runs"
    never = any("never awaited" in str(each.message) for each in caught)
    return "a warning" if never else "nothing"


async def group_limits_children():
    running, most = 0, 0

    async def child():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(1)
        running -= 1

    try:
        anyio.create_task_group(2)
    except TypeError:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(child)
        return "no" if most == 10 else "yes"
    return "yes"


async def limited_children():
    running, most = 0, 0
    limiter = anyio.CapacityLimiter(10)

    async def child():
        nonlocal running, most
        async with limiter:
            running += 1
            most = max(most, running)
            await anyio.sleep(1)
            running -= 1

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(child)
    return "works" if most == 10 else "fails"


async def plain_function_waits_in_loop():
    def plain():
        return anyio.from_thread.run(anyio.sleep, 1)

    try:
        plain()
    except RuntimeError:
        return "no"
    return "yes"


async def plain_function_waits_in_worker_thread():
    ticks = []

    async def ticking():
        for number in range(3):
            await anyio.sleep(1)
            ticks.append(number)
            print("tick")

    def plain(handle):
        anyio.from_thread.run(handle.wait)
        print("plain has waited")
        return "yes" if ticks == [0, 1, 2] else "no"

    async with anyio.create_task_group() as group:
        handle = group.start_soon(ticking)
        return await anyio.to_thread.run_sync(plain, handle)


async def import_before_patching():
    names = ("monkey", "patch", "patch_all", "patch_socket", "patch_time")
    if any(hasattr(anyio, name) for name in names):
        return "yes"
    ticks = []

    async def ticking():
        await anyio.sleep(1)
        ticks.append("tick")

    async with anyio.create_task_group() as group:
        group.start_soon(ticking)
        await anyio.lowlevel.checkpoint()
        time.sleep(2)
        return "yes" if ticks else "absent"


async def default_thread_limit():
    running, most = [], []

    def blocking():
        running.append("call")
        most.append(len(running))
        time.sleep(1)
        running.pop()

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(anyio.to_thread.run_sync, blocking)
    return "unlimited" if max(most) == 100 else str(max(most))


async def limiter_of_own_size():
    begin = anyio.current_time()
    limiter = anyio.CapacityLimiter(100)
    call = partial(anyio.to_thread.run_sync, time.sleep, 1, limiter=limiter)
    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.create_task(call())
    return "works" if anyio.current_time() - begin < 2 else "fails"


async def await_without_suspending():
    ran = []

    async def peer():
        ran.append("peer")

    async def add(one, other):
        return one + other

    async with anyio.create_task_group() as group:
        group.start_soon(peer)
        total = 0
        for number in range(100):
            total = await add(total, number)
        return "yes" if ran else "no"


async def start_same_twice_coroutine():
    async def job():
        return "runs it again"

    coroutine = job()
    await coroutine
    try:
        return await coroutine
    except (RuntimeError, TypeError, ValueError) as error:
        return f"raises {type(error).__name__}"


async def start_same_twice_handle():
    runs = []

    async def job():
        runs.append("run")
        return object()

    async with anyio.create_task_group() as group:
        handle = group.start_soon(job)
        first, second = await handle, await handle
    if len(runs) > 1:
        return "runs it again"
    return "gives the same result" if first is second else "nothing"


async def start_same_twice_start_soon():
    runs = []

    async def job():
        runs.append("run")

    async with anyio.create_task_group() as group:
        try:
            group.start_soon(job)
            group.start_soon(job)
        except (RuntimeError, TypeError, ValueError) as error:
            return f"raises {type(error).__name__}"
    return "runs it again" if len(runs) == 2 else "nothing"


async def full_pool_blocks_submitter_await():
    begin = anyio.current_time()
    limiter = anyio.CapacityLimiter(2)
    in_pool = partial(anyio.to_thread.run_sync, limiter=limiter)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(in_pool, time.sleep, 60)
        await anyio.sleep(1)
        await in_pool(time.sleep, 1)
        submitted = anyio.current_time() - begin
    return "yes" if submitted >= 60 else "no"


async def full_pool_blocks_submitter_start_soon():
    begin = anyio.current_time()
    limiter = anyio.CapacityLimiter(2)
    call = partial(anyio.to_thread.run_sync, time.sleep, 1, limiter=limiter)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.create_task(call())
        submitted = anyio.current_time() - begin
        print("all are started")
    assert anyio.current_time() - begin >= 10
    return "yes" if submitted >= 1 else "no"


async def submitter_waits_for_slot():
    begin = anyio.current_time()
    free = anyio.Semaphore(2)

    async def in_thread():
        try:
            await anyio.to_thread.run_sync(time.sleep, 1)
        finally:
            free.release()

    async with anyio.create_task_group() as group:
        for _ in range(6):
            await free.acquire()
            group.start_soon(in_thread)
        submitted = anyio.current_time() - begin
    return "works" if round(submitted) == 2 else "fails"
