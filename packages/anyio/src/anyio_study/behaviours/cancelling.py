"""Cancellations and timeouts in AnyIO, and what they leave."""

import time

import anyio
import anyio.lowlevel


async def swallowed_once():
    async def stubborn():
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            print("swallowed")
        try:
            await anyio.sleep(1)
        except anyio.get_cancelled_exc_class():
            print("cancelled again")
            return "yes"
        return "no"

    async with anyio.create_task_group() as group:
        handle = group.start_soon(stubborn)
        await anyio.sleep(1)
        handle.cancel()
    return handle.return_value


async def cancel_waits_for_cleanup_cancel():
    cleaned = []

    async def worker():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1)
            cleaned.append("working")
            print("cleaned up")

    async with anyio.create_task_group() as group:
        handle = group.start_soon(worker)
        await anyio.sleep(1)
        handle.cancel()
        print("cancel has returned")
        return "yes" if cleaned else "no"


async def cancel_waits_for_cleanup_task_group():
    cleaned = []

    async def worker():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1)
            cleaned.append("working")
            print("cleaned up")

    async with anyio.create_task_group() as group:
        group.start_soon(worker)
        await anyio.sleep(1)
        group.cancel_scope.cancel()
    print("the group has ended")
    return "yes" if cleaned else "no"


async def cancel_and_wait():
    cleaned = []

    async def worker():
        try:
            await anyio.sleep_forever()
        finally:
            cleaned.append("works")

    async with anyio.create_task_group() as group:
        handle = group.start_soon(worker)
        await anyio.sleep(1)
        handle.cancel()
        await handle.wait()
        return cleaned[0] if cleaned else "fails"


async def cancel_interrupts_blocking():
    answer = "yes"
    with anyio.move_on_after(1):
        time.sleep(2)
        print("not interrupted")
        answer = "no"
    return answer


async def thread_asks_whether_cancelled():
    rounds = []

    def worker():
        while len(rounds) < 100:
            anyio.from_thread.check_cancelled()
            time.sleep(1)
            rounds.append("round")

    with anyio.move_on_after(3):
        await anyio.to_thread.run_sync(worker)
    return "works" if len(rounds) < 5 else "fails"


async def overdue_and_zero_wait():
    try:
        with anyio.fail_after(1):
            time.sleep(2)
            await anyio.sleep(0)
    except TimeoutError:
        print("caught TimeoutError")
        return "yes"
    print("no timeout")
    return "no"


async def overdue_and_no_wait():
    try:
        with anyio.fail_after(1):
            time.sleep(2)
    except TimeoutError:
        return "yes"
    print("no timeout")
    return "no"


async def deadline_checked():
    try:
        with anyio.fail_after(1) as scope:
            time.sleep(2)
            if anyio.current_time() >= scope.deadline:
                raise TimeoutError
    except TimeoutError:
        return "works"
    return "fails"


async def timeout_of_zero():
    send, receive = anyio.create_memory_object_stream(1)
    with send, receive:
        await send.send("yes")
        try:
            with anyio.fail_after(0):
                return await receive.receive()
        except TimeoutError:
            return "no"


async def received_without_waiting():
    send, receive = anyio.create_memory_object_stream(1)
    with send, receive:
        await send.send("works")
        try:
            return receive.receive_nowait()
        except anyio.WouldBlock:
            return "fails"


async def cancel_while_thread_works_default():
    def worker():
        time.sleep(2)
        print("the thread ends")

    begin = anyio.current_time()
    with anyio.move_on_after(1):
        await anyio.to_thread.run_sync(worker)
    took = anyio.current_time() - begin
    print("the task continues")
    return {1: "at once", 2: "when the thread ends"}[round(took)]


async def cancel_while_thread_works_abandon():
    def worker():
        time.sleep(2)
        print("the thread ends")

    begin = anyio.current_time()
    with anyio.move_on_after(1):
        await anyio.to_thread.run_sync(worker, abandon_on_cancel=True)
    took = anyio.current_time() - begin
    print("the task continues")
    await anyio.sleep(2)
    return {1: "at once", 2: "when the thread ends"}[round(took)]


