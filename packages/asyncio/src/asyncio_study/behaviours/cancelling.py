"""The behaviour of asyncio when a task is cancelled or a timeout expires."""

import asyncio
import contextlib
import threading
import time


async def swallowed_once():
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("swallowed")
        await asyncio.sleep(2)
        print("not cancelled again")
        return "no"

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    return "yes" if task.cancelled() else task.result()


async def cancellation_is_let_pass():
    cleaned = []

    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append("up")
            print("cleaned up")

    task = asyncio.create_task(worker())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    return "works" if task.cancelled() and cleaned else "fails"


async def cancel_waits_for_cleanup_cancel():
    cleaned = []

    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            cleaned.append("up")
            print("cleaned up")

    task = asyncio.create_task(worker())
    await asyncio.sleep(1)
    task.cancel()
    print("cancel has returned")
    answer = "yes" if cleaned else "no"
    await asyncio.wait([task])
    return answer


async def cancel_waits_for_cleanup_task_group():
    cleaned = []

    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            cleaned.append("up")
            print("cleaned up")

    async def parent():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker())

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    print("the group has ended")
    return "yes" if cleaned else "no"


async def cancel_waits_for_cleanup_wait_for():
    cleaned = []

    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            cleaned.append("up")
            print("cleaned up")

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(worker(), 1)
    print("wait_for has raised")
    return "yes" if cleaned else "no"


async def cancel_interrupts_blocking():
    async def blocking():
        asyncio.get_running_loop().call_later(1, asyncio.current_task().cancel)
        time.sleep(2)
        print("not interrupted")
        return "no"

    task = asyncio.create_task(blocking())
    await asyncio.wait([task])
    return "yes" if task.cancelled() else task.result()


async def overdue_and_zero_wait():
    try:
        async with asyncio.timeout(1):
            time.sleep(2)
            await asyncio.sleep(0)
    except TimeoutError:
        return "yes"
    print("no timeout")
    return "no"


async def overdue_and_no_wait():
    try:
        async with asyncio.timeout(1):
            time.sleep(2)
    except TimeoutError:
        return "yes"
    print("no timeout")
    return "no"


async def deadline_checked():
    try:
        async with asyncio.timeout(1) as scope:
            time.sleep(2)
            if scope.when() <= asyncio.get_running_loop().time():
                raise TimeoutError
    except TimeoutError:
        return "works"
    return "fails"


async def timeout_of_zero_timeout():
    queue = asyncio.Queue()
    queue.put_nowait("yes")
    try:
        async with asyncio.timeout(0):
            return await queue.get()
    except TimeoutError:
        return "no"


async def timeout_of_zero_wait_for():
    queue = asyncio.Queue()
    queue.put_nowait("yes")
    try:
        return await asyncio.wait_for(queue.get(), 0)
    except TimeoutError:
        return "no"


async def cancel_while_thread_works():
    def worker():
        time.sleep(2)
        print("the thread ends")

    loop = asyncio.get_running_loop()
    begin = loop.time()
    task = asyncio.create_task(asyncio.to_thread(worker))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    took = loop.time() - begin
    print("the task has ended")
    await asyncio.sleep(2)
    return "at once" if took < 2 else "when the thread ends"


async def thread_is_asked_to_stop():
    stop = threading.Event()

    def worker():
        return "works" if stop.wait(60) else "fails"

    task = asyncio.create_task(asyncio.to_thread(worker))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            try:
                await asyncio.shield(task)
            finally:
                stop.set()
                await asyncio.wait([task])
    return task.result()


async def cancel_reaches_children_create_task():
    children = []

    async def child():
        await asyncio.sleep(2)
        print("finished")

    async def parent():
        children.append(asyncio.create_task(child()))
        await asyncio.sleep(60)

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    print("the parent is cancelled")
    await asyncio.wait([task, *children])
    return "yes" if children[0].cancelled() else "no"


async def cancel_reaches_children_wait():
    children = []

    async def child():
        await asyncio.sleep(2)
        print("finished")

    async def parent():
        children.append(asyncio.create_task(child()))
        await asyncio.wait(children)

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    print("the parent is cancelled")
    await asyncio.wait([task, *children])
    return "yes" if children[0].cancelled() else "no"


async def cancel_reaches_children_gather():
    children = []

    async def child():
        await asyncio.sleep(2)
        print("finished")

    async def parent():
        children.append(asyncio.create_task(child()))
        await asyncio.gather(*children)

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    print("the parent is cancelled")
    await asyncio.wait([task, *children])
    return "yes" if children[0].cancelled() else "no"


async def cancel_reaches_children_task_group():
    children = []

    async def child():
        await asyncio.sleep(2)
        print("finished")

    async def parent():
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(child()))

    task = asyncio.create_task(parent())
    await asyncio.sleep(1)
    task.cancel()
    print("the parent is cancelled")
    await asyncio.wait([task, *children])
    return "yes" if children[0].cancelled() else "no"


