"""The behaviour of asyncio when tasks fail."""

import asyncio
import contextlib
import gc
import io
import logging
import random
import sys
import weakref


async def one_of_three_fails_gather():
    ended = []

    async def sibling():
        await asyncio.sleep(2)
        ended.append("sibling")
        print("finished")

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        await asyncio.gather(sibling(), failing(), sibling())
    except ValueError:
        print("gather has raised")
        await asyncio.sleep(2)
    return "no" if ended else "yes"


async def one_of_three_fails_task_group():
    ended = []

    async def sibling():
        await asyncio.sleep(2)
        ended.append("sibling")
        print("finished")

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(failing())
            group.create_task(sibling())
    except* ValueError:
        print("the group has raised")
        await asyncio.sleep(2)
    return "no" if ended else "yes"


async def what_the_parent_sees_gather():
    async def sibling():
        await asyncio.sleep(2)

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        await asyncio.gather(sibling(), failing(), sibling())
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return "the error" if type(error) is ValueError else "an ExceptionGroup"
    return "nothing"


async def what_the_parent_sees_task_group():
    async def sibling():
        await asyncio.sleep(2)

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(failing())
            group.create_task(sibling())
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return "the error" if type(error) is ValueError else "an ExceptionGroup"
    return "nothing"


async def what_the_parent_sees_wait():
    async def sibling():
        await asyncio.sleep(2)

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    tasks = [asyncio.create_task(each()) for each in (sibling, failing, sibling)]
    try:
        await asyncio.wait(tasks)
        print("wait has returned")
        answer = "nothing"
    except Exception as error:
        answer = "the error" if type(error) is ValueError else "an ExceptionGroup"
    tasks[1].exception()
    return answer


async def second_error_kept_gather():
    async def failing(error):
        await asyncio.sleep(0)
        raise error

    logged = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: logged.append(context))
    one, two = ValueError("one"), ValueError("two")
    try:
        await asyncio.gather(failing(one), failing(two))
    except* ValueError as group:
        kept = two in group.exceptions
    await asyncio.sleep(0)
    gc.collect()
    return "yes" if kept else "only logged" if logged else "no"


async def second_error_kept_return_exceptions():
    async def failing(error):
        await asyncio.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    errors = await asyncio.gather(failing(one), failing(two), return_exceptions=True)
    return "yes" if errors == [one, two] else "no"


async def second_error_kept_task_group():
    async def failing(error):
        await asyncio.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(failing(one))
            group.create_task(failing(two))
    except* ValueError as errors:
        kept = errors.exceptions == (one, two)
    return "yes" if kept else "no"


async def body_and_child_fail():
    async def failing():
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("child")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
            await asyncio.sleep(1)
            raise ValueError("body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {sorted(seen)}")
    if seen == {"body", "child"}:
        return "both errors"
    return f"the {seen.pop()}'s error"


async def fire_and_forget_error_create_task():
    async def failing():
        raise ValueError

    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger("asyncio").addHandler(handler)
    try:
        task = asyncio.create_task(failing())
        await asyncio.wait([task])
        assert not log.getvalue()  # not while there is a reference to the task
        del task
        gc.collect()
    except ValueError:
        return "to the caller"
    finally:
        logging.getLogger("asyncio").removeHandler(handler)
    return "to a log" if "ValueError" in log.getvalue() else "nowhere"


async def fire_and_forget_error_task_group():
    seen = "nowhere"

    async def failing():
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
    except* ValueError:
        seen = "to the caller"
    return seen


async def task_is_collected_create_task():
    async def waiting():
        await asyncio.get_running_loop().create_future()

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    task = weakref.ref(asyncio.create_task(waiting()))
    await asyncio.sleep(0)
    gc.collect()
    return "yes" if task() is None else "no"


async def task_is_collected_task_group():
    async def waiting():
        await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as group:
        task = weakref.ref(group.create_task(waiting()))
        await asyncio.sleep(0)
        gc.collect()
        if task() is None:
            return "yes"
        task().cancel()
    return "no"