async def cancel_reaches_children():
    ended = []

    async def child():
        await anyio.sleep(2)
        ended.append("child")
        print("finished")

    async def parent():
        async with anyio.create_task_group() as group:
            group.start_soon(child)

    async with anyio.create_task_group() as group:
        handle = group.start_soon(parent)
        await anyio.sleep(1)
        handle.cancel()
        print("the parent is cancelled")
        await anyio.sleep(2)
    return "no" if ended else "yes"


async def delivered_then_cancelled():
    got = []

    async def receiver():
        got.append(await receive.receive())
        print("got the value")

    send, receive = anyio.create_memory_object_stream(1)
    with send, receive:
        async with anyio.create_task_group() as group:
            handle = group.start_soon(receiver)
            await anyio.sleep(1)
            send.send_nowait("value")
            handle.cancel()
            print("put, then cancelled")
    return "no" if got == ["value"] else "yes"


async def cancelled_then_delivered():
    got = []

    async def receiver():
        got.append(await receive.receive())
        print("got the value")

    send, receive = anyio.create_memory_object_stream(1)
    with send, receive:
        async with anyio.create_task_group() as group:
            handle = group.start_soon(receiver)
            await anyio.sleep(1)
            handle.cancel()
            send.send_nowait("value")
            print("cancelled, then put")
        if not got and receive.statistics().current_buffer_used:
            got.append(receive.receive_nowait())
    return "no" if got == ["value"] else "yes"


async def woken_lock_waiter_cancelled():
    lock = anyio.Lock()
    served = []

    async def waiter(number):
        async with lock:
            print("has the lock")
            await anyio.sleep(1)
            served.append(number)

    async with anyio.create_task_group() as group:
        async with lock:
            first = group.start_soon(waiter, 1)
            await anyio.sleep(1)
            group.start_soon(waiter, 2)
            await anyio.sleep(1)
        first.cancel()
        print("the first is cancelled")
        await anyio.sleep(60)
        group.cancel_scope.cancel()
    return "yes" if served == [2] else "no"


async def shared_result_waiter_cancelled():
    async def worker():
        await anyio.sleep(2)
        return "result"

    async def waiter():
        value = await shared
        print("got the result")
        return value

    async with anyio.create_task_group() as group:
        shared = group.start_soon(worker)
        one, other = (group.start_soon(waiter) for _ in range(2))
        await anyio.sleep(1)
        one.cancel()
        print("one is cancelled")
    finished = other.status is anyio.TaskHandle.Status.FINISHED
    return "gets the result" if finished else "is cancelled"


async def cleanup_may_wait():
    cleaned = []
    with anyio.move_on_after(1):
        try:
            await anyio.sleep_forever()
        finally:
            print("cleanup begins")
            try:
                await anyio.sleep(1)
                cleaned.append("plain")
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(1)
                    cleaned.append("shielded")
                    print("cleaned up in a shield")
    return {("shielded",): "only in a shield"}.get(tuple(cleaned), "yes")


async def cleanup_has_a_limit():
    cleaned = []
    begin = anyio.current_time()
    with anyio.move_on_after(1):
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.move_on_after(10, shield=True):
                await anyio.sleep(1)
                cleaned.append("quick")
                await anyio.sleep(60)
                cleaned.append("slow")
    ended = anyio.current_time() - begin
    return "works" if cleaned == ["quick"] and ended == 11 else "fails"


async def deadline_reaches_into_shield():
    reached = "yes"
    with anyio.move_on_after(1):
        with anyio.CancelScope(shield=True):
            await anyio.sleep(2)
            print("saved")
            reached = "no"
    print("the timeout is over")
    return reached


