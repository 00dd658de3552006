"""The kernel against a model: both must behave alike on random programs.

A program is data. `Play` runs it with any object that has the kernel's interface: the
kernel itself, in virtual time, or `Model`. The model is slow and simple: it searches
all tasks to find those that are cancelled, have slept long enough or belong to a group.
Both write a log, and the logs must be equal.

A log holds the instants, the value or error of every wait, the end of every task and
group, and the order of all these events. Woken tasks run first come, first served. At
one instant, deadlines come before sleepers. The kernel is free in two points, and the
model follows it there: the position of tasks that are cancelled at one instant, and the
number of polls for timers and descriptors while tasks are ready. The tests choose that
number at random.
"""

from __future__ import annotations

import gc
from functools import partial
from itertools import islice, product, zip_longest

import pytest
from concurrency_study.available import make_world
from concurrency_study.world import Deadlock
from generators_study import kernel
from generators_study.kernel import Cancelled, Closed, TaskCancelled, loop
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

# Programs


def some(*names, of=((),), times=1):
    """Return the operations of these names with each of these arguments."""
    return times * [(name, *arguments) for name in names for arguments in of]


WHICH = [(0,), (1,)]
SECONDS = [(0,), (0.5,), (1,), (1,), (2,), (3,)]
WAITS = [
    *some("sleep", of=SECONDS),
    *some("checkpoint", "turn", times=3),
    *some("put", "get", "wait", "read", "join", of=WHICH),
]
LEAVES = [
    *WAITS,
    *some("scope", of=[(1, False, (wait,)) for wait in WAITS]),
    *some("set", of=WHICH),
    *some("settle", of=product((0, 1), (True, False))),
    *some("cancel", of=WHICH),
    *some("close", of=WHICH),
    *some("fail"),
]
SHIELDED = (("scope", None, True, (("sleep", 1),)),)
BLOCKS = [
    *some("spawn", of=WHICH, times=3),
    *some("turns", "lock", of=WHICH),
    *some("scope", of=product((None, 0, 0.5, 2), (True, False))),
    *some("group", "swallow", "catch", times=3),
    *some("cleanup", of=[((),), (SHIELDED,), ((("fail",),),)], times=2),
]
leaves = st.sampled_from(LEAVES)


def blocks(of):
    return st.lists(of, min_size=1, max_size=5).map(tuple)


operations = leaves
for _ in range(3):
    block = blocks(operations)
    operations = leaves | st.builds(
        lambda op, block: (*op, block), st.sampled_from(BLOCKS), block
    )
programs = st.lists(
    block.map(lambda block: ("spawn", 0, block)), min_size=2, max_size=5
)
paces = st.sampled_from([1, 2, 5, None])

TURNS = (1, 2)


class Failure(Exception):
    """The error that a program raises."""


def tell(error):
    if isinstance(error, BaseExceptionGroup):
        return [tell(each) for each in error.exceptions]
    return (
        (type(error).__name__, *error.args)
        if isinstance(error, Failure)
        else (type(error).__name__)
    )