async def delivered_then_cancelled_queue():
    queue = asyncio.Queue()

    async def receive():
        return await queue.get()

    receiver = asyncio.create_task(receive())
    await asyncio.sleep(1)
    queue.put_nowait("value")
    receiver.cancel()
    print("put, then cancelled")
    await asyncio.wait([receiver])
    return "yes" if receiver.cancelled() and queue.empty() else "no"


async def delivered_then_cancelled_wait():
    queue = asyncio.Queue()

    async def receive():
        getter = asyncio.create_task(queue.get())
        await asyncio.wait([getter])
        return getter.result()

    receiver = asyncio.create_task(receive())
    await asyncio.sleep(1)
    queue.put_nowait("value")
    receiver.cancel()
    print("put, then cancelled")
    await asyncio.wait([receiver])
    return "yes" if receiver.cancelled() and queue.empty() else "no"


async def cancelled_get_keeps_item():
    queue = asyncio.Queue()

    async def receive():
        async with asyncio.timeout(60):
            return await queue.get()

    receiver = asyncio.create_task(receive())
    await asyncio.sleep(1)
    queue.put_nowait("works")
    receiver.cancel()
    await asyncio.wait([receiver])
    return queue.get_nowait()


async def cancelled_then_delivered_queue():
    queue = asyncio.Queue()

    async def receive():
        return await queue.get()

    receiver = asyncio.create_task(receive())
    await asyncio.sleep(1)
    receiver.cancel()
    queue.put_nowait("value")
    print("cancelled, then put")
    await asyncio.wait([receiver])
    return "yes" if receiver.cancelled() and queue.empty() else "no"


async def cancelled_then_delivered_wait():
    queue = asyncio.Queue()

    async def receive():
        getter = asyncio.create_task(queue.get())
        await asyncio.wait([getter])
        return getter.result()

    receiver = asyncio.create_task(receive())
    await asyncio.sleep(1)
    receiver.cancel()
    queue.put_nowait("value")
    print("cancelled, then put")
    await asyncio.wait([receiver])
    return "yes" if receiver.cancelled() and queue.empty() else "no"


async def woken_lock_waiter_cancelled():
    lock = asyncio.Lock()

    async def locking():
        async with lock:
            print("has the lock")
            return "yes"

    await lock.acquire()
    first, second = (asyncio.create_task(locking()) for _ in range(2))
    await asyncio.sleep(1)
    lock.release()
    first.cancel()
    print("the first is cancelled")
    await asyncio.wait([first, second], timeout=60)
    return second.result() if first.cancelled() and second.done() else "no"


async def shared_result_waiter_cancelled_await():
    result = asyncio.get_running_loop().create_future()

    async def waiting():
        value = await result
        print("got the result")
        return value

    first, second = (asyncio.create_task(waiting()) for _ in range(2))
    await asyncio.sleep(1)
    first.cancel()
    print("the first is cancelled")
    await asyncio.sleep(1)
    if not result.done():
        result.set_result("gets the result")
    await asyncio.wait([first, second])
    return "is cancelled" if second.cancelled() else second.result()


async def shared_result_waiter_cancelled_shield():
    result = asyncio.get_running_loop().create_future()

    async def waiting():
        value = await asyncio.shield(result)
        print("got the result")
        return value

    first, second = (asyncio.create_task(waiting()) for _ in range(2))
    await asyncio.sleep(1)
    first.cancel()
    print("the first is cancelled")
    await asyncio.sleep(1)
    if not result.done():
        result.set_result("gets the result")
    await asyncio.wait([first, second])
    return "is cancelled" if second.cancelled() else second.result()


async def cleanup_may_wait():
    cleaned = []

    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            print("cleanup begins")
            await asyncio.sleep(2)
            cleaned.append("up")
            print("cleaned up")

    task = asyncio.create_task(worker())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    return "yes" if cleaned else "only in a shield"


async def cleanup_has_a_limit():
    async def worker():
        try:
            await asyncio.sleep(60)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.sleep(3600)

    loop = asyncio.get_running_loop()
    begin = loop.time()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(worker(), 1)
    return "works" if round(loop.time() - begin) == 6 else "fails"


async def deadline_reaches_into_shield():
    async def saving():
        await asyncio.sleep(2)
        print("saved")

    task = asyncio.create_task(saving())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.shield(task)
    print("the timeout is over")
    await asyncio.wait([task])
    return "yes" if task.cancelled() else "no"


async def shielded_and_awaited():
    async def saving():
        await asyncio.sleep(2)
        return "works"

    task = asyncio.create_task(saving())
    try:
        async with asyncio.timeout(1):
            await asyncio.shield(task)
    except TimeoutError:
        return await task  # the shield protects the task, not the code that waits
    return "fails"


