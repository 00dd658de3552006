"""The behaviour of trio when a task is cancelled or a timeout expires."""

import time

import trio


async def swallowed_once():
    reached = []

    async def stubborn():
        try:
            await trio.sleep(60)
        except trio.Cancelled:
            reached.append("swallowed")
            print("swallowed")
        await trio.sleep(60)
        reached.append("ended")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stubborn)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return "yes" if reached == ["swallowed"] else "no"


async def cancel_waits_for_cleanup_cancel():
    cleaned = []

    async def worker():
        try:
            await trio.sleep(60)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            cleaned.append("up")
            print("cleaned up")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
        print("cancel has returned")
        return "yes" if cleaned else "no"


async def cancel_waits_for_cleanup_nursery():
    cleaned = []

    async def worker():
        try:
            await trio.sleep(60)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            cleaned.append("up")
            print("cleaned up")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    print("the nursery has ended")
    return "yes" if cleaned else "no"


async def cancel_interrupts_blocking():
    with trio.move_on_after(1):
        time.sleep(2)
        print("not interrupted")
        return "no"
    return "yes"


async def checkpoint_while_computing():
    steps = 0
    with trio.move_on_after(10):
        while True:
            time.sleep(1)  # one step of the computation
            steps += 1
            await trio.lowlevel.checkpoint()
    return "works" if steps == 10 else "fails"


async def overdue_and_zero_wait():
    try:
        with trio.fail_after(1):
            time.sleep(2)
            await trio.sleep(0)
    except trio.TooSlowError:
        print("caught TooSlowError")
        return "yes"
    return "no"


async def overdue_and_no_wait():
    try:
        with trio.fail_after(1):
            time.sleep(2)
    except trio.TooSlowError:
        return "yes"
    print("no timeout")
    return "no"


async def timeout_of_zero():
    send_channel, receive_channel = trio.open_memory_channel(1)
    send_channel.send_nowait("yes")
    try:
        with trio.fail_after(0):
            return await receive_channel.receive()
    except trio.TooSlowError:
        return "no"


async def receive_without_waiting():
    send_channel, receive_channel = trio.open_memory_channel(1)
    send_channel.send_nowait("works")
    try:
        return receive_channel.receive_nowait()
    except trio.WouldBlock:
        return "fails"


async def cancel_while_thread_works_default():
    def worker():
        time.sleep(2)
        print("the thread ends")

    begin = trio.current_time()
    with trio.move_on_after(1):
        await trio.to_thread.run_sync(worker)
    ended = trio.current_time() - begin
    print("the task continues")
    return "at once" if ended == 1 else "when the thread ends"


async def cancel_while_thread_works_abandon():
    def worker():
        time.sleep(2)
        print("the thread ends")

    begin = trio.current_time()
    with trio.move_on_after(1):
        await trio.to_thread.run_sync(worker, abandon_on_cancel=True)
    ended = trio.current_time() - begin
    print("the task continues")
    await trio.sleep(2)
    return "at once" if ended == 1 else "when the thread ends"


async def thread_checks_for_cancellation():
    begin = trio.current_time()

    def worker():
        while True:
            time.sleep(1)
            trio.from_thread.check_cancelled()

    with trio.move_on_after(3):
        await trio.to_thread.run_sync(worker)
    return "works" if trio.current_time() - begin <= 4 else "fails"


async def cancel_reaches_children():
    ended = []

    async def child():
        await trio.sleep(2)
        ended.append("child")
        print("finished")

    async def parent():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            await trio.sleep(60)

    with trio.move_on_after(1):
        await parent()
    print("the parent is cancelled")
    await trio.sleep(2)
    return "no" if ended else "yes"


async def delivered_then_cancelled():
    send_channel, receive_channel = trio.open_memory_channel(0)
    received = []

    async def receiver(task_status):
        with trio.CancelScope() as scope:
            task_status.started(scope)
            received.append(await receive_channel.receive())
            print("got the value")

    async with trio.open_nursery() as nursery:
        scope = await nursery.start(receiver)
        await trio.sleep(1)
        send_channel.send_nowait("value")
        scope.cancel()
        print("put, then cancelled")
    return "no" if received else "yes"


async def cancelled_then_delivered():
    send_channel, receive_channel = trio.open_memory_channel(1)
    received = []

    async def receiver(task_status):
        with trio.CancelScope() as scope:
            task_status.started(scope)
            received.append(await receive_channel.receive())
            print("got the value")

    async with trio.open_nursery() as nursery:
        scope = await nursery.start(receiver)
        await trio.sleep(1)
        scope.cancel()
        send_channel.send_nowait("value")
        print("cancelled, then put")
    if receive_channel.statistics().current_buffer_used:
        received.append(receive_channel.receive_nowait())
    return "no" if received == ["value"] else "yes"


async def woken_lock_waiter_cancelled():
    lock = trio.Lock()
    served = []

    async def locking(name, task_status):
        with trio.CancelScope() as scope:
            task_status.started(scope)
            async with lock:
                served.append(name)
                print(f"{name} has the lock")

    with trio.move_on_after(60):
        async with trio.open_nursery() as nursery:
            async with lock:
                first = await nursery.start(locking, "first")
                await trio.sleep(1)
                await nursery.start(locking, "second")
                await trio.sleep(1)
            first.cancel()
            print("the first is cancelled")
    return "yes" if served[-1:] == ["second"] else "no"


