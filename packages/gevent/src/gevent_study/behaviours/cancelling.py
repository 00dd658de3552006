"""The kills and timeouts of gevent, and what they leave."""

import queue
import time

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore
from gevent.pool import Group
from gevent.queue import Channel, Queue


def swallowed_once_kill():
    steps = []

    def worker():
        try:
            gevent.sleep(60)
        except gevent.GreenletExit:
            steps.append("swallowed")
            print("swallowed")
        gevent.sleep(1)
        steps.append("continued")
        print("not killed again")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    print("kill has returned")
    return "no" if steps == ["swallowed", "continued"] else "yes"


def swallowed_once_timeout():
    try:
        with gevent.Timeout(1):
            try:
                gevent.sleep(60)
            except gevent.Timeout:
                print("swallowed")
            gevent.sleep(2)
            print("not raised again")
    except gevent.Timeout:
        return "yes"
    return "no"


def only_its_own_timeout():
    own = gevent.Timeout(60)
    try:
        with gevent.Timeout(1):
            try:
                with own:
                    gevent.sleep(60)
            except gevent.Timeout as timeout:
                if timeout is not own:
                    raise
    except gevent.Timeout:
        return "works"


def kill_until_dead():
    def worker():
        for _ in range(3):
            try:
                gevent.sleep(60)
            except gevent.GreenletExit:
                pass

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    while not greenlet.dead:
        greenlet.kill(timeout=1)
    return "works"


def cancel_waits_for_cleanup_kill():
    steps = []

    def worker():
        try:
            gevent.sleep(60)
        finally:
            gevent.sleep(1)
            steps.append("cleaned up")
            print("cleaned up")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    print("kill has returned")
    return "yes" if steps else "no"


def cancel_waits_for_cleanup_kill_without_block():
    steps = []

    def worker():
        try:
            gevent.sleep(60)
        finally:
            gevent.sleep(1)
            steps.append("cleaned up")
            print("cleaned up")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill(block=False)
    print("kill has returned")
    answer = "yes" if steps else "no"
    greenlet.join()
    return answer


def cancel_interrupts_blocking():
    steps = []

    def worker():
        time.sleep(10)  # blocks the thread, and every greenlet with it
        steps.append("not interrupted")
        print("not interrupted")

    start = time.monotonic()
    greenlet = gevent.spawn(worker)
    with gevent.Timeout(1, False):
        greenlet.join()
    greenlet.kill()
    took = time.monotonic() - start
    return "no" if steps and took >= 10 else "yes"


def yield_while_computing():
    def worker():
        while True:
            gevent.sleep(0)  # lets others run, and a kill arrive

    greenlet = gevent.spawn(worker)
    gevent.sleep(0)
    greenlet.kill()
    return "works" if greenlet.dead else "fails"


def overdue_and_zero_wait():
    try:
        with gevent.Timeout(0.01):
            time.sleep(0.02)
            gevent.sleep(0)
    except gevent.Timeout:
        return "yes"
    return "no"


def overdue_and_no_wait():
    try:
        with gevent.Timeout(1):
            time.sleep(2)
    except gevent.Timeout:
        return "yes"
    print("no timeout")
    return "no"


def short_wait_raises():
    try:
        with gevent.Timeout(0.01):
            time.sleep(0.02)
            gevent.sleep(0.001)
    except gevent.Timeout:
        return "works"


def timeout_of_zero_block():
    queue = Queue(items=["item"])
    with gevent.Timeout(0, False):
        return "yes" if queue.get() == "item" else "no"
    return "no"


def timeout_of_zero_argument():
    items = Queue(items=["item"])
    try:
        return "yes" if items.get(timeout=0) == "item" else "no"
    except queue.Empty:
        return "no"


def cancel_while_thread_works():
    ended = []

    def block():
        time.sleep(2)
        ended.append("thread")
        print("the thread ends")

    def wait():
        pool.spawn(block).get()

    pool = gevent.get_hub().threadpool
    waiter = gevent.spawn(wait)
    gevent.sleep(1)
    waiter.kill()
    print("the waiter is killed")
    answer = "when the thread ends" if ended else "at once"
    gevent.sleep(2)
    return answer if ended else "fails"


def wait_for_the_thread():
    ended = []

    def block():
        time.sleep(2)
        ended.append("thread")

    def waiter():
        result = gevent.get_hub().threadpool.spawn(block)
        try:
            result.get()
        finally:
            result.wait()

    greenlet = gevent.spawn(waiter)
    gevent.sleep(1)
    greenlet.kill()
    return "works" if ended else "fails"


def cancel_reaches_children():
    ended = []

    def child():
        gevent.sleep(2)
        ended.append("child")
        print("finished")

    def parent():
        gevent.spawn(child).join()

    greenlet = gevent.spawn(parent)
    gevent.sleep(1)
    greenlet.kill()
    print("the parent is killed")
    gevent.sleep(2)
    return "no" if ended else "yes"