class Play:
    """An interpreter that runs a program and logs what happens to each task."""

    def __init__(self, kernel, now):
        self.kernel = kernel
        self.now = now
        self.log = []
        self.over = False
        """True while tasks are being closed. The kernel promises nothing about that."""
        self.scopes, self.groups, self.tasks = [], [], []
        self.failures = 0
        self.items = 0

    def note(self, *what):
        if not self.over:
            self.log.append((self.now(), *what))

    def note_look(self):
        if not self.over:
            self.log.append(LOOK)

    def main(self, program):
        make = self.kernel
        self.channels = [make.Channel(capacity) for capacity in (0, 1)]
        self.semaphores = [make.Semaphore(value) for value in TURNS]
        self.locks = [make.Lock() for _ in range(2)]
        self.events = [make.Event() for _ in range(2)]
        self.futures = [make.Future() for _ in range(2)]
        try:
            yield from self.task("main", (("group", program),))
        finally:
            for channel in self.channels:
                yield from self.drain(channel)

    def drain(self, channel):
        """Take all items of a channel without waiting."""
        channel.close()
        left = []
        try:
            while True:
                left.append((yield from channel.get()))
        except Closed:
            self.note("main", "left", left)

    def task(self, name, block):
        self.note(name, "starts")
        try:
            yield from self.block(name, block)
        except BaseException as error:
            self.note(name, "ends", tell(error))
            raise
        self.note(name, "ends")

    def block(self, name, block):
        for kind, *arguments in block:
            yield from getattr(self, kind)(name, *arguments)

    def waiting(self, name, what, wait):
        """Wait and log the outcome. Raise again only if it is a cancellation."""
        try:
            value = yield from wait()
        except Cancelled:
            self.note(name, *what, "Cancelled")
            raise
        except Exception as error:
            self.note(name, *what, tell(error))
            return False
        self.note(name, *what, value)
        return True

    # Operations

    def sleep(self, name, seconds):
        wait = partial(self.kernel.sleep, seconds)
        yield from self.waiting(name, ("sleep", seconds), wait)

    def checkpoint(self, name):
        yield from self.waiting(name, ("checkpoint",), self.kernel.checkpoint)

    def turn(self, name):
        def wait():
            yield self.kernel.current_kernel().ready

        yield from self.waiting(name, ("turn",), wait)

    def put(self, name, which):
        self.items += 1
        wait = partial(self.channels[which].put, self.items)
        yield from self.waiting(name, ("put", which, self.items), wait)

    def get(self, name, which):
        yield from self.waiting(name, ("get", which), self.channels[which].get)

    def close(self, name, which):
        self.channels[which].close()
        yield from ()

    def wait(self, name, which):
        yield from self.waiting(name, ("wait", which), self.events[which].wait)

    def set(self, name, which):
        self.events[which].set()
        yield from ()

    def read(self, name, which):
        yield from self.waiting(name, ("read", which), self.futures[which].wait)

    def settle(self, name, which, well):
        future = self.futures[which]
        try:
            future.set_result(name) if well else future.set_error(Failure(name))
        except RuntimeError:
            self.note(name, "settled already")
        yield from ()

    def turns(self, name, which, block):
        turns = self.semaphores[which]
        yield from self.waiting(name, ("acquire", which), turns.acquire)
        try:
            yield from self.block(name, block)
        finally:
            self.note(name, "release", which)
            turns.release()

    def lock(self, name, which, block):
        lock = self.locks[which]
        if (yield from self.waiting(name, ("lock", which), lock.acquire)):
            try:
                yield from self.block(name, block)
            finally:
                self.note(name, "unlock", which)
                lock.release()

    def join(self, name, which):
        if self.tasks:
            number = len(self.tasks) - 1 - which % len(self.tasks)
            yield from self.waiting(name, ("join", number), self.tasks[number].join)

    def fail(self, name):
        self.failures += 1
        self.note(name, "fails", self.failures)
        raise Failure(self.failures)
        yield

    def swallow(self, name, block):
        try:
            yield from self.block(name, block)
        except Cancelled:
            self.note(name, "swallows")

    def catch(self, name, block):
        try:
            yield from self.block(name, block)
        except (BaseExceptionGroup, Failure) as error:
            self.note(name, "catches", tell(error))

    def cleanup(self, name, after, block):
        try:
            yield from self.block(name, block)
        except GeneratorExit:
            raise
        except BaseException:
            self.note(name, "cleans up")
            yield from self.block(name, after)
            raise
        self.note(name, "finishes")
        yield from self.block(name, after)

    def scope(self, name, seconds, shield, block):
        scope = self.kernel.CancelScope(seconds, shield=shield)
        self.scopes.append(scope)
        with scope:
            yield from self.block(name, block)
        self.note(name, "leaves", scope.cancelled_caught)

    def cancel(self, name, which):
        if self.scopes:
            self.scopes[-1 - which % len(self.scopes)].cancel()
        yield from ()

    def group(self, name, block):
        number = len(self.groups)

        def body(group):
            self.groups.append(group)
            self.scopes.append(group)
            self.note(name, "opens", number)
            yield from self.block(name, block)
            return "result"

        try:
            result = yield from self.kernel.open_group(body)
        except BaseException as error:
            self.note(name, "closes", number, tell(error))
            raise
        self.note(name, "closes", number, result)

    def spawn(self, name, which, block):
        number = len(self.groups) - 1 - which % len(self.groups)
        child = str(len(self.tasks))
        try:
            group = self.groups[number]
            task = group.spawn(self.task, child, block)
            task.name = child
        except RuntimeError:
            self.note(name, "cannot spawn", number)
        else:
            self.tasks.append(task)
            self.note(name, "spawns", number, child)
        yield from ()


# The model