async def shared_result_waiter_cancelled():
    result, done = [], trio.Event()
    got = []

    async def waiting(name, timeout):
        with trio.move_on_after(timeout):
            await done.wait()
            got.append((name, result[0]))
            print("got the result")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiting, "first", 1)
        nursery.start_soon(waiting, "second", 60)
        await trio.sleep(2)
        result.append("value")
        done.set()
    return "gets the result" if got == [("second", "value")] else "is cancelled"


async def cleanup_may_wait():
    cleaned = []

    with trio.move_on_after(1):
        try:
            await trio.sleep(60)
        finally:
            print("cleanup begins")
            await trio.sleep(2)
            cleaned.append("up")
            print("cleaned up")
    return "yes" if cleaned else "only in a shield"


async def cleanup_in_shield():
    cleaned = []

    with trio.move_on_after(1):
        try:
            await trio.sleep(60)
        finally:
            with trio.move_on_after(10, shield=True):
                await trio.sleep(5)
                cleaned.append("works")
    return cleaned[0]


async def deadline_reaches_into_shield():
    saved = []

    with trio.move_on_after(1):
        with trio.CancelScope(shield=True):
            await trio.sleep(2)
            saved.append("file")
            print("saved")
    print("the timeout is over")
    return "no" if saved else "yes"


async def shield_with_deadline():
    begin = trio.current_time()
    with trio.move_on_after(1):
        with trio.move_on_after(3, shield=True) as shield:
            await trio.sleep(60)
    print("the shield is over")
    own = shield.cancelled_caught and round(trio.current_time() - begin) == 3
    return "yes" if own else "no"


async def nested_timeouts():
    caught = []
    try:
        with trio.fail_after(1):
            try:
                with trio.fail_after(2):
                    await trio.sleep(60)
            except trio.TooSlowError:
                caught.append("inner")
    except trio.TooSlowError:
        caught.append("outer")
        print("caught outside")
    return "yes" if caught == ["outer"] else "no"


async def which_except_catches_timeout_fail_after():
    try:
        with trio.fail_after(1):
            await trio.sleep(2)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return type(error).__name__
    return "none"


async def which_except_catches_timeout_move_on_after():
    try:
        with trio.move_on_after(1) as scope:
            await trio.sleep(2)
    except Exception as error:
        return type(error).__name__
    print("the block has ended")
    return "none" if scope.cancelled_caught else "it did not expire"


async def timeout_leaves_running_scope():
    ended = []

    async def worker():
        await trio.sleep(2)
        ended.append("work")
        print("finished")

    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker)
    print("the timeout is over")
    await trio.sleep(2)
    return "yes" if ended else "no"


async def timeout_leaves_running_thread():
    ended = []

    def worker():
        time.sleep(2)
        ended.append("work")
        print("finished")

    with trio.move_on_after(1):
        await trio.to_thread.run_sync(worker, abandon_on_cancel=True)
    before = len(ended)
    print("the timeout is over")
    await trio.sleep(2)
    return "yes" if len(ended) > before else "no"


async def cancellation_races_completion():
    event = trio.Event()
    reached = []

    async def waiting(task_status):
        with trio.CancelScope() as outer:
            task_status.started(outer)
            with trio.fail_after(60):
                await event.wait()
            reached.append("after the inner wait")
            print("the inner wait is over")
            await trio.sleep(1)
            reached.append("after the next wait")

    async with trio.open_nursery() as nursery:
        outer = await nursery.start(waiting)
        await trio.sleep(1)
        event.set()
        outer.cancel()
        print("completed, then cancelled")
    return "no" if reached == ["after the inner wait"] else "yes"


async def scope_cancelled_by_hand():
    try:
        with trio.fail_after(60) as scope:
            scope.cancel()
            await trio.sleep(1)
    except trio.TooSlowError:
        return "a timeout"
    except trio.Cancelled:
        return "a cancellation"
    return "nothing"


async def scope_for_each_reason():
    with trio.fail_after(60), trio.CancelScope() as by_hand:
        by_hand.cancel()
        await trio.sleep(1)
    return "works" if by_hand.cancelled_caught else "fails"


async def first_result_stops_rest():
    send_channel, receive_channel = trio.open_memory_channel(10)
    ended = []

    async def job(delay):
        await trio.sleep(delay)
        ended.append(delay)
        print("finished")
        await send_channel.send(delay)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(job, 1)
        nursery.start_soon(job, 2)
        first = await receive_channel.receive()
        print("the first result is there")
    return "yes" if ended == [first] else "no"


async def rest_is_cancelled():
    send_channel, receive_channel = trio.open_memory_channel(0)
    ended = []

    async def job(delay):
        await trio.sleep(delay)
        ended.append(delay)
        await send_channel.send(delay)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(job, 1)
        nursery.start_soon(job, 2)
        first = await receive_channel.receive()
        nursery.cancel_scope.cancel()
    return "works" if ended == [first] == [1] else "fails"


async def cancel_finished_task():
    results = []

    async def child():
        results.append("result")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
    try:
        answer = nursery.cancel_scope.cancel()
    except RuntimeError:
        return "raises RuntimeError"
    await trio.lowlevel.checkpoint()
    scope = nursery.cancel_scope
    kept = results == ["result"] and not scope.cancelled_caught
    return "nothing" if answer is None and kept else f"returns {answer}"