def parent_kills_its_children():
    ended = []

    def child():
        gevent.sleep(2)
        ended.append("child")

    def parent():
        group = Group()
        try:
            group.spawn(child)
            group.join()
        finally:
            group.kill()

    greenlet = gevent.spawn(parent)
    gevent.sleep(1)
    greenlet.kill()
    gevent.sleep(5)
    return "fails" if ended else "works"


def delivered_then_cancelled_queue():
    received = []
    queue = Queue()

    def receive():
        received.append(queue.get())
        print("got the item")

    receiver = gevent.spawn(receive)
    gevent.sleep(1)
    queue.put("item")
    receiver.kill()
    print("put, then killed")
    return "no" if received or len(queue) else "yes"


def delivered_then_cancelled_channel():
    received = []
    channel = Channel()

    def receive():
        received.append(channel.get())
        print("got the item")

    receiver = gevent.spawn(receive)
    gevent.sleep(1)
    sender = gevent.spawn(channel.put, "item")
    gevent.spawn(receiver.kill)
    sender.join()
    return "no" if received else "yes"


def cancelled_then_delivered_queue():
    received = []
    queue = Queue()

    def receive():
        received.append(queue.get())
        print("got the item")

    receiver = gevent.spawn(receive)
    gevent.sleep(1)
    receiver.kill(block=False)
    queue.put("item")
    print("killed, then put")
    receiver.join()
    return "no" if received or len(queue) else "yes"


def cancelled_then_delivered_channel():
    received = []
    channel = Channel()

    def receive():
        received.append(channel.get())
        print("got the item")

    receiver = gevent.spawn(receive)
    gevent.sleep(1)
    receiver.kill(block=False)
    sender = gevent.spawn(channel.put, "item")
    receiver.join()
    gevent.spawn(receive)
    sender.join()
    return "no" if received else "yes"


def woken_lock_waiter_cancelled():
    got = []
    lock = BoundedSemaphore()

    def waiter(name):
        with lock:
            got.append(name)
            print(f"{name} has the lock")
            gevent.sleep(1)

    lock.acquire()
    first = gevent.spawn(waiter, "first")
    second = gevent.spawn(waiter, "second")
    gevent.sleep(1)
    lock.release()
    first.kill()
    print("the first is killed")
    second.join(timeout=60)
    return "yes" if "second" in got else "no"


def shared_result_waiter_cancelled_async_result():
    got = []
    result = AsyncResult()

    def waiter():
        got.append(result.get())
        print("got the result")

    first = gevent.spawn(waiter)
    second = gevent.spawn(waiter)
    gevent.sleep(1)
    first.kill()
    print("the first is killed")
    gevent.sleep(1)
    result.set("result")
    second.join()
    return "gets the result" if got == ["result"] else "is cancelled"


def shared_result_waiter_cancelled_greenlet():
    def work():
        gevent.sleep(2)
        return "result"

    def waiter():
        got.append(worker.get())
        print("got the result")

    got = []
    worker = gevent.spawn(work)
    first = gevent.spawn(waiter)
    second = gevent.spawn(waiter)
    gevent.sleep(1)
    first.kill()
    print("the first is killed")
    second.join()
    return "gets the result" if got == ["result"] else "is cancelled"


def cleanup_may_wait():
    steps = []

    def worker():
        try:
            gevent.sleep(60)
        finally:
            print("cleanup begins")
            gevent.sleep(1)
            steps.append("cleaned up")
            print("cleaned up")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    return "yes" if steps else "only in a shield"


def deadline_reaches_into_shield():
    names = ("shield", "Shield", "CancelScope", "CancelShield")
    if any(hasattr(each, name) for each in (gevent, gevent.Timeout) for name in names):
        return "no"
    return "absent"


def cleanup_in_a_greenlet_of_its_own():
    steps = []

    def cleanup():
        gevent.sleep(5)
        steps.append("cleaned up")

    try:
        with gevent.Timeout(1):
            greenlet = gevent.spawn(cleanup)
            try:
                greenlet.join()
            finally:
                greenlet.join()
    except gevent.Timeout:
        return "works" if steps else "fails"


def shield_with_deadline():
    names = ("shield", "Shield", "CancelScope", "CancelShield")
    if any(hasattr(each, name) for each in (gevent, gevent.Timeout) for name in names):
        return "yes"
    return "absent"


def cleanup_with_a_limit():
    cleanup = gevent.spawn(gevent.sleep, 60)
    try:
        with gevent.Timeout(1):
            try:
                cleanup.join()
            finally:
                cleanup.join(timeout=5)
                cleanup.kill()
    except gevent.Timeout:
        return "works" if cleanup.dead else "fails"


