"""Calls on a cluster that fail, and workers that die."""

import gc
import logging
import os
import sys
import time
from concurrent.futures import CancelledError
from inspect import isawaitable
from logging.handlers import BufferingHandler
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
from distributed import (
    Client,
    Event,
    LocalCluster,
    Queue,
    as_completed,
    fire_and_forget,
    get_client,
    wait,
)
from distributed.scheduler import KilledWorker


def one_of_three_fails_submit():
    client, ended = get_client(), Queue()

    def sibling():
        time.sleep(2)
        ended.put("sibling")

    def failing():
        time.sleep(1)
        print("failing raises")
        raise ValueError

    calls = [client.submit(each, pure=False) for each in (sibling, failing, sibling)]
    wait(calls)
    return "no" if ended.qsize() == 2 else "yes"


def one_of_three_fails_gather():
    client, ended = get_client(), Queue()

    def sibling(number):
        time.sleep(number)
        ended.put(1 / (number - 1))
        print("sibling has finished")

    try:
        client.gather(client.map(sibling, [2, 1, 3]))
    except ZeroDivisionError:
        print("gather has raised")
    time.sleep(5)
    return "no" if ended.qsize() == 2 else "yes"


def one_of_three_fails_dies():
    def sibling(number, folder):
        marker = Path(folder, "died")
        if number == 1 and not marker.exists():
            marker.touch()
            os._exit(1)  # and with it the worker, with all three calls
        time.sleep(0.1)

    three = {"n_workers": 1, "threads_per_worker": 3, "dashboard_address": ":0"}
    with TemporaryDirectory() as folder, LocalCluster(**three) as cluster:
        with Client(cluster) as client:
            calls = client.map(sibling, range(3), folder=folder)
            wait(calls, timeout=50)
            ends = [call.status for call in calls]
    return "no" if ends == ["finished"] * 3 else "yes"


def the_others_are_stopped():
    client, stop = get_client(), Event()

    def sibling(number):
        if number == 1:
            time.sleep(1)
            raise ValueError
        return "stopped" if stop.wait(timeout=60) else "to its end"

    calls = client.map(sibling, range(3))
    for call in as_completed(calls):
        if call.status == "error":
            stop.set()
    ends = [call.result() for call in calls if call.status == "finished"]
    return "works" if ends == ["stopped", "stopped"] else "fails"


