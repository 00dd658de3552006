"""Cancellations and timeouts in the kernel: how they arrive, and what they leave."""

import threading
import time

from ..kernel import (
    Cancelled,
    CancelScope,
    Channel,
    Event,
    Future,
    Lock,
    checkpoint,
    fail_after,
    in_thread,
    move_on_after,
    open_group,
    sleep,
    sleep_forever,
)


def swallowed_once():
    swallowed = []

    def stubborn():
        for _ in range(3):
            try:
                yield from sleep(10)
            except Cancelled:
                swallowed.append("Cancelled")
                print(f"swallowed no. {len(swallowed)}")

    with move_on_after(1):
        yield from stubborn()
    return "yes" if len(swallowed) > 1 else "no"


def cancel_waits_for_cleanup():
    steps = []

    def child():
        try:
            yield from sleep_forever()
        finally:
            steps.append("cleaned up")
            print("cleaned up")

    def body(group):
        group.spawn(child)
        yield from checkpoint()
        group.cancel()
        steps.append("cancel returned")
        print("cancel has returned")

    yield from open_group(body)
    return "yes" if steps[0] == "cleaned up" else "no"


def cancel_waits_for_cleanup_group():
    steps = []

    def child():
        try:
            yield from sleep_forever()
        finally:
            with CancelScope(shield=True):
                yield from sleep(1)
            steps.append("cleaned up")

    def body(group):
        group.spawn(child)
        yield from checkpoint()
        group.cancel()

    yield from open_group(body)
    steps.append("group ended")
    return "works" if steps == ["cleaned up", "group ended"] else "fails"


def cancel_interrupts_blocking():
    ended = []
    with move_on_after(1):
        time.sleep(3)
        print("not interrupted")
        ended.append("sleep")
        yield from checkpoint()
    return "no" if ended else "yes"


def cancel_interrupts_blocking_flag():
    stop = threading.Event()

    def worker():
        while not stop.wait(0.5):
            pass

    def stop_when_cancelled():
        try:
            yield from sleep_forever()
        finally:
            stop.set()

    def body(group):
        group.spawn(stop_when_cancelled)
        group.spawn(in_thread, worker)

    with move_on_after(2) as scope:
        yield from open_group(body)
    return "works" if scope.cancelled_caught else "fails"


def overdue_and_zero_wait():
    try:
        with fail_after(1):
            time.sleep(2)
            yield from sleep(0)
    except TimeoutError:
        print("caught TimeoutError")
        return "yes"
    return "no"


def overdue_and_no_wait():
    lock = Lock()
    try:
        with fail_after(1):
            time.sleep(2)
            yield from lock.acquire()
    except TimeoutError:
        return "yes"
    print("no timeout")
    return "no"


def timeout_of_zero():
    channel = Channel(1)
    yield from channel.put("item")
    with move_on_after(0):
        item = yield from channel.get()
        return "yes" if item == "item" else "no"
    return "no"


def cancel_while_thread_works():
    def worker():
        time.sleep(2)
        print("the thread ends")

    begin = time.monotonic()
    with move_on_after(1):
        yield from in_thread(worker)
    took = time.monotonic() - begin
    print("the task continues")
    return "at once" if took < 2 else "when the thread ends"


def cancel_reaches_children():
    ended = []

    def child():
        yield from sleep(2)
        ended.append("child")
        print("finished")

    def children(group):
        group.spawn(child)
        group.spawn(child)

    def parent():
        yield from open_group(children)

    def body(group):
        group.spawn(parent)
        yield from sleep(1)
        group.cancel()
        print("the group is cancelled")

    yield from open_group(body)
    yield from sleep(2)
    return "no" if ended else "yes"


def delivered_then_cancelled():
    received = []

    def receiver(channel, scope):
        with scope:
            received.append((yield from channel.get()))
            print("got the item")

    def body(group):
        channel, scope = Channel(), CancelScope()
        group.spawn(receiver, channel, scope)
        yield from checkpoint()
        yield from channel.put("item")
        scope.cancel()
        print("put, then cancelled")

    yield from open_group(body)
    return "no" if received == ["item"] else "yes"


def cancelled_then_delivered():
    received = []

    def receiver(channel, scope):
        with scope:
            received.append((yield from channel.get()))
            print("got the item")

    def body(group):
        channel, scope = Channel(1), CancelScope()
        group.spawn(receiver, channel, scope)
        yield from checkpoint()
        scope.cancel()
        yield from channel.put("item")
        print("cancelled, then put")
        yield from sleep(1)
        with move_on_after(1):
            received.append((yield from channel.get()))

    yield from open_group(body)
    return "no" if received == ["item"] else "yes"


def woken_lock_waiter_cancelled():
    served = []

    def waiter(lock, scope):
        with scope:
            yield from lock.acquire()
            print("has the lock")
            try:
                yield from sleep(1)
                served.append("waiter")
            finally:
                lock.release()

    def body(group):
        lock, scope = Lock(), CancelScope()
        yield from lock.acquire()
        group.spawn(waiter, lock, scope)
        group.spawn(waiter, lock, CancelScope())
        yield from checkpoint()
        lock.release()
        scope.cancel()
        print("the first is cancelled")

    with move_on_after(60):
        yield from open_group(body)
    return "yes" if served == ["waiter"] else "no"