async def kept_until_it_ends():
    background = set()

    async def waiting():
        await asyncio.get_running_loop().create_future()

    def start():
        task = asyncio.create_task(waiting())
        background.add(task)
        task.add_done_callback(background.discard)

    start()
    await asyncio.sleep(0)
    gc.collect()
    (task,) = background
    task.cancel()
    await asyncio.wait([task])
    return "fails" if background else "works"


def system_exit_in_child():
    after = []

    async def child():
        sys.exit(3)

    async def main():
        task = asyncio.create_task(child())
        await asyncio.wait([task])
        after.append(task.exception())

    try:
        asyncio.run(main())
    except SystemExit as error:
        return "ends the program" if error.code == 3 and not after else "is an error"
    return "ends the child"


async def child_raises_cancellation_await():
    async def child():
        raise asyncio.CancelledError

    try:
        await asyncio.create_task(child())
    except asyncio.CancelledError:
        return "the exception"
    return "nothing"


async def child_raises_cancellation_gather():
    async def child():
        raise asyncio.CancelledError

    async def sibling():
        await asyncio.sleep(1)

    try:
        await asyncio.gather(child(), sibling())
    except asyncio.CancelledError:
        print("gather has raised")
        return "the exception"
    return "nothing"


async def child_raises_cancellation_task_group():
    ended = []

    async def child():
        raise asyncio.CancelledError

    async def sibling():
        await asyncio.sleep(1)
        ended.append("sibling")
        print("finished")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(sibling())
    except asyncio.CancelledError:
        return "the exception"
    return "nothing" if ended else "an error"


async def as_completed_order():
    async def job(seconds):
        await asyncio.sleep(seconds)
        return seconds

    seconds = (3, 1, 4, 9, 5, 2, 6, 8, 7, 0)
    tasks = [asyncio.create_task(job(each)) for each in seconds]
    await asyncio.wait(tasks)
    print("all are done")
    order = [await task for task in asyncio.as_completed(tasks)]
    return "yes" if order == sorted(order) else "no"


async def order_by_callbacks():
    order = asyncio.Queue()
    tasks = set()
    for delay in random.sample(range(50), 50):
        task = asyncio.create_task(asyncio.sleep(delay, delay))
        task.add_done_callback(order.put_nowait)
        tasks.add(task)
    await asyncio.wait(tasks)
    delays = [order.get_nowait().result() for _ in range(50)]
    return "works" if delays == sorted(delays) else "fails"


async def join_cancelled_task_await():
    async def worker():
        await asyncio.sleep(2)
        return "a value"

    task = asyncio.create_task(worker())
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        return await task or "nothing"
    except asyncio.CancelledError:
        print("await has raised")
        return "raises the cancellation"


async def join_cancelled_task_wait():
    async def worker():
        await asyncio.sleep(2)
        return "a value"

    task = asyncio.create_task(worker())
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        await asyncio.wait([task])
        print("wait has returned")
    except asyncio.CancelledError:
        return "raises the cancellation"
    return "nothing" if task.cancelled() else task.result()


async def join_cancelled_task_gather():
    async def worker():
        await asyncio.sleep(2)

    task = asyncio.create_task(worker())
    asyncio.get_running_loop().call_later(1, task.cancel)
    try:
        results = await asyncio.gather(task, return_exceptions=True)
        print("gather has returned")
    except asyncio.CancelledError:
        return "raises the cancellation"
    is_error = isinstance(results[0], asyncio.CancelledError)
    return "a value" if is_error else "nothing"


async def except_exception_swallows():
    swallowed = []

    async def worker():
        try:
            await asyncio.sleep(2)
        except Exception as error:
            swallowed.append(error)

    task = asyncio.create_task(worker())
    await asyncio.sleep(1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return "yes" if swallowed else "no"


async def block_on_own_loop_future():
    loop = asyncio.get_running_loop()
    result = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "returns"), loop)
    try:
        return result.result()
    except RuntimeError:
        return "raises RuntimeError"


async def block_on_own_loop_run_until_complete():
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(asyncio.sleep(0, "returns"))
    try:
        return loop.run_until_complete(task)
    except RuntimeError:
        await task
        return "raises RuntimeError"
