"""The errors of greenlets, and what becomes of their siblings."""

import contextlib
import gc
import io
import sys
import threading
import weakref

import gevent
from gevent.event import Event
from gevent.exceptions import BlockingSwitchOutError
from gevent.pool import Group


def one_of_three_fails_joinall():
    ended = []

    def sibling():
        gevent.sleep(2)
        ended.append("sibling")
        print("finished")

    def failing():
        gevent.sleep(1)
        raise ValueError

    siblings = [gevent.spawn(each) for each in (sibling, failing, sibling)]
    try:
        gevent.joinall(siblings, raise_error=True)
    except ValueError:
        print("joinall has raised")
        gevent.sleep(2)
    return "no" if ended else "yes"


def one_of_three_fails_group():
    ended = []

    def sibling():
        gevent.sleep(2)
        ended.append("sibling")
        print("finished")

    def failing():
        gevent.sleep(1)
        raise ValueError

    group = Group()
    for each in (sibling, failing, sibling):
        group.spawn(each)
    try:
        group.join(raise_error=True)
    except ValueError:
        print("join has raised")
        gevent.sleep(2)
    return "no" if ended else "yes"


def kill_the_others():
    ended = []

    def sibling():
        gevent.sleep(2)
        ended.append("sibling")

    def failing():
        gevent.sleep(1)
        raise ValueError

    siblings = [gevent.spawn(each) for each in (sibling, failing, sibling)]
    try:
        gevent.joinall(siblings, raise_error=True)
    except ValueError:
        pass
    finally:
        gevent.killall(siblings)
    gevent.sleep(5)
    return "fails" if ended else "works"


def what_the_parent_sees_joinall():
    def sibling():
        gevent.sleep(2)

    def failing():
        gevent.sleep(1)
        raise ValueError

    siblings = [gevent.spawn(each) for each in (sibling, failing, sibling)]
    try:
        gevent.joinall(siblings)
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    print("joinall has returned")
    return "nothing"


