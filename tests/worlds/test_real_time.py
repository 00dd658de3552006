"""Random programs do the same in every world, and in the same order in real time.

A program is data: for each of its actors, a list of steps. `Threads`, `Asyncio` and so
on interpret it with the locks, queues, events and timeouts of their own library. The
worlds have to agree on each event and its instant. Real time has to agree on the order.

Libraries differ in what happens first if two timers are due at one instant. So each
timer of a program has an instant of its own: other programs are discarded. One actor
still wakes another at one instant, so the events of an instant are sorted. In real
time, there is a tick between two instants.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from concurrency_study import make_world
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

TICK = 0.02
"""Real seconds between two instants at which something may happen."""
LONGEST = 0.5
"""Real seconds that a program may take."""

Event = tuple[int, int, str]
"""An event: its instant in ticks, its actor, and what the actor did."""
Steps = list[tuple[Any, ...]]


# Programs


def programs(longest: int, actors: int, most: int) -> st.SearchStrategy[list[Steps]]:
    """Return programs whose sleeps and timeouts have at most ``longest`` ticks."""
    ticks, which = st.integers(1, longest), st.integers(0, 1)
    step = st.one_of(
        st.tuples(st.just("hold"), ticks, which, ticks),
        st.tuples(st.sampled_from(["put", "set"]), ticks, which),
        st.tuples(st.sampled_from(["get", "wait"]), ticks, which, ticks),
    )
    steps = st.lists(step, min_size=1, max_size=most)
    return st.lists(steps, min_size=2, max_size=actors)


@dataclass
class Record:
    """The events and timers of the actors of one run. ``clock`` returns ticks."""

    clock: Callable[[], float]
    events: list[tuple[float, int, str]] = field(default_factory=list)
    timers: list[float] = field(default_factory=list)
    """The instant of each timer that the program has started."""
    late: float = 0.0
    """Ticks for which sleeps have lasted longer than they should."""

    def actor(self, number: int, steps: Steps) -> Generator[tuple[Any, ...], Any]:
        """Yield each call that one actor makes. Its result is sent in.

        This is the program itself, for the interpreters of all libraries.
        """

        def note(what: str) -> None:
            self.events.append((self.clock(), number, f"{index} {what}"))

        def sleep(ticks: int) -> Generator[tuple[Any, ...]]:
            due = self.clock() + ticks
            self.timers.append(due)
            yield "sleep", ticks
            self.late += self.clock() - due

        index = -1
        for kind, before, which, *ticks in steps:
            index += 1
            yield from sleep(before)
            note(f"{kind} {which}")
            if kind == "hold":
                yield "acquire", which
                note("acquired")
                yield from sleep(*ticks)
                note("releases")
                yield "release", which
            elif kind in ("put", "set"):
                yield kind, which, number
            else:
                self.timers.append(self.clock() + ticks[0])
                result = yield kind, which, *ticks
                note(f"has {result}")

    def actors(self, program: list[Steps]) -> list[Generator[tuple[Any, ...], Any]]:
        return [self.actor(number, steps) for number, steps in enumerate(program)]

    def rounded(self) -> list[Event]:
        """Return the events in order, each at the last tick before it."""
        return sorted((int(at + 0.3), *event) for at, *event in self.events)


# Interpreters: each runs a program with its library's own means


class Threads:
    """Threads, locks, queues and events of the standard library."""

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.locks = [threading.Lock() for _ in range(2)]
        self.queues = [queue.Queue() for _ in range(2)]
        self.events = [threading.Event() for _ in range(2)]

    def do(self, kind: str, *args: Any) -> Any:
        match kind:
            case "sleep":
                time.sleep(args[0] * self.tick)
            case "acquire":
                self.locks[args[0]].acquire()
            case "release":
                self.locks[args[0]].release()
            case "put":
                self.queues[args[0]].put(args[1])
            case "set":
                self.events[args[0]].set()
            case "get":
                try:
                    return self.queues[args[0]].get(timeout=args[1] * self.tick)
                except queue.Empty:
                    return "timeout"
            case "wait":
                done = self.events[args[0]].wait(args[1] * self.tick)
                return "set" if done else "timeout"
        return None

    def act(self, calls: Generator) -> None:
        answer = None
        while True:
            try:
                call = calls.send(answer)
            except StopIteration:
                return
            answer = self.do(*call)

    def run(self, actors: list[Generator]) -> None:
        threads = [threading.Thread(target=self.act, args=(a,)) for a in actors]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    @classmethod
    def start(cls, actors: list[Generator], tick: float) -> None:
        """Run a program to its end: the function for `World.run`."""
        cls(tick).run(actors)

    @classmethod
    def really(cls, actors: list[Generator], tick: float) -> None:
        """Run a program to its end, in real time."""
        cls.start(actors, tick)


class Gevent(Threads):
    """Greenlets, with the locks, queues and events of gevent."""

    def __init__(self, tick: float) -> None:
        import gevent.event
        import gevent.lock
        import gevent.queue

        self.tick = tick
        self.locks = [gevent.lock.BoundedSemaphore() for _ in range(2)]
        self.queues = [gevent.queue.Queue() for _ in range(2)]
        self.events = [gevent.event.Event() for _ in range(2)]

    def do(self, kind: str, *args: Any) -> Any:
        if kind == "sleep":
            import gevent

            return gevent.sleep(args[0] * self.tick)
        return super().do(kind, *args)

    def run(self, actors: list[Generator]) -> None:
        import gevent

        gevent.joinall([gevent.spawn(self.act, a) for a in actors], raise_error=True)


class Async:
    """The interpreters of the libraries with ``async`` and ``await``."""

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.make()

    locks: list[Any]
    events: list[Any]

    async def do(self, kind: str, *args: Any) -> Any:
        match kind:
            case "sleep":
                await self.sleep(args[0] * self.tick)
            case "acquire":
                await self.locks[args[0]].acquire()
            case "release":
                self.locks[args[0]].release()
            case "put":
                await self.put(*args)
            case "set":
                self.events[args[0]].set()
            case "get":
                return await self.within(args[1] * self.tick, self.get, args[0])
            case "wait":
                return await self.within(args[1] * self.tick, self.wait, args[0])
        return None

    async def wait(self, which: int) -> str:
        await self.events[which].wait()
        return "set"

    async def act(self, calls: Generator) -> None:
        answer = None
        while True:
            try:
                call = calls.send(answer)
            except StopIteration:
                return
            answer = await self.do(*call)

    @classmethod
    async def start(cls, actors: list[Generator], tick: float) -> None:
        await cls(tick).run(actors)


class Asyncio(Async):
    """Tasks, with the locks, queues and events of asyncio."""

    def make(self) -> None:
        self.locks = [asyncio.Lock() for _ in range(2)]
        self.queues = [asyncio.Queue() for _ in range(2)]
        self.events = [asyncio.Event() for _ in range(2)]
        self.sleep = asyncio.sleep

    async def put(self, which: int, item: int) -> None:
        await self.queues[which].put(item)

    async def get(self, which: int) -> int:
        return await self.queues[which].get()

    async def within(self, seconds: float, f: Callable[..., Any], *args: Any) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await f(*args)
        except TimeoutError:
            return "timeout"

    async def run(self, actors: list[Generator]) -> None:
        async with asyncio.TaskGroup() as group:
            for each in actors:
                group.create_task(self.act(each))

    @classmethod
    def really(cls, actors: list[Generator], tick: float) -> None:
        asyncio.run(cls.start(actors, tick))


class Trio(Async):
    """Tasks, with the locks, channels and events of trio."""

    def make(self) -> None:
        import trio

        self.locks = [trio.Lock() for _ in range(2)]
        self.queues = [trio.open_memory_channel(1000) for _ in range(2)]
        self.events = [trio.Event() for _ in range(2)]
        self.sleep, self.move_on_after = trio.sleep, trio.move_on_after
        self.group = trio.open_nursery

    async def put(self, which: int, item: int) -> None:
        self.queues[which][0].send_nowait(item)

    async def get(self, which: int) -> int:
        return await self.queues[which][1].receive()

    async def within(self, seconds: float, f: Callable[..., Any], *args: Any) -> Any:
        with self.move_on_after(seconds):
            return await f(*args)
        return "timeout"

    async def run(self, actors: list[Generator]) -> None:
        # A lock of trio and of anyio belongs to the task that has acquired it.
        async with self.group() as group:
            for each in actors:
                group.start_soon(self.act, each)
        for ends in self.queues:
            for end in ends:
                end.close()

    @classmethod
    def really(cls, actors: list[Generator], tick: float) -> None:
        import trio

        trio.run(cls.start, actors, tick)


class Anyio(Trio):
    """Tasks, with the locks, streams and events of AnyIO."""

    def make(self) -> None:
        import anyio

        self.locks = [anyio.Lock() for _ in range(2)]
        self.queues = [anyio.create_memory_object_stream(1000) for _ in range(2)]
        self.events = [anyio.Event() for _ in range(2)]
        self.sleep, self.move_on_after = anyio.sleep, anyio.move_on_after
        self.group = anyio.create_task_group


class AnyioOnAsyncio(Anyio):
    """AnyIO on asyncio."""

    @classmethod
    def really(cls, actors: list[Generator], tick: float) -> None:
        import anyio

        anyio.run(cls.start, actors, tick, backend="asyncio")


class AnyioOnTrio(Anyio):
    """AnyIO on trio."""

    @classmethod
    def really(cls, actors: list[Generator], tick: float) -> None:
        import anyio

        anyio.run(cls.start, actors, tick, backend="trio")


INTERPRETERS = {
    "threads": Threads,
    "asyncio": Asyncio,
    "asyncio-eager": Asyncio,
    "trio": Trio,
    "gevent": Gevent,
    "anyio-on-asyncio": AnyioOnAsyncio,
    "anyio-on-trio": AnyioOnTrio,
}


def available() -> list[str]:
    """Return the worlds of `INTERPRETERS` whose libraries are installed."""
    found: list[str] = []
    for name in INTERPRETERS:
        try:
            make_world(name)
        except LookupError:
            continue
        found.append(name)
    return found


# Runs


def in_world(name: str, program: list[Steps], tick: float) -> Record:
    """Run a program in a world."""
    world = make_world(name)
    record = Record(lambda: round(world.now() / tick, 6))
    world.run(INTERPRETERS[name].start, record.actors(program), tick)
    assert record.late == 0
    assert all(at == int(at) for at, *_ in record.events), record.events
    return record


def really(name: str, program: list[Steps]) -> Record:
    """Run a program in real time."""
    began = time.monotonic()
    record = Record(lambda: (time.monotonic() - began) / TICK)
    INTERPRETERS[name].really(record.actors(program), TICK)
    return record


WORLDS = available()
CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@settings(max_examples=200, deadline=None, suppress_health_check=CHECKS)
@given(program=programs(longest=500, actors=3, most=4), tick=st.sampled_from([1, 0.02]))
def test_all_worlds_agree_on_events_and_instants(program, tick):
    expected = in_world(WORLDS[0], program, tick)
    assume(len(set(expected.timers)) == len(expected.timers))
    for name in WORLDS[1:]:
        record = in_world(name, program, tick)
        assert record.rounded() == expected.rounded(), (WORLDS[0], name)
        assert sorted(record.timers) == sorted(expected.timers)


@pytest.mark.parametrize("name", WORLDS)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=CHECKS,
    phases=(Phase.explicit, Phase.generate),
)
@given(program=programs(longest=9, actors=2, most=3))
def test_real_time_has_the_order_of_the_world(name, program):
    # With two actors, one waits for a lock: which of several gets it may be random.
    expected = in_world(name, program, TICK)
    assume(len(set(expected.timers)) == len(expected.timers))
    assume(max(expected.timers) * TICK < LONGEST)
    for _ in range(3):
        record = really(name, program)
        if record.rounded() == expected.rounded():
            return
        time.sleep(0.1)
    assume(record.late < 1 / 3)  # a busy machine cannot tell
    assert record.rounded() == expected.rounded()
