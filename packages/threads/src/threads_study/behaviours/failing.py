"""Threads, and calls in a pool, that fail."""

import contextlib
import gc
import io
import queue
import random
import sys
import threading
import time
import weakref
from concurrent.futures import (
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)


def one_of_three_fails_thread():
    ended = []

    def sibling():
        time.sleep(0.2)
        ended.append("sibling")

    def failing():
        raise ValueError

    threads = [threading.Thread(target=f) for f in (sibling, failing, sibling)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "no" if ended else "yes"


def one_of_three_fails_pool():
    ended = []

    def sibling():
        time.sleep(2)
        ended.append("sibling")
        print("sibling has finished")

    def failing():
        time.sleep(1)
        print("failing raises")
        raise ValueError

    try:
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(f) for f in (failing, sibling, sibling)]
            for future in futures:
                future.result()
    except ValueError:
        print("the block has raised")
        return "no" if ended else "yes"


def the_others_are_stopped():
    stop = threading.Event()
    ended = []

    def sibling():
        for _ in range(10):
            if stop.wait(1):
                return
        ended.append("sibling")

    def failing():
        raise ValueError

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(f) for f in (sibling, failing, sibling)]
        wait(futures, return_when=FIRST_EXCEPTION)
        stop.set()
    return "fails" if ended else "works"