def what_the_parent_sees_result():
    futures = get_client().map(int, ["1", "no number", "3"])
    try:
        for future in futures:
            future.result()
    except ValueError:
        print("result has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_gather():
    client = get_client()
    try:
        client.gather(client.map(int, ["1", "no number", "3"]))
    except ValueError:
        print("gather has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_skip():
    client = get_client()
    try:
        numbers = client.gather(client.map(int, ["1", "no number", "3"]), "skip")
        print(f"gather has returned {numbers}")
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_wait():
    try:
        done, _ = wait(get_client().map(int, ["1", "no number", "3"]))
        print(f"wait has returned {len(done)} futures")
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def second_error_kept_gather():
    client = get_client()
    try:
        client.gather(client.map(int, ["first", "second"]))
    except* ValueError as group:
        errors = *group.exceptions, *(e.__context__ for e in group.exceptions)
        known = str(errors)
    return "yes" if "'first'" in known and "'second'" in known else "no"


def second_error_kept_future():
    futures = get_client().map(int, ["first", "second"])
    errors = str([future.exception() for future in futures])
    return "yes" if "'first'" in errors and "'second'" in errors else "no"


def body_and_child_fail():
    try:
        with Client(get_client().scheduler.address) as client:
            future = client.submit(int, "of the child")
            wait(future)
            raise ValueError("of the body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {seen}")
    if len(seen) == 2:
        return "both errors"
    return "the body's error" if seen == {"of the body"} else "the child's error"


def fire_and_forget_error():
    log = BufferingHandler(capacity=100)
    of_workers = logging.getLogger("distributed.worker")
    of_workers.addHandler(log)
    try:
        fire_and_forget(get_client().submit(int, "no number"))
        time.sleep(1)
    except ValueError:
        return "to the caller"
    finally:
        of_workers.removeHandler(log)
    logged = [record.getMessage() for record in log.buffer]
    return "to a log" if "ValueError" in str(logged) else "nowhere"


def callback_takes_the_error():
    taken = Queue()

    def report(future):
        if future.status == "error":
            taken.put(str(future.exception()))

    future = get_client().submit(int, "no number")
    future.add_done_callback(report)
    return "works" if "no number" in taken.get(timeout=60) else "fails"


def task_is_collected_future():
    client, ran = get_client(), Event()
    first = client.submit(time.sleep, 1)
    second = client.submit(lambda _: ran.set(), first)
    del second
    gc.collect()
    first.result()
    return "no" if ran.wait(timeout=60) else "yes"


def task_is_collected_fire_and_forget():
    client, ran = get_client(), Event()
    first = client.submit(time.sleep, 1)
    second = client.submit(lambda _: ran.set(), first)
    fire_and_forget(second)
    del second
    gc.collect()
    first.result()
    return "no" if ran.wait(timeout=60) else "yes"


def system_exit_in_child():
    patience = {"distributed.scheduler.allowed-failures": 0}  # the default is 3
    one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with dask.config.set(patience), LocalCluster(**one) as cluster:
        with Client(cluster) as client:
            future = client.submit(sys.exit, 3)
            try:
                future.result(timeout=50)
            except SystemExit:
                return "ends the program"
            except KilledWorker:
                return "is an error"
    return "ends the child"


def child_raises_cancellation():
    def child():
        raise CancelledError

    future = get_client().submit(child)
    try:
        future.result()
    except CancelledError:
        print(f"cancelled() is {future.cancelled()}")
        return "the exception"
    except Exception:
        return "an error"
    return "nothing"


def as_completed_order():
    futures = get_client().map(time.sleep, [3, 1, 2], pure=False)
    wait(futures)
    order = [futures.index(future) for future in as_completed(futures)]
    print(f"yielded {order}")
    return "yes" if order == [1, 2, 0] else "no"


def order_by_as_completed_from_the_start():
    client = get_client()
    futures = client.map(time.sleep, [3, 1, 2], pure=False)
    ended = as_completed(futures)
    time.sleep(5)
    order = [futures.index(future) for future in ended]
    return "works" if order == [1, 2, 0] else "fails"


def join_cancelled_task_result():
    future = get_client().submit(time.sleep, 5)
    future.cancel()
    try:
        return "nothing" if future.result() is None else "a value"
    except CancelledError:
        print("result has raised")
        return "raises the cancellation"


def join_cancelled_task_wait():
    future = get_client().submit(time.sleep, 5)
    future.cancel()
    try:
        wait([future])
    except CancelledError:
        print("wait has raised")
        return "raises the cancellation"
    return "nothing"


def join_cancelled_task_as_completed():
    future = get_client().submit(time.sleep, 5)
    future.cancel()
    try:
        ended = list(as_completed([future]))
        print(f"yielded {ended}")
    except CancelledError:
        return "raises the cancellation"
    return "nothing" if ended == [future] else "a value"


def except_exception_swallows():
    future = get_client().submit(time.sleep, 5)
    future.cancel()
    try:
        future.result()
    except Exception:
        print("swallowed")
        return "yes"
    except BaseException:
        return "no"


def cancellation_passes():
    future = get_client().submit(time.sleep, 5)
    future.cancel()
    try:
        try:
            future.result()
        except CancelledError:
            raise
        except Exception:
            return "fails"
    except CancelledError:
        return "works"


def block_on_own_loop():
    async def child():
        future = get_client().submit(abs, -1)
        given = future.result()
        if isawaitable(given):
            await given
            return "absent"
        return "raises RuntimeError"

    return get_client().submit(child).result()