async def shield_with_deadline():
    async def saving():
        async with asyncio.timeout(3):
            await asyncio.sleep(60)

    loop = asyncio.get_running_loop()
    begin = loop.time()
    save = asyncio.create_task(saving())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.shield(save)
    print("the timeout is over")
    await asyncio.wait([save])
    print("the shield is over")
    if save.cancelled() or not isinstance(save.exception(), TimeoutError):
        return "no"
    return "yes" if round(loop.time() - begin) == 3 else "no"


async def nested_timeouts():
    caught = []
    try:
        async with asyncio.timeout(1) as outer:
            try:
                async with asyncio.timeout(2) as inner:
                    await asyncio.sleep(60)
            except TimeoutError:
                caught.append("inner")
    except TimeoutError:
        caught.append("outer")
        print("caught outside")
    right = caught == ["outer"] and outer.expired() and not inner.expired()
    return "yes" if right else "no"


async def which_except_catches_timeout():
    try:
        async with asyncio.timeout(1):
            await asyncio.sleep(2)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return type(error).__qualname__


async def which_except_catches_timeout_wait():
    async def worker():
        await asyncio.sleep(2)

    task = asyncio.create_task(worker())
    try:
        _, pending = await asyncio.wait([task], timeout=1)
    except Exception as error:
        return type(error).__qualname__
    print(f"{len(pending)} is pending")
    await task
    return "none"


async def timeout_leaves_running_wait_for():
    ended = []

    async def worker():
        await asyncio.sleep(2)
        ended.append("work")
        print("finished")

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(worker(), 1)
    print("the timeout is over")
    await asyncio.sleep(2)
    return "yes" if ended else "no"


async def timeout_leaves_running_wait():
    ended = []

    async def worker():
        await asyncio.sleep(2)
        ended.append("work")
        print("finished")

    await asyncio.wait([asyncio.create_task(worker())], timeout=1)
    print("the timeout is over")
    await asyncio.sleep(2)
    return "yes" if ended else "no"


async def timeout_leaves_running_thread():
    ended = []

    def worker():
        time.sleep(2)
        ended.append("work")
        print("finished")

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(worker), 1)
    print("the timeout is over")
    await asyncio.sleep(2)
    return "yes" if ended else "no"


async def cancellation_races_completion_timeout():
    result = asyncio.get_running_loop().create_future()

    async def waiting():
        async with asyncio.timeout(60):
            await result
        await asyncio.sleep(1)
        print("not cancelled")

    task = asyncio.create_task(waiting())
    await asyncio.sleep(1)
    result.set_result(None)
    task.cancel()
    print("completed, then cancelled")
    await asyncio.wait([task])
    return "no" if task.cancelled() else "yes"


async def cancellation_races_completion_wait_for():
    result = asyncio.get_running_loop().create_future()

    async def waiting():
        await asyncio.wait_for(result, 60)
        await asyncio.sleep(1)
        print("not cancelled")

    task = asyncio.create_task(waiting())
    await asyncio.sleep(1)
    result.set_result(None)
    task.cancel()
    print("completed, then cancelled")
    await asyncio.wait([task])
    return "no" if task.cancelled() else "yes"


async def scope_cancelled_by_hand():
    try:
        async with asyncio.timeout(60) as scope:
            scope.cancel()
            await asyncio.sleep(1)
    except AttributeError:
        return "absent"
    except TimeoutError:
        return "a timeout"
    except asyncio.CancelledError:
        return "a cancellation"
    return "nothing"


async def scope_expires_by_hand():
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(60) as scope:
            scope.reschedule(loop.time())
            await asyncio.sleep(1)
    except TimeoutError:
        return "works"
    return "fails"


async def first_result_stops_rest_wait():
    async def quick():
        await asyncio.sleep(1)

    async def slow():
        await asyncio.sleep(2)
        print("finished")

    tasks = [asyncio.create_task(quick()), asyncio.create_task(slow())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print("the first result is there")
    await asyncio.sleep(2)
    return "yes" if tasks[1].cancelled() else "no"


async def first_result_stops_rest_as_completed():
    async def quick():
        await asyncio.sleep(1)

    async def slow():
        await asyncio.sleep(2)
        print("finished")

    tasks = [asyncio.create_task(quick()), asyncio.create_task(slow())]
    for first in asyncio.as_completed(tasks):
        await first
        break
    print("the first result is there")
    await asyncio.sleep(2)
    return "yes" if tasks[1].cancelled() else "no"


async def rest_is_cancelled():
    quick, slow = (asyncio.create_task(asyncio.sleep(each)) for each in (1, 2))
    _, rest = await asyncio.wait([quick, slow], return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.wait(rest)
    return "works" if slow.cancelled() else "fails"


async def cancel_finished_task():
    task = asyncio.create_task(asyncio.sleep(1, "result"))
    await task
    try:
        accepted = task.cancel()
    except RuntimeError:
        return "raises RuntimeError"
    assert await task == "result"
    return "returns False" if accepted is False else "nothing"