class Stuck(Exception):
    """A second deadlock: every task waits for ever behind a shield."""


class Until(list):
    """The wait for the children of a group. A cancellation does not end it."""


class Model:
    """The promises of the kernel in their simplest form, following the kernel's log."""

    def __init__(self, heard):
        self.heard = heard
        self.now, self.current, self.deadlock = 0, None, None
        self.ready, self.later, self.cancelled, self.alive = [], [], [], []
        self.sleepers, self.alarms = [], []
        for made in (CancelScope, Channel, Semaphore, Lock, Event, Future):
            setattr(self, made.__name__, partial(made, self))
        self.root = CancelScope(self)

    def run(self, play, program):
        """Run a program as the kernel does. Return its outcome in the kernel's form."""
        top = Group(self)
        top.scope = self.root
        main = top.spawn(play.main, program)
        main.name = "main"
        while not main.done:
            told = len(play.log)
            if told == len(self.heard) or play.log[-1:] != self.heard[told - 1 : told]:
                break  # the logs differ, and the comparison will fail
            if self.heard[told] == LOOK:
                play.log.append(LOOK)
                self.look_around()
                continue
            following = [t for t in self.cancelled if t.name == self.heard[told][1]]
            if following:
                self.cancelled.remove(*following)
                self.step(*following, Cancelled())
            elif self.ready:
                self.step(self.ready.pop(0))
            else:
                break
        if self.deadlock:
            return "Deadlock", self.deadlock
        return tell(main.error) if main.error else main.result

    def step(self, task, error=None):
        self.current, task.place = task, None
        error, task.thrown = error or task.thrown, None
        try:
            place = task.generator.throw(error) if error else next(task.generator)
        except StopIteration as end:
            task.end(end.value, None)
        except BaseException as error:
            task.end(None, error)
        else:
            if task.scope.doomed() and not isinstance(place, Until):
                self.cancelled.append(task)
            else:
                task.place = place
                place.append(task)

    def look_around(self):
        if not (self.ready or self.later or self.cancelled):
            # The deadline of a scope that is already cancelled changes nothing.
            self.alarms = [a for a in self.alarms if not a[1].doomed()]
            instants = [due for due, _ in self.alarms + self.sleepers]
            if instants:
                self.now = min(instants)
                alarms = [scope for due, scope in self.alarms if due == self.now]
                self.alarms = [a for a in self.alarms if a[0] > self.now]
                for scope in alarms:
                    scope.cancel()
                self.wake([task for due, task in self.sleepers if due == self.now])
                self.sleepers = [s for s in self.sleepers if s[0] > self.now]
            elif self.root.cancelled:
                raise Stuck
            else:
                self.deadlock = sorted(f"task {task.name}" for task in self.alive)
                self.root.cancel()
        self.wake(self.later)

    def wake(self, place, thrown=None):
        for task in place:
            task.place, task.thrown = None, thrown
        self.ready.extend(place)
        place.clear()

    def wake_first(self, place):
        task = place.pop(0)
        self.wake([task])
        return task

    def current_kernel(self):
        return self

    def checkpoint(self):
        yield self.later

    def sleep(self, seconds):
        yield Sleep(self, self.now + seconds) if seconds > 0 else self.later

    def open_group(self, body):
        group, result = Group(self), None
        with group.scope:
            try:
                result = yield from body(group)
            except GeneratorExit:
                raise
            except BaseException as error:
                group.failed(error)
            while group.children():
                yield group.parent
            group.open = False
            if group.cancelled and not group.errors:
                raise Cancelled
        if group.errors:
            raise BaseExceptionGroup("errors", group.errors)
        return result


class Sleep:
    """A place for the tasks that sleep until an instant."""

    def __init__(self, model, due):
        self.model, self.due = model, due

    def append(self, task):
        self.model.sleepers.append((self.due, task))

    def remove(self, task):
        self.model.sleepers.remove((self.due, task))


class Task:
    done = False
    place = thrown = gift = result = error = None

    def __init__(self, group, generator):
        self.group, self.scope, self.model = group, group.scope, group.model
        self.generator, self.joiners = generator, []
        self.model.alive.append(self)
        self.model.ready.append(self)

    def end(self, result, error):
        self.done, self.result, self.error = True, result, error
        self.model.alive.remove(self)
        self.model.wake(self.joiners)
        if error:
            self.group.failed(error)
        if not self.group.children():
            self.model.wake(self.group.parent)

    def join(self):
        if not self.done:
            yield self.joiners
        if isinstance(self.error, Cancelled):
            raise TaskCancelled
        if self.error:
            raise self.error
        return self.result


