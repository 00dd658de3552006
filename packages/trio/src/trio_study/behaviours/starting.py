"""The behaviour of trio between the start of a task and its first line."""

import gc
import threading
import time
import warnings

import trio
import trio.testing


async def spawn_returns_first_start_soon():
    order = []

    async def child():
        order.append("child")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        order.append("parent")
    return "yes" if order == ["parent", "child"] else "no"


async def spawn_returns_first_start():
    order = []

    async def child(task_status):
        order.append("child")
        task_status.started()

    async with trio.open_nursery() as nursery:
        await nursery.start(child)
        order.append("parent")
    return "yes" if order == ["parent", "child"] else "no"


async def start_order():
    async def child(number, started):
        started.append(number)

    seen = set()
    for _ in range(100):
        started = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child, 1, started)
            nursery.start_soon(child, 2, started)
        seen.add("yes" if started == [1, 2] else "no")
    return seen if len(seen) == 2 else f"always {seen.pop()}"


async def started_in_order():
    started = []

    async def child(number, task_status):
        started.append(number)
        task_status.started()
        await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for number in range(100):
            await nursery.start(child, number)
    return "works" if started == list(range(100)) else "fails"


async def wait_until_ready():
    events = []

    async def server(task_status):
        await trio.sleep(1)
        events.append("ready")
        print("ready")
        task_status.started("address")
        await trio.sleep(1)
        events.append("ended")

    async with trio.open_nursery() as nursery:
        address = await nursery.start(server)
        print("start has returned")
        return "yes" if address == "address" and events == ["ready"] else "no"


async def cancelled_before_start():
    reached = "never runs"

    async def child():
        nonlocal reached
        reached = "to its first wait"
        await trio.sleep(1)
        reached = "to its end"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        nursery.cancel_scope.cancel()
    return reached


async def free_operation_yields_lock():
    ran = []

    async def peer():
        ran.append("peer")

    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer)
        for _ in range(2):
            async with lock:
                pass
        return "yes" if ran else "no"


async def free_operation_yields_channel():
    ran = []

    async def peer():
        ran.append("peer")

    send_channel, receive_channel = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer)
        for number in range(2):
            await send_channel.send(number)
            await receive_channel.receive()
        return "yes" if ran else "no"


async def free_operation_yields_nowait():
    ran = []

    async def peer():
        ran.append("peer")

    send_channel, receive_channel = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer)
        for number in range(1000):
            send_channel.send_nowait(number)
            receive_channel.receive_nowait()
        return "yes" if ran else "no"


async def checkpoint_lets_all_run():
    async def peer(number, ran):
        ran.append(number)

    seen = set()
    for _ in range(100):
        ran = []
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(peer, number, ran)
            await trio.lowlevel.checkpoint()
            seen.add("yes" if len(ran) == 10 else "no")
    return seen if len(seen) == 2 else f"always {seen.pop()}"


async def wait_until_all_wait():
    ran = []

    async def peer(number):
        await trio.lowlevel.checkpoint()
        ran.append(number)
        await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(peer, number)
        await trio.testing.wait_all_tasks_blocked()
        return "works" if len(ran) == 10 else "fails"


async def equal_deadlines():
    async def sleeper(number, instant, woken):
        await trio.sleep(number)
        await trio.sleep_until(instant)
        woken.append(number)

    seen = set()
    for _ in range(100):
        woken = []
        instant = trio.current_time() + 10
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeper, 1, instant, woken)
            nursery.start_soon(sleeper, 2, instant, woken)
        seen.add("yes" if woken == [1, 2] else "no")
    return seen if len(seen) == 2 else f"always {seen.pop()}"


async def spawn_into_ended_group_closed():
    started = []

    async def child():
        started.append("child")

    async with trio.open_nursery() as nursery:
        pass
    try:
        nursery.start_soon(child)
    except RuntimeError:
        return "raises RuntimeError"
    await trio.sleep(1)
    return "starts the child" if started else "cancels the child"


async def spawn_into_ended_group_cancelled():
    answer = "cancels the child"

    async def child():
        nonlocal answer
        await trio.sleep(1)
        answer = "starts the child"

    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.cancel()
        try:
            nursery.start_soon(child)
        except RuntimeError:
            answer = "raises RuntimeError"
    return answer


