"""The kernel under rare conditions: bursts, depth, leaks, other threads.

Each test names the behaviour that it protects. Tests that wait run in virtual time.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import resource
import signal
import socket
import threading
import time
import weakref

import pytest
from generators_study import kernel
from generators_study.kernel import (
    Busy,
    CancelScope,
    Channel,
    Deadlock,
    Event,
    Semaphore,
    Socket,
    checkpoint,
    connect,
    current_kernel,
    current_task,
    fail_after,
    in_thread,
    listen,
    loop,
    move_on_after,
    open_group,
    outside,
    run,
    sleep,
    sleep_forever,
    wait_readable,
    wait_writable,
)

pytestmark = pytest.mark.world("generators")

DEEP = 5000


class Big:
    """A result that a weak reference can watch."""


class Failure(Exception):
    """An error that a weak reference can watch."""


# Every kind of work gets its share


def test_slow_steps_after_quick_ones_do_not_starve_a_timer(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: clock[0])

    def main():
        ready = current_kernel().ready
        for _ in range(100_000):
            yield ready
        begin, steps = clock[0], 0
        with move_on_after(0.1):
            while steps < 100_000:
                clock[0] += 0.001
                steps += 1
                yield ready
        first = steps
        with move_on_after(0.1):
            while steps < 200_000:
                clock[0] += 0.001
                steps += 1
                yield ready
        return clock[0] - begin, first, steps - first

    _, first, second = run(main)
    assert first <= 2 * loop.MOST
    assert second <= 110  # the kernel has shortened the turn by then


def test_a_turn_keeps_the_order_of_a_long_queue():
    looks = []

    def child(number):
        looks.append(number)
        yield from ()

    run(open_group, lambda group: [group.spawn(child, n) for n in range(5000)])
    assert looks == list(range(5000))


def test_a_call_that_schedules_calls_starves_no_task(world):
    calls, steps = [], []

    def again():
        calls.append(1)
        if len(calls) < 10_000:
            current_kernel().call_soon_threadsafe(again)

    def other():
        while len(calls) < 10_000:
            steps.append(len(calls))
            yield from checkpoint()

    def body(group):
        group.spawn(other)
        current_kernel().call_soon_threadsafe(again)

    run(open_group, body)
    assert len(steps) > 1000


@pytest.mark.parametrize("earlier", [0, 1])
def test_an_alarm_that_sets_an_alarm_starves_no_task(earlier):
    calls, steps = [], []

    def again():
        calls.append(1)
        if len(calls) < 1000:
            current_kernel().call_at(time.monotonic() - earlier, again)

    def other():
        while len(calls) < 1000:
            steps.append(len(calls))
            yield from checkpoint()

    def body(group):
        group.spawn(other)
        current_kernel().call_at(time.monotonic(), again)

    run(open_group, body)
    assert len(steps) > 500


def test_purging_dead_timers_keeps_alarms_and_sleepers(world):
    woken = []

    def sleeper(seconds):
        yield from sleep(seconds)
        woken.append(seconds)

    def many():
        kernel = current_kernel()
        for number in range(2000):
            kernel.call_at(100 + number, print)
            kernel.do_not_call_at(100 + number, print)

    def body(group):
        group.spawn(sleeper, 1)
        group.spawn(sleeper, 1.5)
        current_kernel().call_at(1, many)
        yield from sleep(0.5)
        time.sleep(2)  # both instants are due at the same poll

    world.run(open_group, body)
    assert woken == [1, 1.5]


# An ended task keeps nothing alive


@pytest.mark.parametrize("kept", ["first", "middle", "last"])
def test_a_reference_to_a_task_keeps_no_sibling_alive(kept):
    refs = []

    def child():
        yield from checkpoint()
        result = Big()
        refs.append(weakref.ref(result))
        return result

    def body(group):
        tasks = [group.spawn(child) for _ in range(9)]
        group.spawn(sleep_forever)
        held = tasks[{"first": 0, "middle": 4, "last": -1}[kept]]
        del tasks
        for _ in range(5):
            yield from checkpoint()
        gc.collect()
        alive = [ref() for ref in refs if ref() is not None]
        assert alive == [held.result]
        group.cancel()
        return held

    held = run(open_group, body)
    assert held.done


def test_a_reference_to_a_task_keeps_no_other_result_or_error_alive():
    refs, held = [], []

    def fail():
        error = Failure()
        refs.append(weakref.ref(error))
        raise error
        yield

    def inner(group):
        held.append(group.spawn(checkpoint))
        group.spawn(fail)

    def parent():
        with pytest.raises(ExceptionGroup):
            yield from open_group(inner)
        result = Big()
        refs.append(weakref.ref(result))
        return result

    def body(group):
        group.spawn(parent)

    run(open_group, body)
    gc.collect()
    assert [ref() for ref in refs] == [None, None]
    assert held[0].done


# Deep trees


def nest(depth):
    if depth:
        yield from open_group(lambda group: group.spawn(nest, depth - 1))
    else:
        yield from sleep_forever()


def test_a_deep_tree_can_be_cancelled(world):
    def main():
        with move_on_after(1) as scope:
            yield from nest(DEEP)
        return scope.cancelled_caught

    assert world.run(main) is True


def test_a_deadlock_in_a_deep_tree_names_every_task():
    with pytest.raises(Deadlock) as raised:
        run(nest, DEEP)
    assert len(raised.value.waiters) == DEEP + 1


def test_a_deep_tree_can_be_closed():
    def shielded(depth):
        with CancelScope(shield=True):
            yield from nest(depth)

    before = sorted(os.listdir("/dev/fd"))
    with pytest.raises(Deadlock):
        run(shielded, DEEP)
    assert sorted(os.listdir("/dev/fd")) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_many_nested_scopes_can_be_cancelled():
    def main():
        with CancelScope() as outer, contextlib.ExitStack() as stack:
            for _ in range(DEEP):
                stack.enter_context(CancelScope())
            outer.cancel()
            yield from sleep_forever()
        return outer.cancelled_caught

    assert run(main) is True


# The end restores everything


@pytest.mark.parametrize("spare", range(4))
def test_too_few_descriptors_at_the_start_leave_nothing_behind(spare):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/dev/fd"))
    fill = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                fill.append(os.dup(0))
        for _ in range(spare):
            os.close(fill.pop())
        with contextlib.suppress(OSError):
            run(checkpoint)
    finally:
        for descriptor in fill:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(os.listdir("/dev/fd")) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(RuntimeError, match="no kernel"):
        current_kernel()


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_an_error_while_closing_leaves_nothing_behind(monkeypatch, error):
    def fail(self):
        raise error

    before = sorted(os.listdir("/dev/fd"))
    monkeypatch.setattr(kernel.Kernel, "tasks", fail)
    with pytest.raises(error):
        run(sleep, 0)
    assert sorted(os.listdir("/dev/fd")) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# The group of the main task


def test_an_error_in_the_group_of_main_reaches_the_caller():
    error = ValueError("child")

    def bad():
        yield from checkpoint()
        raise error

    def main():
        current_task().group.spawn(bad)
        yield from sleep_forever()

    with pytest.raises(ValueError, match="child") as raised:
        run(main)
    assert raised.value is error


def test_an_error_of_main_is_the_cause_of_an_error_in_its_group():
    def bad():
        yield from checkpoint()
        raise ValueError("child")

    def main():
        current_task().group.spawn(bad)
        try:
            yield from sleep_forever()
        finally:
            raise KeyError("main")

    with pytest.raises(ValueError, match="child") as raised:
        run(main)
    assert "main" in repr(raised.value.__cause__)


def test_the_run_waits_for_the_tasks_in_the_group_of_main(world):
    done = []

    def child():
        yield from sleep(1)
        done.append(True)

    def main():
        current_task().group.spawn(child)
        return "main"
        yield

    assert run(main) == "main"
    assert done == [True]


# Deadlocks are reported at once


@pytest.mark.parametrize("nested", [False, True])
def test_the_alarm_of_a_cancelled_scope_does_not_delay_a_deadlock(world, nested):
    def main():
        with (
            CancelScope(None if nested else 3) as outer,
            CancelScope(3 if nested else None),
        ):
            outer.cancel()
            with CancelScope(shield=True):
                yield from sleep_forever()

    with pytest.raises(Exception, match="sleep_forever"):
        world.run(main)
    assert world.now() == 0


def test_a_scope_in_a_cancelled_scope_still_expires(world):
    def main():
        with CancelScope() as outer:
            outer.cancel()
            with CancelScope(1) as inner, CancelScope(shield=True):
                yield from sleep(2)
        return inner.cancel_called

    assert world.run(main) is True


# Blocks that are left twice or not at all


def test_an_unfinished_group_raises_an_error_with_advice():
    def main():
        waiting = open_group(lambda group: (yield from sleep(1)))
        next(waiting)
        kept.append(waiting)
        yield from checkpoint()

    kept = []
    with pytest.raises(RuntimeError, match=r"not left.*yield from"):
        run(main)
    kept[0].close()


@pytest.mark.parametrize("siblings", [0, 1, 3])
@pytest.mark.parametrize("children", [0, 1])
def test_a_group_that_a_kept_generator_leaves_open_is_an_error(siblings, children):
    kept = []

    def child():
        yield from sleep(0.01)

    def body(group):
        for _ in range(children):
            group.spawn(child)
        yield from sleep(0)

    def host():
        kept.append(block := open_group(body))
        yield next(block)

    def main():
        def spawn(group):
            group.spawn(host)
            for _ in range(siblings):
                group.spawn(sleep, 0.02)

        yield from open_group(spawn)

    unnoticed = siblings and not children  # the open group holds nothing
    error = pytest.raises(RuntimeError, match="not left")
    with contextlib.nullcontext() if unnoticed else error:
        run(main)
    kept.clear()


def test_a_scope_that_is_left_twice_is_an_error():
    def main():
        with CancelScope() as scope:
            pass
        with pytest.raises(RuntimeError, match="left already"):
            scope.__exit__(None, None, None)
        yield from checkpoint()

    run(main)


@pytest.mark.parametrize("plain", [True, False])
def test_a_generator_exit_in_the_body_waits_for_the_children(plain):
    log = []

    def child():
        try:
            yield from sleep_forever()
        finally:
            with CancelScope(shield=True):
                yield from checkpoint()
            log.append("child ended")

    def body(group):
        group.spawn(child)
        raise GeneratorExit

    def waiting(group):
        group.spawn(child)
        yield from checkpoint()
        raise GeneratorExit

    def main():
        with pytest.raises(BaseExceptionGroup) as raised:
            yield from open_group(body if plain else waiting)
        assert isinstance(raised.value.exceptions[0], GeneratorExit)
        log.append("block ended")

    run(main)
    assert log == ["child ended", "block ended"]


# Shields that are assigned later


def shielded_child(scopes, log, seconds=2):
    with CancelScope(shield=True) as scope:
        scopes.append(scope)
        yield from sleep(seconds)
    log.append("slept")


@pytest.mark.parametrize("deep", [False, True])
def test_a_shield_that_is_lowered_lets_the_cancellation_in(world, deep):
    scopes, log = [], []

    def child():
        with CancelScope(shield=True) as scope:
            scopes.append(scope)
            if deep:
                yield from open_group(lambda group: group.spawn(sleep, 2))
            else:
                yield from sleep(2)
        log.append("slept")

    def body(group):
        group.spawn(child)
        yield from sleep(1)
        group.cancel()
        scopes[0].shield = False

    world.run(open_group, body)
    assert world.returned_at == 1
    assert log == []


def test_a_shield_that_is_raised_keeps_the_cancellation_out(world):
    log = []

    def main():
        with CancelScope() as outer:
            outer.cancel()
            with CancelScope(5) as inner:
                inner.shield = True
                yield from open_group(lambda group: group.spawn(sleep, 1))
                log.append(world.now())
                yield from sleep(60)
            log.append((world.now(), inner.cancelled_caught))
            yield from sleep(1)
            log.append("never")

    world.run(main)
    assert log == [1, (5, True)]


def test_a_shield_raised_late_does_not_stop_a_cancellation_in_flight(world):
    log = []

    def child():
        try:
            yield from sleep(60)
        finally:
            with CancelScope(shield=True):
                yield from sleep(2)

    def main():
        with CancelScope() as outer:
            with CancelScope() as inner:

                def body(group):
                    group.spawn(child)
                    yield from sleep(1)
                    outer.cancel()
                    with CancelScope(shield=True):
                        yield from sleep(1)
                        inner.shield = True

                yield from open_group(body)
            log.append("after inner")
        return outer.cancelled_caught

    assert world.run(main) is True
    assert log == []


# Other threads


@pytest.mark.parametrize("kind", ["scope", "group"])
def test_another_thread_may_cancel(kind):
    def body(group):
        with fail_after(20), CancelScope() as scope:
            target = scope if kind == "scope" else group
            threads.append(threading.Timer(0.01, target.cancel))
            threads[0].start()
            yield from sleep_forever()

    threads = []
    run(open_group, body)
    threads[0].join()


def test_a_cancelled_task_does_not_wait_for_a_name_lookup(monkeypatch):
    over = threading.Event()

    def slow(*arguments):
        if arguments[-1] == socket.AI_NUMERICHOST:
            raise socket.gaierror
        over.wait(300)
        raise socket.gaierror(-3, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    def main():
        try:
            with pytest.raises(TimeoutError), fail_after(0.01):
                yield from connect("slow.example", 80)
            return not over.is_set()
        finally:
            over.set()

    before = set(threading.enumerate())
    assert run(main) is True
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_idle_threads_are_reused_and_none_is_left():
    before = set(threading.enumerate())

    def main():
        seen = set()
        for _ in range(20):
            seen.add((yield from in_thread(threading.current_thread)))
        return seen

    assert len(run(main)) == 1
    assert set(threading.enumerate()) == before


def test_threads_end_when_the_run_fails():
    before = set(threading.enumerate())

    def body(group):
        for _ in range(5):
            group.spawn(in_thread, time.sleep, 0)
        yield from in_thread(time.sleep, 0)
        raise ValueError

    with pytest.raises(ExceptionGroup):
        run(open_group, body)
    assert set(threading.enumerate()) == before


def test_an_idle_thread_keeps_no_result_alive():
    def main():
        result = yield from in_thread(Big)
        ref = weakref.ref(result)
        del result
        yield from in_thread(time.sleep, 0)
        gc.collect()
        return ref()

    assert run(main) is None


# Sockets and descriptors


def test_a_socket_may_be_closed_after_the_run():
    def main():
        a, b = socket.socketpair()

        def body(group):
            group.spawn(mine.receive)
            yield from checkpoint()
            b.send(b"x")

        mine = Socket(a)
        yield from open_group(body)
        return mine, b

    mine, far = run(main)
    mine.close()
    far.close()
    assert mine.plain.fileno() == -1


def test_a_socket_may_be_used_in_a_later_run():
    def first():
        mine, other = map(Socket, socket.socketpair())
        with move_on_after(0):
            yield from mine.receive()
        return mine, other

    mine, other = run(first)

    def second(group):
        reader = group.spawn(mine.receive)
        yield from checkpoint()
        yield from other.send(b"again")
        return (yield from reader.join())

    assert run(open_group, second) == b"again"
    mine.close()
    other.close()


def test_a_socket_of_another_thread_is_refused_and_closed_by_its_own_run():
    made, go_on = [], threading.Event()

    def first():
        mine, other = map(Socket, socket.socketpair())
        made.extend((mine, other))
        yield from in_thread(go_on.wait, 30)
        yield from checkpoint()
        yield from checkpoint()
        return [sock.plain.fileno() for sock in made]

    results = []
    thread = threading.Thread(target=lambda: results.append(run(first)))
    thread.start()
    while len(made) < 2:
        time.sleep(0.001)

    def second():
        with pytest.raises(RuntimeError, match="another thread"):
            yield from made[0].receive()
        for sock in made:
            sock.close()

    run(second)
    go_on.set()
    thread.join()
    assert results == [[-1, -1]]


def forgotten(number=None):
    """Make the kernel watch a socket and drop it. Return its descriptor."""

    def body(group):
        group.spawn(sockets[0].receive)
        yield from checkpoint()
        yield from checkpoint()
        group.cancel()

    plain, far = socket.socketpair()
    sockets = [Socket(plain)]
    yield from open_group(body)
    number = plain.fileno()
    sockets.pop().plain = None
    plain.close()
    gc.collect()
    far.close()
    return number


@pytest.mark.parametrize("way", ["socket", "wait"])
def test_the_descriptor_of_a_forgotten_socket_can_be_reused(way):
    def main():
        number = yield from forgotten()
        plain, far = socket.socketpair()
        assert number in (plain.fileno(), far.fileno())
        if plain.fileno() != number:
            plain, far = far, plain
        with far, Socket(plain) as mine:

            def body(group):
                if way == "socket":
                    task = group.spawn(mine.receive)
                else:
                    task = group.spawn(wait_readable, number)
                yield from checkpoint()
                far.send(b"x")
                return (yield from task.join())

            with fail_after(10):
                return (yield from open_group(body))

    assert run(main) == (b"x" if way == "socket" else None)


@pytest.mark.parametrize("again", [wait_readable, wait_writable])
def test_a_waiter_for_a_closed_descriptor_does_not_block_its_successor(again):
    def main():
        def body(group):
            plain, far = socket.socketpair()
            number = plain.fileno()
            task = group.spawn(stale, number)
            yield from checkpoint()
            plain.close()
            far.close()
            plain, far = socket.socketpair()
            if plain.fileno() != number:
                plain, far = far, plain
            assert plain.fileno() == number
            with plain, far:
                far.send(b"x")
                yield from again(number)
                with fail_after(10):
                    yield from task.join()
            return "told"

        def stale(number):
            with pytest.raises(OSError, match=r"closed|descriptor|No such file"):
                yield from wait_readable(number)

        return (yield from open_group(body))

    assert run(main) == "told"


def test_a_socket_whose_descriptor_has_a_waiter_refuses_another():
    def main():
        plain, far = socket.socketpair()
        with far, Socket(plain) as mine:

            def body(group):
                group.spawn(wait_readable, plain.fileno())
                yield from checkpoint()
                with pytest.raises(Busy):
                    yield from mine.receive()
                group.cancel()

            yield from open_group(body)

    run(main)


def test_receiving_from_a_closed_plain_socket_raises():
    def main():
        plain, far = socket.socketpair()
        with far, Socket(plain) as mine:
            far.send(b"x")
            assert (yield from mine.receive()) == b"x"
            plain.close()
            with fail_after(10), pytest.raises(kernel.Closed):
                yield from mine.receive()

    run(main)


@pytest.mark.parametrize(
    "data",
    [
        memoryview(array.array("I", range(500_000))),
        memoryview(bytes(range(256)) * 400)[::2],
        memoryview(array.array("I")),
        memoryview(bytes(600_000)).cast("B", (600, 1000)),
        bytearray(b"bytes"),
    ],
)
def test_every_byte_of_a_buffer_of_any_item_size_is_sent(data):
    def main():
        mine, other = map(Socket, socket.socketpair())

        def send():
            yield from mine.send(data)
            mine.shutdown()

        def body(group):
            group.spawn(send)
            received = []
            while chunk := (yield from other.receive()):
                received.append(chunk)
            return b"".join(received)

        with mine, other:
            return (yield from open_group(body))

    assert run(main) == bytes(data)


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_connection_works_over_ipv6():
    def main():
        with listen("::1", 0) as server:
            port = server.plain.getsockname()[1]
            with (
                (yield from connect("::1", port)) as sock,
                (yield from server.accept()) as client,
            ):
                yield from sock.send(b"six")
                return (yield from client.receive())

    assert run(main) == b"six"


# Connecting as RFC 8305 says


class Addresses:
    """A replacement for the name lookup and the attempts of `connect`."""

    def __init__(self, world, monkeypatch, **attempts):
        self.world = world
        self.attempts = attempts
        self.log = []
        self.sockets = []
        found = [
            (socket.AF_INET6 if "6" in name else socket.AF_INET, 1, 6, "", name)
            for name in attempts
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        monkeypatch.setattr(outside, "_connect", self.connect)

    def connect(self, family, kind, protocol, name):
        self.log.append((self.world.now(), name))
        seconds, succeeds = self.attempts[name]
        try:
            yield from sleep(seconds)
        except kernel.Cancelled:
            self.log.append((self.world.now(), f"{name} cancelled"))
            raise
        if not succeeds:
            raise ConnectionRefusedError(name)
        made, far = socket.socketpair()
        far.close()
        self.sockets.append(Socket(made))
        self.sockets[-1].name = name
        return self.sockets[-1]


def test_the_next_address_is_tried_after_a_quarter_of_a_second(world, monkeypatch):
    made = Addresses(world, monkeypatch, a6=(60, True), b4=(1, True))

    def main():
        with (yield from connect("name", 1)) as sock:
            return sock.name

    assert world.run(main) == "b4"
    assert made.log == [(0, "a6"), (0.25, "b4"), (1.25, "a6 cancelled")]


def test_the_next_address_is_tried_at_once_when_one_fails(world, monkeypatch):
    made = Addresses(world, monkeypatch, a6=(0.125, False), b4=(1, True))

    def main():
        with (yield from connect("name", 1)) as sock:
            return sock.name

    assert world.run(main) == "b4"
    assert made.log == [(0, "a6"), (0.125, "b4")]


def test_families_of_addresses_alternate(world, monkeypatch):
    made = Addresses(
        *(world, monkeypatch),
        a6=(60, False),
        b6=(60, False),
        c4=(60, False),
        d4=(1, True),
    )

    def main():
        (yield from connect("name", 1)).close()

    world.run(main)
    assert [name for _, name in made.log[:4]] == ["a6", "c4", "b6", "d4"]


def test_the_last_error_is_raised_if_no_address_answers(world, monkeypatch):
    Addresses(world, monkeypatch, a6=(0, False), b4=(1, False))

    def main():
        with pytest.raises(ConnectionRefusedError, match="b4"):
            yield from connect("name", 1)

    world.run(main)


def test_one_of_two_simultaneous_connections_is_closed(world, monkeypatch):
    made = Addresses(world, monkeypatch, a6=(1.25, True), b4=(1, True))

    def main():
        winner = yield from connect("name", 1)
        return [sock.plain.fileno() >= 0 for sock in made.sockets], winner

    still_open, winner = world.run(main)
    assert still_open.count(True) == 1
    winner.close()


# Cancelling many


@pytest.mark.parametrize("queue", ["event", "semaphore", "channel", "join", "list"])
@pytest.mark.parametrize("order", ["first", "last"])
def test_cancelling_many_waiters_takes_linear_time(queue, order, monkeypatch):
    number, compared = 300, []

    def equal(self, other):
        compared.append(1)
        return self is other

    waited = {
        "event": Event,
        "semaphore": lambda: Semaphore(0),
        "channel": Channel,
        "list": list,
        "join": lambda: None,
    }[queue]

    def body(group):
        place, scopes = waited(), []
        target = group.spawn(sleep_forever)

        def one():
            with CancelScope() as scope:
                scopes.append(scope)
                if queue == "event":
                    yield from place.wait()
                elif queue == "semaphore":
                    yield from place.acquire()
                elif queue == "channel":
                    yield from place.get()
                elif queue == "join":
                    yield from target.join()
                else:
                    yield place

        for _ in range(number):
            group.spawn(one)
        yield from checkpoint()
        yield from checkpoint()
        monkeypatch.setattr(kernel.Task, "__eq__", equal)
        monkeypatch.setattr(kernel.Task, "__hash__", object.__hash__)
        for scope in scopes if order == "first" else reversed(scopes):
            scope.cancel()
        monkeypatch.undo()
        group.cancel()

    run(open_group, body)
    assert len(compared) < 20 * number