class CancelScope:
    cancelled = cancelled_caught = False
    parent = None

    def __init__(self, model, seconds=None, *, shield=False):
        self.model, self.seconds, self.shield = model, seconds, shield

    def doomed(self):
        """Return True if a wait inside this scope must raise Cancelled."""
        from_outside = self.parent and not self.shield and self.parent.doomed()
        return self.cancelled or bool(from_outside)

    def cancel(self):
        self.cancelled = True
        for task in self.model.alive:
            waits = task.place is not None and task.place is not self.model.ready
            if waits and not isinstance(task.place, Until) and task.scope.doomed():
                task.place.remove(task)
                task.place = None
                self.model.cancelled.append(task)

    def __enter__(self):
        self.task = self.model.current
        self.parent, self.task.scope = self.task.scope, self
        if self.seconds is not None and self.seconds <= 0:
            self.cancel()
        elif self.seconds is not None:
            self.model.alarms.append((self.model.now + self.seconds, self))
        return self

    def __exit__(self, _, error, __):
        self.task.scope = self.parent
        self.model.alarms = [a for a in self.model.alarms if a[1] is not self]
        outer = self.parent.doomed() and not self.shield
        self.cancelled_caught = (
            self.cancelled and not outer and isinstance(error, Cancelled)
        )
        return self.cancelled_caught


class Group:
    def __init__(self, model):
        self.model, self.scope = model, CancelScope(model)
        self.errors, self.cancelled, self.open, self.parent = [], False, True, Until()

    def children(self):
        return [task for task in self.model.alive if task.group is self]

    def spawn(self, function, *arguments):
        if not self.open:
            raise RuntimeError
        return Task(self, function(*arguments))

    def cancel(self):
        self.scope.cancel()

    def failed(self, error):
        if isinstance(error, Cancelled) and self.scope.doomed():
            self.cancelled = True
        else:
            self.errors.append(error)
            self.scope.cancel()


class Semaphore:
    def __init__(self, model, value=1):
        self.model, self.value, self.waiters = model, value, []

    def acquire(self):
        if self.value:
            self.value -= 1
        else:
            yield self.waiters

    def release(self):
        if self.waiters:
            self.model.wake_first(self.waiters)
        else:
            self.value += 1


class Lock(Semaphore):
    owner = None

    def acquire(self):
        if self.owner is self.model.current:
            raise RuntimeError
        yield from super().acquire()
        self.owner = self.model.current

    def release(self):
        self.owner = None
        super().release()


class Event:
    happened = False

    def __init__(self, model):
        self.model, self.waiters = model, []

    def set(self):
        self.happened = True
        self.model.wake(self.waiters)

    def wait(self):
        if not self.happened:
            yield self.waiters


class Future(Event):
    value = error = None

    def settle(self, value, error):
        if self.happened:
            raise RuntimeError
        self.value, self.error = value, error
        self.set()

    def set_result(self, value):
        self.settle(value, None)

    def set_error(self, error):
        self.settle(None, error)

    def wait(self):
        yield from super().wait()
        if self.error:
            raise self.error
        return self.value


class Channel:
    closed = False

    def __init__(self, model, capacity):
        self.model, self.capacity, self.items = model, capacity, []
        self.getters, self.putters = [], []

    def put(self, item):
        if self.closed:
            raise Closed
        if self.getters:
            self.model.wake_first(self.getters).gift = item
        elif len(self.items) < self.capacity:
            self.items.append(item)
        else:
            self.model.current.gift = item
            yield self.putters

    def get(self):
        if not self.items and not self.putters:
            if self.closed:
                raise Closed
            yield self.getters
            return self.model.current.gift
        if self.putters:
            self.items.append(self.model.wake_first(self.putters).gift)
        return self.items.pop(0)

    def close(self):
        self.closed = True
        for waiters in (self.getters, self.putters):
            self.model.wake(waiters, Closed())


# The comparison

LOOK = "the kernel looks around"