def what_the_parent_sees_thread():
    def sibling(number):
        if number == 2:
            raise ValueError

    threads = [threading.Thread(target=sibling, args=(n,)) for n in (1, 2, 3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_result():
    def sibling(number):
        time.sleep(1)
        if number == 2:
            print("raises ValueError")
            raise ValueError

    try:
        with ThreadPoolExecutor() as pool:
            futures = [pool.submit(sibling, number) for number in (1, 2, 3)]
            for future in futures:
                future.result()
    except ValueError:
        print("the block has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_submit():
    def sibling(number):
        time.sleep(1)
        if number == 2:
            print("raises ValueError")
            raise ValueError

    try:
        with ThreadPoolExecutor() as pool:
            for number in (1, 2, 3):
                pool.submit(sibling, number)
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    print("the block has ended")
    return "nothing"


def second_error_kept_thread():
    def failing(error):
        raise error

    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        errors = ValueError("first"), ValueError("second")
        threads = [threading.Thread(target=failing, args=(e,)) for e in errors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return "only logged" if "second" in stderr.getvalue() else "no"


def second_error_kept_map():
    def failing(error):
        time.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    with ThreadPoolExecutor() as pool:
        try:
            list(pool.map(failing, [one, two]))
        except* ValueError as group:
            known = *group.exceptions, *(e.__context__ for e in group.exceptions)
    return "yes" if two in known else "no"


def second_error_kept_submit():
    def failing(error):
        time.sleep(1)
        raise error

    one, two = ValueError("one"), ValueError("two")
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(failing, error) for error in (one, two)]
    errors = [future.exception() for future in futures]
    return "yes" if errors == [one, two] else "no"


def body_and_child_fail():
    def failing():
        time.sleep(2)
        raise ValueError("child")

    try:
        with ThreadPoolExecutor() as pool:
            pool.submit(failing)
            time.sleep(1)
            raise ValueError("body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {sorted(seen)}")
    return "both errors" if len(seen) == 2 else f"the {seen.pop()}'s error"


def fire_and_forget_error_thread():
    def failing():
        raise ValueError

    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            thread = threading.Thread(target=failing)
            thread.start()
            thread.join()
        except ValueError:
            return "to the caller"
    return "to stderr" if "ValueError" in stderr.getvalue() else "nowhere"


def fire_and_forget_error_pool():
    def failing():
        raise ValueError

    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            with ThreadPoolExecutor() as pool:
                pool.submit(failing)
            del pool
            gc.collect()
        except ValueError:
            return "to the caller"
    return "to stderr" if stderr.getvalue() else "nowhere"


def callback_takes_the_error():
    taken = []

    def failing():
        raise ValueError

    def report(future):
        if not future.cancelled() and future.exception():
            taken.append(future.exception())

    with ThreadPoolExecutor() as pool:
        pool.submit(failing).add_done_callback(report)
    return "works" if taken else "fails"


def task_is_collected_thread():
    leave, ended = threading.Event(), threading.Event()

    def waiting():
        leave.wait()
        ended.set()

    thread = threading.Thread(target=waiting)
    thread.start()
    thread = weakref.ref(thread)
    gc.collect()
    answer = "yes" if thread() is None else "no"
    leave.set()
    ended.wait()
    return answer


def task_is_collected_pool():
    leave, ended = threading.Event(), threading.Event()

    def waiting():
        leave.wait()
        ended.set()

    pool = ThreadPoolExecutor(max_workers=1)
    pool.submit(leave.wait)
    pool.submit(waiting)
    pool = weakref.ref(pool)
    gc.collect()
    assert pool() is None
    leave.set()
    return "no" if ended.wait(timeout=30) else "yes"


def system_exit_in_child_thread():
    thread = threading.Thread(target=sys.exit, args=("goodbye",))
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            thread.start()
            thread.join()
    except SystemExit:
        return "ends the program"
    return "is an error" if stderr.getvalue() else "ends the child"


def system_exit_in_child_pool():
    with ThreadPoolExecutor() as pool:
        future = pool.submit(sys.exit, 3)
    return "is an error" if future.exception() else "ends the child"


def child_raises_cancellation():
    def child():
        raise CancelledError

    with ThreadPoolExecutor() as pool:
        future = pool.submit(child)
        try:
            future.result()
        except CancelledError:
            return "the exception"
        except Exception:
            return "an error"
    return "nothing"


def as_completed_order():
    futures = [Future() for _ in range(50)]
    for number, future in enumerate(random.sample(futures, 50)):
        future.set_result(number)
    order = [future.result() for future in as_completed(futures)]
    return "yes" if order == sorted(order) else "no"


def order_by_callbacks():
    done = queue.SimpleQueue()
    with ThreadPoolExecutor(max_workers=50) as pool:
        for delay in random.sample(range(50), 50):
            future = pool.submit(lambda seconds: time.sleep(seconds) or seconds, delay)
            future.add_done_callback(done.put)
    order = [done.get().result() for _ in range(50)]
    return "works" if order == sorted(order) else "fails"


def join_cancelled_task_result():
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(time.sleep, 2)
        waiting = pool.submit(time.sleep, 1)
        waiting.cancel()
        try:
            return "nothing" if waiting.result() is None else "a value"
        except CancelledError:
            print("result() has raised")
            return "raises the cancellation"


def join_cancelled_task_wait():
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(time.sleep, 2)
        waiting = pool.submit(time.sleep, 1)
        waiting.cancel()
        try:
            done, _ = wait([waiting])
            print("wait has returned")
        except CancelledError:
            return "raises the cancellation"
    return "nothing" if done == {waiting} else "a value"


def except_exception_swallows():
    def waiting_for_other():
        try:
            other.result()
        except Exception:
            print("swallowed")
            return "yes"

    with ThreadPoolExecutor() as pool:
        other = Future()
        future = pool.submit(waiting_for_other)
        time.sleep(1)
        other.cancel()
        try:
            return future.result()
        except CancelledError:
            return "no"


def cancellation_passes():
    def waiting_for_other():
        try:
            other.result()
        except CancelledError:
            raise
        except Exception:
            return "fails"

    with ThreadPoolExecutor() as pool:
        other = Future()
        future = pool.submit(waiting_for_other)
        time.sleep(1)
        other.cancel()
        try:
            return future.result()
        except CancelledError:
            return "works"


def block_on_own_loop_join():
    def child():
        try:
            threading.current_thread().join()
        except RuntimeError:
            answers.append("raises RuntimeError")

    answers = []
    thread = threading.Thread(target=child)
    thread.start()
    thread.join()
    return answers[0]


def block_on_own_loop_result():
    own = Future()

    def job():
        own.set_result(own.result())

    with ThreadPoolExecutor() as pool:
        pool.submit(job)
    return own.result()