def nested_timeouts():
    outer, inner = gevent.Timeout(1), gevent.Timeout(2)
    try:
        with outer, inner:
            gevent.sleep(60)
    except gevent.Timeout as timeout:
        print("caught the outer one")
        return "yes" if timeout is outer else "no"


def which_except_catches_timeout_block():
    try:
        with gevent.Timeout(1):
            gevent.sleep(60)
    except TimeoutError:
        return "TimeoutError"
    except gevent.Timeout:
        print("caught gevent.Timeout")
        return "gevent.Timeout"


def which_except_catches_timeout_get():
    greenlet = gevent.spawn(gevent.sleep, 60)
    try:
        greenlet.get(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    except gevent.Timeout:
        print("caught gevent.Timeout")
        return "gevent.Timeout"


def which_except_catches_timeout_joinall():
    greenlet = gevent.spawn(gevent.sleep, 60)
    try:
        ended = gevent.joinall([greenlet], timeout=1, raise_error=True)
    except gevent.Timeout:
        return "gevent.Timeout"
    except TimeoutError:
        return "TimeoutError"
    print("joinall has returned")
    return "none" if ended == [] else "gevent.Timeout"


def joinall_within_a_timeout():
    greenlet = gevent.spawn(gevent.sleep, 60)
    try:
        with gevent.Timeout(1):
            gevent.joinall([greenlet])
    except gevent.Timeout:
        return "works"
    finally:
        greenlet.kill()


def which_except_catches_timeout_queue():
    try:
        Queue().get(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    except gevent.Timeout:
        return "gevent.Timeout"
    except queue.Empty:
        print("caught queue.Empty")
        return "queue.Empty"


def which_except_catches_timeout_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(1)
        try:
            ours.recv(1)
        except TimeoutError:
            print("caught TimeoutError")
            return "TimeoutError"
        except gevent.Timeout:
            return "gevent.Timeout"


def timeout_leaves_running_block():
    ended = []

    def worker():
        gevent.sleep(2)
        ended.append("work")
        print("finished")

    with gevent.Timeout(1, False):
        worker()
    print("the timeout is over")
    gevent.sleep(2)
    return "yes" if ended else "no"


def timeout_leaves_running_join():
    ended = []

    def worker():
        gevent.sleep(2)
        ended.append("work")
        print("finished")

    gevent.joinall([gevent.spawn(worker)], timeout=1)
    print("the timeout is over")
    gevent.sleep(2)
    return "yes" if ended else "no"


def join_then_kill():
    ended = []

    def work():
        gevent.sleep(2)
        ended.append("work")

    workers = [gevent.spawn(work)]
    try:
        gevent.joinall(workers, timeout=1)
    finally:
        gevent.killall(workers)
    gevent.sleep(5)
    return "fails" if ended else "works"


def cancellation_races_completion():
    steps = []
    ready = Event()

    def worker():
        with gevent.Timeout(60):
            ready.wait()
        steps.append("inner wait completed")
        print("the inner wait is over")
        gevent.sleep(1)
        steps.append("not cancelled")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    ready.set()
    greenlet.kill()
    print("set, then killed")
    return "yes" if "not cancelled" in steps else "no"


def scope_cancelled_by_hand():
    try:
        with gevent.Timeout(2) as timeout:
            gevent.sleep(1)
            timeout.cancel()
            print("cancelled by hand")
            gevent.sleep(2)
    except gevent.Timeout:
        return "a timeout"
    except gevent.GreenletExit:
        return "a cancellation"
    print("no timeout")
    return "nothing"


def first_result_stops_rest_wait():
    ended = []

    def job(seconds):
        gevent.sleep(seconds)
        ended.append(seconds)
        print("finished")

    gevent.wait([gevent.spawn(job, seconds) for seconds in (1, 2)], count=1)
    print("the first result is there")
    gevent.sleep(2)
    return "no" if 2 in ended else "yes"


def first_result_stops_rest_imap_unordered():
    ended = []

    def job(seconds):
        gevent.sleep(seconds)
        ended.append(seconds)
        print("finished")

    for _ in Group().imap_unordered(job, [1, 2]):
        break
    print("the first result is there")
    gevent.sleep(2)
    return "no" if 2 in ended else "yes"


def kill_the_losers():
    ended = []

    def job(seconds):
        gevent.sleep(seconds)
        ended.append(seconds)

    jobs = [gevent.spawn(job, seconds) for seconds in (1, 2)]
    try:
        gevent.wait(jobs, count=1)
    finally:
        gevent.killall(jobs)
    gevent.sleep(5)
    return "works" if ended == [1] else "fails"


def cancel_finished_task():
    greenlet = gevent.spawn(lambda: "result")
    greenlet.join()
    try:
        returned = greenlet.kill()
    except RuntimeError:
        return "raises RuntimeError"
    if returned is False:
        return "returns False"
    return "nothing" if greenlet.get() == "result" else "replaces the result"