def played(program, pace):
    """Run a program on the kernel. Return its log and its outcome."""
    world = make_world("generators")
    play = Play(kernel, world.now)

    def look_around(self, original=loop.Kernel._look_around):
        play.note_look()
        return original(self)

    def close_tasks(self, original=loop.Kernel._close_tasks):
        play.over = bool(self.tasks())
        original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Kernel, "_look_around", look_around)
        patch.setattr(loop.Kernel, "_close_tasks", close_tasks)
        if pace:
            patch.setattr(loop, "islice", lambda walk, _: islice(walk, pace))
        try:
            outcome = world.run(play.main, program)
        except Deadlock as error:
            waiters = sorted(waiter.partition(":")[0] for waiter in error.waiters)
            outcome = "Deadlock", waiters
        except BaseException as error:
            outcome = tell(error)
    return play, outcome


@pytest.fixture(autouse=True)
def no_leftovers():
    """Collect the generators that stuck programs leave, so that Python closes them."""
    yield
    gc.collect()


def compare(program, pace):
    play, outcome = played(program, pace)
    model = Model(play.log)
    expected = Play(model, lambda: model.now)
    try:
        expected_outcome = model.run(expected, program)
    except Stuck:
        expected_outcome = "Deadlock", model.deadlock
    for number, (mine, its) in enumerate(zip_longest(play.log, expected.log)):
        assert mine == its, (number, play.log)
    assert outcome == expected_outcome


def check(play):
    """Check the rules that hold for every log, without the model."""
    stuck = play.over
    log = [entry for entry in play.log if entry != LOOK]
    group_of = {entry[4]: entry[3] for entry in log if entry[2] == "spawns"}
    ended, got, put, held = {}, [], set(), dict.fromkeys(range(len(TURNS)), 0)
    for _, name, what, *rest in log:
        assert name not in ended or name == "main"
        if what == "ends":
            ended[name] = rest
        elif what == "closes":
            group, outcome = rest
            children = [child for child in group_of if group_of[child] == group]
            assert {*children} <= {*ended}, "no child outlives its group"
            errors = [e for child in children for e in ended[child] if e != "Cancelled"]
            told = outcome if isinstance(outcome, list) else []
            assert all(error in told for error in errors), "no error is lost"
        elif what == "acquire" and rest[1] is None:
            held[rest[0]] += 1
            assert held[rest[0]] <= TURNS[rest[0]]
        elif what == "release":
            held[rest[0]] -= 1
        elif what == "put" and rest[2] is None:
            put.add(rest[1])
        elif what == "get" and isinstance(rest[1], int):
            got.append(rest[1])
        elif what == "left":
            got += rest[0]
    assert len(got) == len({*got}), "no item is duplicated"
    if not stuck:
        assert {*got} == put, "no item is lost"
        assert {*ended} == {*group_of, "main"}, "every cancelled task cleans up"


bounded = settings(
    max_examples=400,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@bounded
@given(programs, paces)
def test_the_kernel_behaves_like_the_model(program, pace):
    compare(program, pace)


@settings(bounded, max_examples=150)
@given(programs, paces)
def test_no_child_error_item_or_turn_is_lost_or_duplicated(program, pace):
    play, _ = played(program, pace)
    check(play)


def shields_keep_nothing_out(patch):
    init = kernel.CancelScope.__init__
    patch.setattr(
        kernel.CancelScope,
        "__init__",
        lambda self, seconds=None, *, shield=False: init(self, seconds),
    )


def an_inner_scope_catches_what_is_meant_for_the_outer(patch):
    leave = kernel.CancelScope.__exit__

    def catch(self, *exit):
        return leave(self, *exit) or (
            self.cancel_called and isinstance(exit[1], Cancelled)
        )

    patch.setattr(kernel.CancelScope, "__exit__", catch)


def only_the_first_error_counts(patch):
    failed, groups = kernel.Group.failed, []

    def first(self, error):
        if isinstance(error, Cancelled) or self not in groups:
            failed(self, error)
        if not isinstance(error, Cancelled):
            groups.append(self)

    patch.setattr(kernel.Group, "failed", first)


@pytest.mark.parametrize(
    "plant",
    [
        shields_keep_nothing_out,
        an_inner_scope_catches_what_is_meant_for_the_outer,
        only_the_first_error_counts,
    ],
)
def test_the_model_finds_a_mistake_planted_in_the_kernel(monkeypatch, plant):
    plant(monkeypatch)
    seek = settings(
        bounded,
        max_examples=2000,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        print_blob=False,
    )
    with pytest.raises(AssertionError):
        seek(given(programs, paces)(compare))()
