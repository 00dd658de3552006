"""Errors of tasks in AnyIO."""

import contextlib
import gc
import io
import logging
import sys
import weakref

import anyio
import anyio.lowlevel


async def one_of_three_fails_task_group():
    ended = []

    async def sibling():
        await anyio.sleep(2)
        ended.append("sibling")
        print("finished")

    async def failing():
        await anyio.sleep(1)
        raise ValueError

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(sibling)
            group.start_soon(failing)
            group.start_soon(sibling)
    except* ValueError:
        print("the group has raised")
        await anyio.sleep(2)
    return "no" if ended else "yes"


async def one_of_three_fails_gather():
    ended = []

    async def sibling():
        await anyio.sleep(2)
        ended.append("sibling")
        print("finished")

    async def failing():
        await anyio.sleep(1)
        raise ValueError

    try:
        await anyio.gather(sibling(), failing(), sibling())
    except* ValueError:
        print("gather has raised")
        await anyio.sleep(2)
    return "no" if ended else "yes"


async def what_the_parent_sees_task_group():
    async def sibling():
        await anyio.sleep(2)

    async def failing():
        await anyio.sleep(1)
        raise ValueError

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(sibling)
            group.start_soon(failing)
            group.start_soon(sibling)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return "the error" if type(error) is ValueError else "an ExceptionGroup"
    return "nothing"


async def what_the_parent_sees_gather():
    async def sibling():
        await anyio.sleep(2)

    async def failing():
        await anyio.sleep(1)
        raise ValueError

    try:
        await anyio.gather(sibling(), failing(), sibling())
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return "the error" if type(error) is ValueError else "an ExceptionGroup"
    return "nothing"


async def caught_with_except_star():
    async def failing():
        raise ValueError

    answer = "fails"
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(failing)
    except* ValueError:
        answer = "works"
    return answer


async def second_error_kept_event():
    async def failing(error):
        await event.wait()
        raise error

    event = anyio.Event()
    one, two = ValueError("one"), ValueError("two")
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(failing, one)
            group.start_soon(failing, two)
            await anyio.sleep(1)
            event.set()
    except* ValueError as errors:
        kept = set(errors.exceptions) == {one, two}
    return "yes" if kept else "no"


async def second_error_kept_sleep():
    async def failing(error):
        await anyio.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(failing, one)
            group.start_soon(failing, two)
    except* ValueError as errors:
        kept = set(errors.exceptions) == {one, two}
    return "yes" if kept else "no"


async def body_and_child_fail():
    async def failing():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("child")

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(failing)
            await anyio.sleep(1)
            raise ValueError("body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {sorted(seen)}")
    if seen == {"body", "child"}:
        return "both errors"
    return f"the {seen.pop()}'s error"


async def fire_and_forget_error_task_group():
    seen = "nowhere"

    async def failing():
        raise ValueError

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(failing)
    except* ValueError:
        seen = "to the caller"
    return seen


async def fire_and_forget_error_portal():
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    answer = "nowhere"

    async def failing():
        raise ValueError

    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stderr(heard):
            async with anyio.from_thread.BlockingPortal() as portal:
                await anyio.to_thread.run_sync(portal.start_task_soon, failing)
            gc.collect()
    except* ValueError:
        answer = "to the caller"
    finally:
        logging.getLogger().removeHandler(handler)
    return "to a log" if heard.getvalue() else answer


async def portal_result():
    async def failing():
        raise ValueError

    async with anyio.from_thread.BlockingPortal() as portal:
        try:
            await anyio.to_thread.run_sync(portal.call, failing)
        except ValueError:
            return "works"
    return "fails"


async def task_is_collected():
    references = []

    async def waiting():
        event = anyio.Event()
        references.append(weakref.ref(event))
        await event.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(waiting)
        await anyio.wait_all_tasks_blocked()
        gc.collect()
        answer = "yes" if references[0]() is None else "no"
        group.cancel_scope.cancel()
    return answer


def system_exit_in_child_asyncio():
    async def child():
        sys.exit(3)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(child)

    try:
        anyio.run(main, backend="asyncio")
    except SystemExit:
        return "ends the program"
    except BaseExceptionGroup:
        return "is an error"
    return "ends the child"


def system_exit_in_child_trio():
    async def child():
        sys.exit(3)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(child)

    try:
        anyio.run(main, backend="trio")
    except SystemExit:
        return "ends the program"
    except BaseExceptionGroup:
        return "is an error"
    return "ends the child"


def system_exit_out_of_group():
    async def child():
        sys.exit(3)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(child)

    try:
        anyio.run(main, backend="trio")
    except* SystemExit as group:
        codes = [error.code for error in group.exceptions]
    return "works" if codes == [3] else "fails"


async def child_raises_cancellation():
    async def child():
        raise anyio.get_cancelled_exc_class()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(child)
            group.start_soon(anyio.sleep, 60)
    except anyio.get_cancelled_exc_class():
        return "the exception"
    except BaseExceptionGroup:
        return "an error"
    return "nothing"


async def as_completed_order_coroutines():
    async def child(number):
        await anyio.sleep(number)
        return number

    numbers = (3, 1, 4, 9, 5, 2, 6, 8, 7, 0)
    async with anyio.as_completed(*map(child, numbers)) as handles:
        order = [await handle async for handle in handles]
    return "yes" if order == sorted(order) else "no"


async def as_completed_order_handles():
    async def child(number):
        await anyio.sleep(number)
        return number

    async with anyio.create_task_group() as group:
        numbers = (3, 1, 4, 9, 5, 2, 6, 8, 7, 0)
        tasks = [group.start_soon(child, number) for number in numbers]
    print("all are done")
    async with anyio.as_completed(*tasks) as handles:
        order = [await handle async for handle in handles]
    return "yes" if order == sorted(order) else "no"


async def join_cancelled_task_await():
    async def worker():
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        handle = group.start_soon(worker)
        await anyio.sleep(1)
        handle.cancel()
        try:
            return await handle or "nothing"
        except anyio.get_cancelled_exc_class():
            return "raises the cancellation"
        except anyio.TaskCancelled:
            print("await has raised")
            return "raises another error"


async def join_cancelled_task_wait():
    async def worker():
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        handle = group.start_soon(worker)
        await anyio.sleep(1)
        handle.cancel()
        try:
            given = await handle.wait()
            print("wait has returned")
            return given or "nothing"
        except anyio.get_cancelled_exc_class():
            return "raises the cancellation"


async def except_exception_swallows():
    swallowed = []

    async def worker():
        try:
            await anyio.sleep(2)
        except Exception as error:
            swallowed.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(worker)
        await anyio.sleep(1)
        group.cancel_scope.cancel()
    return "yes" if swallowed else "no"


async def block_on_own_loop_from_thread():
    try:
        anyio.from_thread.run(anyio.sleep, 1)
    except RuntimeError:
        return "raises RuntimeError"
    return "returns"


async def block_on_own_loop_portal_call():
    async with anyio.from_thread.BlockingPortal() as portal:
        try:
            portal.call(anyio.sleep, 1)
        except RuntimeError:
            return "raises RuntimeError"
    return "returns"
