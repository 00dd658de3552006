"""The behaviour of trio's locks, channels, events and task-local state."""

import contextvars
import threading
import time

import trio
import trio.testing


async def unlock_by_another_lock():
    lock = trio.Lock()
    answer = "no"

    async def other():
        nonlocal answer
        try:
            lock.release()
        except RuntimeError:
            answer = "raises RuntimeError"

    async with trio.open_nursery() as nursery, lock:
        nursery.start_soon(other)
        await trio.sleep(1)
    return answer


async def unlock_by_another_semaphore():
    semaphore = trio.Semaphore(1)
    answer = "no"

    async def other():
        nonlocal answer
        try:
            semaphore.release()
        except RuntimeError:
            answer = "raises RuntimeError"

    await semaphore.acquire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
    return answer


async def release_what_is_not_held_lock():
    try:
        trio.Lock().release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def release_what_is_not_held_semaphore():
    semaphore = trio.Semaphore(0)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no" if semaphore.value == 1 else "it is ignored"


async def release_what_is_not_held_limiter():
    try:
        trio.CapacityLimiter(1).release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


async def owner_locks_again_lock():
    lock = trio.Lock()
    with trio.move_on_after(60):
        async with lock:
            try:
                await lock.acquire()
            except RuntimeError:
                return "raises RuntimeError"
            return "gets it"
    return "waits for ever"


async def owner_locks_again_semaphore():
    semaphore = trio.Semaphore(1)
    with trio.move_on_after(60):
        async with semaphore:
            try:
                await semaphore.acquire()
            except RuntimeError:
                return "raises RuntimeError"
            return "gets it"
    return "waits for ever"


async def holder_ends_lock():
    lock = trio.Lock()

    async def holder():
        await lock.acquire()
        await trio.sleep(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder)
        await trio.sleep(1)
        with trio.move_on_after(60):
            try:
                await lock.acquire()
                return "the lock"
            except trio.BrokenResourceError:
                print("caught BrokenResourceError")
                return "an error"
    return "nothing, for ever"


async def holder_ends_semaphore():
    semaphore = trio.Semaphore(1)

    async def holder():
        await semaphore.acquire()
        await trio.sleep(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder)
        await trio.sleep(1)
        with trio.move_on_after(60):
            try:
                await semaphore.acquire()
                return "the lock"
            except trio.BrokenResourceError:
                return "an error"
    print("still waits")
    return "nothing, for ever"


async def released_by_with():
    semaphore = trio.Semaphore(1)

    async def holder():
        async with semaphore:
            await trio.sleep(2)
            raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(holder)
    except* ValueError:
        await semaphore.acquire()
    return "works"


async def releaser_takes_back():
    lock = trio.Lock()
    order = []

    async def waiter():
        async with lock:
            order.append("waiter")
            print("has the lock")

    async with trio.open_nursery() as nursery:
        await lock.acquire()
        nursery.start_soon(waiter)
        await trio.sleep(1)
        lock.release()
        print("released")
        async with lock:
            order.append("releaser")
            print("has the lock again")
    return "yes" if order[0] == "releaser" else "no"


async def default_capacity():
    try:
        send_channel, _ = trio.open_memory_channel()
    except TypeError:
        return "must be given"
    capacity = send_channel.statistics().max_buffer_size
    return {0: "zero", float("inf"): "unlimited"}[capacity]


async def newcomer_steals():
    send_channel, receive_channel = trio.open_memory_channel(10)

    async def getter():
        await receive_channel.receive()
        print("got the item")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(getter)
        await trio.sleep(1)
        send_channel.send_nowait("item")
        try:
            receive_channel.receive_nowait()
        except trio.WouldBlock:
            print("nothing left to take")
            return "no"
        nursery.cancel_scope.cancel()
    return "yes"


async def first_come_first_served_lock():
    lock = trio.Lock()
    served = []

    async def waiter(number):
        await trio.sleep(number)
        async with lock:
            served.append(number)

    async with trio.open_nursery() as nursery, lock:
        for number in range(20):
            nursery.start_soon(waiter, number)
        await trio.sleep(60)
    return "yes" if served == list(range(20)) else "no"


async def first_come_first_served_channel():
    send_channel, receive_channel = trio.open_memory_channel(0)
    served = {}

    async def receiver(number):
        await trio.sleep(number)
        served[await receive_channel.receive()] = number

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(receiver, number)
        await trio.sleep(60)
        for item in range(20):
            await send_channel.send(item)
    return "yes" if all(item == number for item, number in served.items()) else "no"


async def close_with_waiters_send_channel():
    send_channel, receive_channel = trio.open_memory_channel(10)
    answer = "they wait on"

    async def receiver():
        nonlocal answer
        try:
            async for _ in receive_channel:
                pass
            answer = "ends their loop"
            print("the loop has ended")
        except (trio.EndOfChannel, trio.ClosedResourceError):
            answer = "raises an error"

    with trio.move_on_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receiver)
            await trio.sleep(1)
            send_channel.close()
            print("closed")
    return answer


async def close_with_waiters_receive_channel():
    _, receive_channel = trio.open_memory_channel(10)
    answer = "they wait on"

    async def receiver():
        nonlocal answer
        try:
            async for _ in receive_channel:
                pass
            answer = "ends their loop"
        except (trio.EndOfChannel, trio.ClosedResourceError):
            answer = "raises an error"
            print("caught ClosedResourceError")

    with trio.move_on_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receiver)
            await trio.sleep(1)
            receive_channel.close()
            print("closed")
    return answer