def shared_result_waiter_cancelled():
    outcome = {}

    def waiter(name, future, scope):
        with scope:
            outcome[name] = "is cancelled"
            yield from future.wait()
            outcome[name] = "gets the result"
            print("got the result")

    def body(group):
        future, scope = Future(), CancelScope()
        group.spawn(waiter, "first", future, scope)
        group.spawn(waiter, "second", future, CancelScope())
        yield from sleep(1)
        scope.cancel()
        print("the first is cancelled")
        yield from sleep(1)
        future.set_result("result")

    yield from open_group(body)
    return outcome["second"]


def cleanup_may_wait():
    finished = []

    def unprotected():
        try:
            yield from sleep_forever()
        finally:
            print("cleanup begins")
            yield from sleep(1)
            finished.append("without")
            print("cleaned up")

    def shielded():
        try:
            yield from sleep_forever()
        finally:
            print("cleanup begins")
            with CancelScope(5, shield=True):
                yield from sleep(1)
                finished.append("with a shield")
                print("cleaned up in a shield")

    for task in (unprotected, shielded):
        with move_on_after(1):
            yield from task()
    return {1: "only in a shield", 2: "yes"}[len(finished)]


def deadline_reaches_into_shield():
    begin = time.monotonic()
    with move_on_after(1):
        with CancelScope(shield=True):
            yield from sleep(3)
            print("saved")
    print("the timeout is over")
    took = time.monotonic() - begin
    return "yes" if took < 3 else "no"


def shield_with_deadline():
    begin = time.monotonic()
    with move_on_after(1):
        with CancelScope(2, shield=True):
            yield from sleep(3)
    print("the shield is over")
    took = time.monotonic() - begin
    return "yes" if took == 2 else "no"


def nested_timeouts():
    blamed = []
    try:
        with fail_after(1):
            try:
                with fail_after(2):
                    yield from sleep(3)
            except TimeoutError:
                blamed.append("inner")
    except TimeoutError:
        blamed.append("outer")
        print("caught outside")
    return "yes" if blamed == ["outer"] else "no"


def which_except_catches_timeout():
    try:
        with fail_after(1):
            yield from sleep(2)
    except Exception as error:
        print(f"caught {type(error).__name__}")
        return type(error).__name__


def timeout_leaves_running():
    ticks = []

    def ticking():
        while True:
            yield from sleep(1)
            ticks.append("tick")
            print("tick")

    def body(group):
        group.spawn(ticking)
        group.spawn(in_thread, time.sleep, 3)

    with move_on_after(2):
        yield from open_group(body)
    before = len(ticks)
    print("the timeout is over")
    yield from sleep(2)
    return "yes" if len(ticks) > before else "no"


def cancellation_races_completion():
    continued = []

    def waiter(event, scope):
        with scope:
            with fail_after(5):
                yield from event.wait()
            print("the inner wait is over")
            yield from sleep(1)
            continued.append("waiter")

    def body(group):
        event, scope = Event(), CancelScope()
        group.spawn(waiter, event, scope)
        yield from sleep(1)
        event.set()
        scope.cancel()
        print("set, then cancelled")

    yield from open_group(body)
    return "yes" if continued else "no"


def scope_cancelled_by_hand():
    try:
        with fail_after(5) as scope:
            scope.cancel()
            yield from sleep(1)
    except TimeoutError:
        return "a timeout"
    except Cancelled:
        return "a cancellation"
    return "nothing"


def scope_cancelled_by_hand_around():
    with CancelScope() as scope:
        with fail_after(5):
            scope.cancel()
            yield from sleep(1)
    return "works" if scope.cancelled_caught else "fails"


def first_result_stops_rest():
    ended = []

    def job(seconds, results):
        yield from sleep(seconds)
        ended.append(seconds)
        print("finished")
        yield from results.put(seconds)

    def body(group):
        results = Channel(3)
        for seconds in (3, 1, 2):
            group.spawn(job, seconds, results)
        first = yield from results.get()
        print("the first result is there")
        return first

    yield from open_group(body)
    return "yes" if ended == [1] else "no"


def first_result_stops_rest_cancel():
    ended = []

    def job(seconds, results):
        yield from sleep(seconds)
        ended.append(seconds)
        yield from results.put(seconds)

    def body(group):
        results = Channel(3)
        for seconds in (3, 1, 2):
            group.spawn(job, seconds, results)
        first = yield from results.get()
        group.cancel()
        return first

    first = yield from open_group(body)
    return "works" if ended == [first] else "fails"


def cancel_finished_task():
    def child(scope):
        with scope:
            yield from sleep(1)

    def body(group):
        scope = CancelScope()
        task = group.spawn(child, scope)
        yield from task.join()
        try:
            refused = scope.cancel() is False
        except RuntimeError:
            return "raises RuntimeError"
        yield from sleep(1)
        return "returns False" if refused else "nothing"

    return (yield from open_group(body))
