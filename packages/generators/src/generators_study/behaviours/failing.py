"""Errors in tasks of the kernel."""

import gc
import threading

from .. import kernel
from ..kernel import (
    Cancelled,
    CancelScope,
    Channel,
    Event,
    TaskCancelled,
    checkpoint,
    current_task,
    open_group,
    run,
    sleep,
    sleep_forever,
)


def one_of_three_fails():
    ended = []

    def sibling():
        yield from sleep(2)
        ended.append("sibling")
        print("finished")

    def failing():
        yield from sleep(1)
        raise ValueError

    def body(group):
        group.spawn(sibling)
        group.spawn(failing)
        group.spawn(sibling)

    try:
        yield from open_group(body)
    except* ValueError:
        print("the group has raised")
        yield from sleep(2)
    return "no" if ended else "yes"


def what_the_parent_sees_group():
    def sibling():
        yield from sleep(2)

    def failing():
        yield from sleep(1)
        raise ValueError

    def body(group):
        group.spawn(sibling)
        group.spawn(failing)
        group.spawn(sibling)

    try:
        yield from open_group(body)
    except ValueError:
        return "the error"
    except ExceptionGroup:
        print("caught ExceptionGroup")
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_join():
    seen = []

    def failing():
        yield from sleep(1)
        raise ValueError

    def body(group):
        task = group.spawn(failing)
        try:
            yield from task.join()
        except ValueError:
            print("caught ValueError")
            seen.append("the error")
        except ExceptionGroup:
            seen.append("an ExceptionGroup")

    try:
        yield from open_group(body)
    except* ValueError:
        pass
    return seen[0] if seen else "nothing"


def second_error_kept():
    def failing(error):
        yield from sleep(1)
        raise error

    def body(group):
        group.spawn(failing, ValueError())
        group.spawn(failing, KeyError())

    try:
        yield from open_group(body)
    except ExceptionGroup as group:
        kinds = [type(error) for error in group.exceptions]
        return "yes" if kinds == [ValueError, KeyError] else "no"
    return "no"


def body_and_child_fail():
    def failing():
        yield from sleep(1)
        raise ValueError("child")

    def body(group):
        group.spawn(failing)
        yield from sleep(1)
        raise ValueError("body")

    try:
        yield from open_group(body)
    except ExceptionGroup as group:
        texts = {str(error) for error in group.exceptions}
        print(f"caught {sorted(texts)}")
    if texts == {"body", "child"}:
        return "both errors"
    return f"the {texts.pop()}'s error"


def fire_and_forget_error():
    def failing():
        yield from checkpoint()
        raise ValueError

    def main():
        current_task().group.spawn(failing)
        yield from checkpoint()
        return "nowhere"

    try:
        return run(main)
    except ValueError:
        return "to the caller"


def task_is_collected():
    ended = []

    def child():
        try:
            yield from sleep_forever()
        finally:
            ended.append("child")

    def body(group):
        group.spawn(child)
        yield from checkpoint()
        gc.collect()
        collected = bool(ended)
        group.cancel()
        return "yes" if collected else "no"

    return (yield from open_group(body))


def system_exit_in_child_group():
    def leaving():
        yield from sleep(1)
        raise SystemExit

    def body(group):
        group.spawn(leaving)

    try:
        yield from open_group(body)
    except SystemExit:
        return "ends the program"
    except BaseExceptionGroup:
        return "is an error"
    return "ends the child"


def system_exit_in_child_root():
    def leaving():
        yield from checkpoint()
        raise SystemExit

    def main():
        current_task().group.spawn(leaving)
        yield from checkpoint()
        return "ends the child"

    try:
        return run(main)
    except SystemExit:
        return "ends the program"
    except BaseExceptionGroup:
        return "is an error"


def child_raises_cancellation():
    def child():
        yield from sleep(1)
        raise Cancelled

    def body(group):
        group.spawn(child)

    try:
        yield from open_group(body)
    except Cancelled:
        return "the exception"
    except BaseExceptionGroup as group:
        (error,) = group.exceptions
        return "an error" if isinstance(error, Cancelled) else repr(error)
    return "nothing"


def as_completed_order():
    names = [*dir(kernel), *dir(kernel.Group), *dir(kernel.Task)]
    found = [name for name in names if "completed" in name]
    return "yes" if found else "absent"


def as_completed_order_channel():
    def job(seconds, results):
        yield from sleep(seconds)
        yield from results.put(seconds)

    def body(group):
        results = Channel(3)
        for seconds in (3, 1, 2):
            group.spawn(job, seconds, results)
        yield from sleep(2)
        order = []
        for _ in range(3):
            order.append((yield from results.get()))
        return "works" if order == [1, 2, 3] else "fails"

    return (yield from open_group(body))


def join_cancelled_task_group():
    def body(group):
        group.cancel()
        return group.spawn(sleep_forever)

    task = yield from open_group(body)
    try:
        value = yield from task.join()
    except Cancelled:
        return "raises the cancellation"
    except TaskCancelled:
        return "raises another error"
    return "nothing" if value is None else "a value"


def join_cancelled_task_scope():
    def child(scope):
        with scope:
            yield from sleep_forever()

    def body(group):
        scope = CancelScope()
        task = group.spawn(child, scope)
        yield from checkpoint()
        scope.cancel()
        try:
            value = yield from task.join()
        except Cancelled:
            return "raises the cancellation"
        except TaskCancelled:
            return "raises another error"
        return "nothing" if value is None else "a value"

    return (yield from open_group(body))


def except_exception_swallows():
    swallowed = []

    def child():
        try:
            yield from sleep_forever()
        except Exception:
            swallowed.append("cancellation")

    def body(group):
        group.spawn(child)
        yield from checkpoint()
        group.cancel()

    yield from open_group(body)
    return "yes" if swallowed else "no"


def block_on_own_loop():
    produced = threading.Event()

    def producer():
        yield from checkpoint()
        produced.set()

    def body(group):
        group.spawn(producer)
        produced.wait()
        return "nothing"

    return (yield from open_group(body))


def block_on_own_loop_event():
    produced = Event()

    def producer():
        yield from checkpoint()
        produced.set()

    def body(group):
        group.spawn(producer)
        yield from produced.wait()
        return "works"

    return (yield from open_group(body))