async def shield_with_deadline():
    begin = anyio.current_time()
    with anyio.move_on_after(1):
        with anyio.move_on_after(3, shield=True):
            await anyio.sleep(60)
    print("the shield is over")
    return "yes" if round(anyio.current_time() - begin) == 3 else "no"


async def nested_timeouts():
    caught = []
    try:
        with anyio.fail_after(1) as outer:
            try:
                with anyio.fail_after(2) as inner:
                    await anyio.sleep(60)
            except TimeoutError:
                caught.append("inner")
    except TimeoutError:
        caught.append("outer")
        print("caught outside")
    right = outer.cancelled_caught and not inner.cancelled_caught
    return "yes" if right and caught == ["outer"] else "no"


async def which_except_catches_timeout():
    try:
        with anyio.fail_after(1):
            await anyio.sleep(2)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return type(error).__qualname__


async def which_except_catches_timeout_move_on_after():
    try:
        with anyio.move_on_after(1):
            await anyio.sleep(2)
    except Exception as error:
        return type(error).__qualname__
    return "none"


async def timeout_leaves_running_scope():
    ended = []

    async def worker():
        await anyio.sleep(2)
        ended.append("work")
        print("finished")

    with anyio.move_on_after(1):
        async with anyio.create_task_group() as group:
            group.start_soon(worker)
    print("the timeout is over")
    await anyio.sleep(2)
    return "yes" if ended else "no"


async def timeout_leaves_running_thread():
    ended = []

    def worker():
        time.sleep(2)
        ended.append("work")
        print("finished")

    with anyio.move_on_after(1):
        await anyio.to_thread.run_sync(worker, abandon_on_cancel=True)
    print("the timeout is over")
    await anyio.sleep(2)
    return "yes" if ended else "no"


async def cancellation_races_completion():
    completed = anyio.Event()
    swallowed = []

    async def waiting():
        with anyio.fail_after(60):
            await completed.wait()
        print("the inner wait is over")
        await anyio.sleep(1)
        swallowed.append("cancellation")

    async with anyio.create_task_group() as group:
        handle = group.start_soon(waiting)
        await anyio.sleep(1)
        completed.set()
        handle.cancel()
        print("completed, then cancelled")
    return "yes" if swallowed else "no"


async def scope_cancelled_by_hand_at_once():
    try:
        with anyio.fail_after(60) as scope:
            scope.cancel()
            await anyio.sleep(1)
    except TimeoutError:
        return "a timeout"
    except anyio.get_cancelled_exc_class():
        return "a cancellation"
    return "nothing"


async def scope_cancelled_by_hand_slow_cleanup():
    try:
        with anyio.fail_after(60) as scope:
            scope.cancel()
            try:
                await anyio.sleep(1)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(120)
                    print("cleaned up")
    except TimeoutError:
        print("caught TimeoutError")
        return "a timeout"
    except anyio.get_cancelled_exc_class():
        return "a cancellation"
    return "nothing"


async def outer_scope_cancelled():
    try:
        with anyio.CancelScope() as scope:
            with anyio.fail_after(60):
                scope.cancel()
                try:
                    await anyio.sleep(1)
                finally:
                    with anyio.CancelScope(shield=True):
                        await anyio.sleep(120)
    except TimeoutError:
        return "fails"
    return "works"


async def first_result_stops_rest():
    ended = []

    async def child(seconds):
        await anyio.sleep(seconds)
        ended.append(seconds)
        print("finished")

    async with anyio.as_completed(child(1), child(2)) as handles:
        await handles.receive()
    print("the first result is there")
    await anyio.sleep(2)
    return "yes" if ended == [1] else "no"


async def cancel_finished_task():
    async def child():
        return "result"

    async with anyio.create_task_group() as group:
        handle = group.start_soon(child)
        await handle.wait()
        try:
            accepted = handle.cancel()
        except RuntimeError:
            return "raises RuntimeError"
    assert handle.return_value == "result"
    return "returns False" if accepted is False else "nothing"