async def child_inherits_timeout_around():
    ended = []

    async def child():
        await trio.sleep(2)
        ended.append("child")
        print("finished")

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            nursery.start_soon(child)
            await trio.sleep(3)
        print("the timeout is over")
    return "no" if ended else "yes"


async def child_inherits_timeout_inside():
    ended = []

    async def child():
        await trio.sleep(2)
        ended.append("child")
        print("finished")

    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
    print("the timeout is over")
    return "no" if ended else "yes"


async def call_without_await():
    ran = []

    async def job():
        ran.append("job")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
        gc.collect()
        await trio.lowlevel.checkpoint()
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
        await trio.sleep(1)
        running -= 1

    try:
        trio.open_nursery(limit=2)
    except TypeError:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(child)
        return "no" if most == 10 else "yes"
    return "yes"


async def limited_by_capacity_limiter():
    running, most = 0, 0
    limiter = trio.CapacityLimiter(10)

    async def child():
        nonlocal running, most
        async with limiter:
            running += 1
            most = max(most, running)
            await trio.sleep(1)
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(child)
    return "works" if most == 10 else "fails"


async def plain_function_waits():
    event = trio.Event()

    def plain():
        trio.run(event.wait)
        return "yes"

    async def set_later():
        await trio.sleep(1)
        event.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(set_later)
        try:
            return plain()
        except RuntimeError:
            return "no"


async def plain_function_in_thread():
    event = trio.Event()

    def plain():
        trio.from_thread.run(event.wait)
        return "works"

    async def set_later():
        await trio.sleep(1)
        event.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(set_later)
        return await trio.to_thread.run_sync(plain)


async def import_before_patching():
    names = ("monkey", "patch", "patch_all", "patch_socket", "patch_time")
    if any(hasattr(trio, name) for name in names):
        return "yes"
    with trio.move_on_after(1) as scope:
        time.sleep(2)
    return "yes" if scope.cancelled_caught else "absent"


async def default_thread_limit():
    running, most = [], []

    def blocking():
        running.append("call")
        most.append(len(running))
        time.sleep(1)
        running.pop()

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(trio.to_thread.run_sync, blocking)
    return "unlimited" if max(most) == 100 else str(max(most))


async def limiter_of_own_size():
    together = threading.Barrier(100)
    limiter = trio.CapacityLimiter(100)

    async def call():
        await trio.to_thread.run_sync(together.wait, limiter=limiter)

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(call)
    return "works"


async def await_without_suspending():
    ran = []

    async def peer():
        ran.append("peer")

    async def add(one, other):
        return one + other

    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer)
        total = 0
        for number in range(1000):
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


async def start_same_twice_function():
    runs = []

    async def job():
        runs.append("run")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(job)
        nursery.start_soon(job)
    return "runs it again" if len(runs) == 2 else "nothing"


async def full_pool_blocks_submitter_run_sync():
    limiter = trio.CapacityLimiter(1)
    submitted = []

    async def submitter():
        await trio.to_thread.run_sync(time.sleep, 0, limiter=limiter)
        submitted.append("job")
        print("submitted")

    async with trio.open_nursery() as nursery:
        async with limiter:
            nursery.start_soon(submitter)
            await trio.sleep(1)
            answer = "no" if submitted else "yes"
    return answer


async def full_pool_blocks_submitter_start_soon():
    limiter = trio.CapacityLimiter(2)
    begin = trio.current_time()

    async def call():
        await trio.to_thread.run_sync(time.sleep, 1, limiter=limiter)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(call)
            await trio.lowlevel.checkpoint()
        return "yes" if trio.current_time() - begin >= 1 else "no"


async def submitter_waits_for_slot():
    begin = trio.current_time()
    free = trio.Semaphore(2)

    async def call():
        try:
            await trio.to_thread.run_sync(time.sleep, 1)
        finally:
            free.release()

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            await free.acquire()
            nursery.start_soon(call)
        submitted = trio.current_time() - begin
    return "works" if round(submitted) == 2 else "fails"
