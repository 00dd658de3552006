"""The behaviour of trio when tasks fail."""

import gc
import random
import sys
import weakref

import trio
import trio.testing


async def one_of_three_fails():
    ended = []

    async def sibling():
        await trio.sleep(2)
        ended.append("sibling")
        print("finished")

    async def failing():
        await trio.sleep(1)
        raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            nursery.start_soon(failing)
            nursery.start_soon(sibling)
    except* ValueError:
        print("the nursery has raised")
        await trio.sleep(2)
    return "no" if ended else "yes"


async def what_the_parent_sees():
    async def sibling():
        await trio.sleep(2)

    async def failing():
        await trio.sleep(1)
        raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            nursery.start_soon(failing)
            nursery.start_soon(sibling)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return "the error" if type(error) is ValueError else "an ExceptionGroup"
    return "nothing"


async def second_error_kept_event():
    event = trio.Event()

    async def failing(error):
        await event.wait()
        raise error

    one, two = ValueError("one"), ValueError("two")
    kept = ()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failing, one)
            nursery.start_soon(failing, two)
            await trio.sleep(1)
            event.set()
    except* ValueError as errors:
        kept = errors.exceptions
    return "yes" if set(kept) == {one, two} else "no"


async def second_error_kept_sleep():
    async def failing(error):
        await trio.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    kept = ()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failing, one)
            nursery.start_soon(failing, two)
    except* ValueError as errors:
        kept = errors.exceptions
    return "yes" if set(kept) == {one, two} else "no"


async def body_and_child_fail():
    async def failing():
        try:
            await trio.sleep(60)
        finally:
            raise ValueError("child")

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failing)
            await trio.sleep(1)
            raise ValueError("body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {sorted(seen)}")
    if seen == {"body", "child"}:
        return "both errors"
    return f"the {seen.pop()}'s error"


async def fire_and_forget_error():
    seen = "nowhere"

    async def failing():
        raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(failing)
    except* ValueError:
        seen = "to the caller"
    return seen


async def task_is_collected():
    task = None

    async def waiting():
        nonlocal task
        task = weakref.ref(trio.lowlevel.current_task())
        await trio.Event().wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiting)
        await trio.testing.wait_all_tasks_blocked()
        gc.collect()
        answer = "yes" if task() is None else "no"
        nursery.cancel_scope.cancel()
    return answer


def system_exit_in_child():
    async def child():
        sys.exit(3)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    try:
        trio.run(main)
    except SystemExit as error:
        return "ends the program" if error.code == 3 else "is an error"
    except BaseExceptionGroup as group:
        return "is an error" if group.subgroup(SystemExit) else "ends the child"
    return "ends the child"


def exit_with_its_code():
    async def child():
        sys.exit(3)

    async def main():
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child)
        except BaseExceptionGroup as group:
            exits, others = group.split(SystemExit)
            if exits is None or others is not None:
                raise
            while isinstance(exits, BaseExceptionGroup):
                exits = exits.exceptions[0]
            raise exits from None

    try:
        trio.run(main)
    except SystemExit as error:
        return "works" if error.code == 3 else "fails"


async def child_raises_cancellation_new():
    async def child():
        raise trio.Cancelled

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
    except Exception:
        return "an error"
    except BaseException:
        return "the exception"
    return "nothing"


async def child_raises_cancellation_kept():
    ended = []

    async def child():
        with trio.move_on_after(1):
            try:
                await trio.sleep(2)
            except trio.Cancelled as error:
                kept = error
        raise kept

    async def sibling():
        await trio.sleep(3)
        ended.append("sibling")

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(sibling)
    except BaseException as error:
        is_it = isinstance(error, trio.Cancelled | BaseExceptionGroup)
        return "the exception" if is_it else "an error"
    return "nothing" if not ended else "fails"


async def as_completed_order():
    names = ("as_completed", "wait", "gather", "amap")
    return "yes" if any(hasattr(trio, name) for name in names) else "absent"


async def order_by_channel():
    delays = random.sample(range(50), 50)
    send_channel, receive_channel = trio.open_memory_channel(0)

    async def job(delay, send_channel):
        async with send_channel:
            await trio.sleep(delay)
            await send_channel.send(delay)

    async with trio.open_nursery() as nursery:
        async with send_channel:
            for delay in delays:
                nursery.start_soon(job, delay, send_channel.clone())
        order = [delay async for delay in receive_channel]
    return "works" if order == sorted(delays) else "fails"


async def join_cancelled_task():
    async def worker():
        await trio.sleep(2)

    try:
        async with trio.open_nursery() as nursery:
            child = nursery.start_soon(worker)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
    except trio.Cancelled:
        return "raises the cancellation"
    except BaseException:
        return "raises another error"
    print("the nursery has ended")
    return "nothing" if child is None else "a value"


async def except_exception_swallows():
    swallowed = []

    async def worker():
        try:
            await trio.sleep(2)
        except Exception as error:
            swallowed.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return "yes" if swallowed else "no"


async def block_on_own_loop():
    token = trio.lowlevel.current_trio_token()
    try:
        trio.from_thread.run(trio.sleep, 0, trio_token=token)
    except RuntimeError:
        return "raises RuntimeError"
    return "returns"