def what_the_parent_sees_raise_error():
    def sibling():
        gevent.sleep(2)

    def failing():
        gevent.sleep(1)
        raise ValueError

    siblings = [gevent.spawn(each) for each in (sibling, failing, sibling)]
    try:
        gevent.joinall(siblings, raise_error=True)
    except ValueError:
        print("joinall has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_map():
    def sibling(number):
        gevent.sleep(1)
        if number == 2:
            raise ValueError

    try:
        Group().map(sibling, [1, 2, 3])
    except ValueError:
        print("map has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def second_error_kept_joinall():
    def failing(error):
        gevent.sleep(1)
        raise error

    siblings = [gevent.spawn(failing, each) for each in (ValueError(), KeyError())]
    try:
        gevent.joinall(siblings, raise_error=True)
    except ValueError:
        gevent.joinall(siblings)
    second = siblings[1].exception
    return "yes" if isinstance(second, KeyError) else "no"


def second_error_kept_map():
    def failing(error):
        raise error

    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            Group().map(failing, [ValueError(), KeyError("second")])
        except ValueError as error:
            if "second" in repr((error, error.__context__, error.__cause__)):
                return "yes"
    return "only logged" if "KeyError: 'second'" in stderr.getvalue() else "no"


def each_error():
    def failing(error):
        raise error

    siblings = [gevent.spawn(failing, each) for each in (ValueError(), KeyError())]
    with contextlib.redirect_stderr(None):
        gevent.joinall(siblings)
    kinds = [type(each.exception) for each in siblings]
    return "works" if kinds == [ValueError, KeyError] else "fails"


def body_and_child_fail():
    def child():
        gevent.sleep(1)
        raise KeyError

    try:
        with gevent.spawn(child) as greenlet:
            gevent.sleep(1)
            raise ValueError
    except ExceptionGroup:
        return "both errors"
    except KeyError:
        return "the child's error"
    except ValueError:
        assert isinstance(greenlet.exception, KeyError)
        print("caught the body's error")
        return "the body's error"


def fire_and_forget_error():
    def failing():
        raise ValueError("lost")

    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            gevent.spawn(failing)
            gevent.sleep(0)
        except ValueError:
            return "to the caller"
    return "to stderr" if "ValueError: lost" in stderr.getvalue() else "nowhere"


def take_the_error():
    errors = []

    def failing():
        raise ValueError

    greenlet = gevent.spawn(failing)
    greenlet.link_exception(lambda failed: errors.append(failed.exception))
    gevent.sleep(1)
    return "works" if isinstance(errors[0], ValueError) else "fails"


def task_is_collected():
    def waiting():
        Event().wait()  # no other greenlet can reach this event and set it

    greenlet = weakref.ref(gevent.spawn(waiting))
    gevent.sleep(0)
    gc.collect()
    if (alive := greenlet()) is None:
        return "yes"
    alive.kill()
    return "no"


def group_killed_in_finally():
    group = Group()
    try:
        waiting = group.spawn(Event().wait)
        gevent.sleep(0)
    finally:
        group.kill()
    return "works" if waiting.dead else "fails"


def system_exit_in_child():
    def child():
        sys.exit()

    greenlet = gevent.spawn(child)
    try:
        gevent.sleep(1)
    except SystemExit:
        return "ends the program"
    return "is an error" if greenlet.exception else "ends the child"


def child_raises_cancellation_joinall():
    def child():
        raise gevent.GreenletExit

    try:
        gevent.joinall([gevent.spawn(child)], raise_error=True)
    except gevent.GreenletExit:
        return "the exception"
    except Exception:
        return "an error"
    return "nothing"


def child_raises_cancellation_get():
    def child():
        raise gevent.GreenletExit

    result = gevent.spawn(child).get()  # returns it and does not raise it
    return "the exception" if isinstance(result, gevent.GreenletExit) else "nothing"


def as_completed_order_iwait():
    def slow():
        gevent.sleep(2)

    def fast():
        gevent.sleep(1)

    jobs = gevent.spawn(slow), gevent.spawn(fast)
    gevent.sleep(3)
    print("both are done: fast, then slow")
    order = list(gevent.iwait(jobs))
    return "yes" if order == [jobs[1], jobs[0]] else "no"


def as_completed_order_imap_unordered():
    def job(seconds):
        gevent.sleep(seconds)
        return seconds

    results = Group().imap_unordered(job, [2, 1])
    gevent.sleep(3)
    print("both are done")
    return "yes" if list(results) == [1, 2] else "no"


def join_cancelled_task_get():
    def worker():
        gevent.sleep(60)

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    try:
        value = greenlet.get()
        print("get has returned")
    except gevent.GreenletExit:
        return "raises the cancellation"
    return "a value" if isinstance(value, gevent.GreenletExit) else "nothing"


def join_cancelled_task_joinall():
    def worker():
        gevent.sleep(60)

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    try:
        gevent.joinall([greenlet], raise_error=True)
    except gevent.GreenletExit:
        return "raises the cancellation"
    print("joinall has returned")
    return "nothing"


def except_exception_swallows_kill():
    steps = []

    def worker():
        try:
            gevent.sleep(60)
        except Exception:
            steps.append("swallowed")

    greenlet = gevent.spawn(worker)
    gevent.sleep(1)
    greenlet.kill()
    return "yes" if steps else "no"


def except_exception_swallows_timeout():
    try:
        with gevent.Timeout(1):
            try:
                gevent.sleep(60)
            except Exception:
                return "yes"
    except gevent.Timeout:
        print("caught outside")
        return "no"


def except_exception_swallows_timeout_of_own():
    class TooSlow(Exception):
        pass

    try:
        with gevent.Timeout(1, TooSlow):
            try:
                gevent.sleep(60)
            except Exception:
                print("swallowed")
                return "yes"
    except TooSlow:
        return "no"


def block_on_own_loop_rawlink():
    answers = []
    later = gevent.spawn_later(1, str)

    def callback(_):  # runs in the hub itself
        try:
            later.get()
        except BlockingSwitchOutError:
            answers.append("raises BlockingSwitchOutError")

    greenlet = gevent.spawn(str)
    greenlet.rawlink(callback)
    gevent.joinall([greenlet, later])
    return answers[0]


def block_on_own_loop_threading_event():
    ready = threading.Event()  # not patched: it blocks the thread
    gevent.spawn(ready.set)
    ready.wait()


def block_in_a_greenlet_of_its_own():
    answers = []
    later = gevent.spawn_later(1, lambda: "works")
    greenlet = gevent.spawn(str)
    greenlet.link(lambda _: answers.append(later.get()))
    gevent.sleep(2)
    return answers[0]