async def result_set_twice_event():
    event = trio.Event()
    try:
        event.set("result")
    except TypeError:
        return "absent"
    event.set("another")
    return "replaces it"


async def result_set_twice_started():
    answer = "nothing"

    async def child(task_status):
        nonlocal answer
        task_status.started("result")
        try:
            task_status.started("another")
        except RuntimeError:
            answer = "raises an error"

    async with trio.open_nursery() as nursery:
        result = await nursery.start(child)
    return answer if result == "result" else "replaces it"


async def worker_dies_before_task_done():
    send_channel, receive_channel = trio.open_memory_channel(10)
    owners = (send_channel, receive_channel)
    if any(hasattr(each, name) for each in owners for name in ("join", "task_done")):
        return "yes"
    return "absent"


async def worker_dies_in_nursery():
    seen = "fails"
    send_channel, receive_channel = trio.open_memory_channel(10)

    async def worker():
        async for _ in receive_channel:
            raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker)
            async with send_channel:
                for item in range(100):
                    await send_channel.send(item)
    except* ValueError:
        seen = "works"
    return seen


async def context_inherited():
    variable = contextvars.ContextVar("variable", default="no")
    seen = []

    async def child():
        seen.append(variable.get())

    async with trio.open_nursery() as nursery:
        variable.set("yes")
        nursery.start_soon(child)
    return seen[0]


async def context_in_worker_thread():
    variable = contextvars.ContextVar("variable", default="no")
    variable.set("yes")
    return await trio.to_thread.run_sync(variable.get)


async def thread_local_per_task():
    local = threading.local()

    async def child(name):
        local.name = name
        await trio.sleep(1)
        print(f"{name} sees {local.name}")
        names.append(local.name == name)

    names = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child, "one")
        nursery.start_soon(child, "two")
    return "yes" if all(names) else "no"


async def context_variable_per_task():
    variable = contextvars.ContextVar("variable")
    own = []

    async def child(name):
        variable.set(name)
        await trio.sleep(1)
        own.append(variable.get() == name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child, "one")
        nursery.start_soon(child, "two")
    return "works" if own == [True, True] else "fails"


async def foreign_thread_wakes_set():
    event = trio.Event()
    woken = []

    async def waiter():
        await event.wait()
        woken.append("waiter")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        await trio.sleep(1)
        try:
            await trio.to_thread.run_sync(event.set)
        except RuntimeError:
            print("set() has raised")
            nursery.cancel_scope.cancel()
            return "raises RuntimeError"
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return "yes" if woken else "no"


async def foreign_thread_wakes_from_thread():
    event = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def foreign():
        trio.from_thread.run_sync(event.set, trio_token=token)

    thread = threading.Thread(target=foreign)
    with trio.move_on_after(60):
        thread.start()
        await event.wait()
        return "yes"
    return "no"


def lock_outlives_loop():
    lock = trio.Lock()

    async def locking():
        async with lock:
            await trio.lowlevel.checkpoint()

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(locking)
            nursery.start_soon(locking)

    trio.run(main)
    try:
        trio.run(main)
    except BaseExceptionGroup as group:
        return "raises RuntimeError" if group.subgroup(RuntimeError) else "fails"
    return "yes"


async def nested_pool():
    limiter = trio.CapacityLimiter(1)

    async def inner():
        await trio.to_thread.run_sync(time.sleep, 0, limiter=limiter)

    def outer():
        trio.from_thread.run(inner)
        return "completes"

    return await trio.to_thread.run_sync(outer, limiter=limiter)


async def pool_for_each_kind():
    outer_limiter, inner_limiter = trio.CapacityLimiter(1), trio.CapacityLimiter(1)

    async def inner():
        await trio.to_thread.run_sync(time.sleep, 0, limiter=inner_limiter)

    def outer():
        trio.from_thread.run(inner)
        return "works"

    return await trio.to_thread.run_sync(outer, limiter=outer_limiter)


async def notify_without_lock():
    condition = trio.Condition()
    woken = []

    async def waiter():
        async with condition:
            await condition.wait()
            woken.append("waiter")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        await trio.sleep(1)
        try:
            condition.notify()
            await trio.sleep(1)
        except RuntimeError:
            print("notify has raised")
            return "raises RuntimeError"
        finally:
            nursery.cancel_scope.cancel()
    return "wakes a waiter" if woken else "nothing"


async def extra_semaphore_release_semaphore():
    semaphore = trio.Semaphore(1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if semaphore.value == 2 else "nothing"


async def extra_semaphore_release_max_value():
    semaphore = trio.Semaphore(1, max_value=1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if semaphore.value == 2 else "nothing"


async def extra_semaphore_release_limiter():
    limiter = trio.CapacityLimiter(1)
    try:
        limiter.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "raises its value" if limiter.available_tokens == 2 else "nothing"


async def yielding_starves_timers():
    fired = []
    turns = 0

    async def timer():
        await trio.sleep(0.001)
        fired.append("timer")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(timer)
        await trio.testing.wait_all_tasks_blocked()
        time.sleep(0.01)
        while not fired and turns < 10_000:
            await trio.lowlevel.checkpoint()
            turns += 1
    if turns == 10_000:
        return "never"
    return "at once" if turns <= 2 else "later"
