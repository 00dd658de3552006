"""The contract of an answer to `cpu`, in real time and with real processes.

A worker imports the functions of `computing`. No test measures time: files say which
calls have begun and which have ended. A call that can be stopped would run for half a
minute, and the test sees that its end was not reached. If a study declares that it
cannot stop a call, the call ends by itself after a second.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path

import computing
import pytest
from computing import Job, Native, children, is_alive
from concurrency_study.topics.cpu import EXAMPLE, primes
from concurrency_study.world import leaves

HERE = str(Path(__file__).parent)
STOPS = "stopping a computation"
WITHIN = "cancelling a call within a job"
SURVIVES = "surviving a crash"
PROGRAM = """
import json, sys
from functools import partial
from pathlib import Path

import computing
from concurrency_study.available import make_world
from concurrency_study.study import installed_studies
from concurrency_study.world import leaves

if __name__ == "__main__":
    world, module, folder, limit, *functions = sys.argv[1:]
    (study,) = installed_studies()
    (answer,) = [a for a in study.answers("cpu") if a.module == module]
    jobs = []
    for number, function in enumerate(functions):
        job = computing.Job(Path(folder), str(number), float(limit), ("0", "1"))
        jobs.append((job, function))
    place, call = make_world(world), partial(answer.function, computing.tasks)
    place.run_for_real(partial(call, [], 2))  # an import may start a process
    Path(folder, "called").touch()
    try:
        place.run_for_real(partial(call, jobs, 2))
        errors = []
    except BaseException as error:
        errors = [f"{type(leaf).__name__}: {leaf}" for leaf in leaves(error)]
    print(json.dumps({"errors": errors, "left": len(computing.children())}))
"""


@pytest.fixture
def answer(request):
    """The answer under test, with what it declares."""
    return request.node.callspec.params["world"].answer


@pytest.fixture
def stops(answer):
    """True if the answer can stop a call that computes."""
    return STOPS not in answer.cannot


@pytest.fixture
def limit(stops):
    """Seconds after which a call ends that is not stopped."""
    return 30 if stops else 1


@pytest.fixture
def limit_within(limit, answer):
    """The same for a call that a job makes."""
    return 2 if WITHIN in answer.cannot else limit


@pytest.fixture
def call(world):
    """``call(function, inputs, workers)`` calls the answer, in real time."""

    def run(function, inputs, workers=2):
        return world.run_for_real(partial(world.answer, function, inputs, workers))

    return run


@pytest.fixture
def failed(call):
    """``failed(function, inputs, workers)`` returns the errors of a call that fails."""

    def run(*args):
        try:
            value = call(*args)
        except BaseException as error:
            return [*leaves(error)]
        raise AssertionError(f"no error, but {value!r}")

    return run


@pytest.fixture
def jobs(tmp_path, limit):
    """``jobs(f, g)``: the inputs of `computing.tasks`; the first two are a pair."""

    def make(*functions):
        return [
            (
                Job(tmp_path, str(number), limit, ("0", "1")),
                function.__name__,
            )
            for number, function in enumerate(functions)
        ]

    return make


@pytest.fixture
def seen(tmp_path):
    """``seen("began")``: the calls that have begun, or "ended"."""

    def names(what):
        return {path.stem for path in tmp_path.glob(f"*.{what}")}

    return names


@pytest.fixture
def memory(tmp_path):
    """A file of zeros, which calls share as memory."""
    path = tmp_path / "memory"
    path.write_bytes(bytes(64))
    return path


@pytest.fixture
def gil():
    """A GIL that a thread keeps as long as it computes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module", autouse=True)
def opened():
    """Start the resource tracker; note the worlds whose libraries have begun to run."""
    resource_tracker.ensure_running()
    return set()


@pytest.fixture(autouse=True)
def nothing_is_left(world, call, answer, opened, tmp_path):
    """Fail if a process, a descriptor or a thread is left, or a call was made again.

    Fewer descriptors may be open than before: garbage of earlier tests holds some. A
    library that declares that it keeps idle threads may do so. Garbage goes in the
    main thread: a task whose SystemExit was not taken is logged by the thread that
    collects it, and a thread of the runner that logs counts from then on.
    """
    gc.collect()
    if world.name not in opened:  # a library may open something once
        opened.add(world.name)
        call(computing.double, [1], 1)
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    yield
    gc.collect()
    assert not children()
    if "leaving no idle thread" not in {**answer.cannot, **answer.differs}:
        assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert not [*tmp_path.glob("*.again")]
    pids = {int(path.read_text()) for path in tmp_path.glob("*.began")}
    assert not [pid for pid in pids - {os.getpid()} if is_alive(pid)]


# Results


def test_the_example(call):
    limits, workers = EXAMPLE
    assert call(primes, limits, workers) == [primes(each) for each in limits]


def test_results_come_in_input_order(call):
    numbers = [20_000, 10, 10_000, 20, 30]
    assert call(primes, numbers) == [primes(each) for each in numbers]


def test_no_inputs_give_no_results(call):
    assert call(computing.double, []) == []


def test_any_iterable_will_do(call):
    assert call(computing.double, (n for n in (1, 2, 3))) == [2, 4, 6]


def test_there_may_be_more_workers_than_inputs(call):
    assert call(computing.double, [1, 2], 10**6) == [2, 4]


@pytest.mark.parametrize(
    ("function", "inputs", "workers", "error"),
    [
        (computing.spin, [None], 0, ValueError),
        (computing.spin, [None], -1, ValueError),
        (computing.spin, [None], 1.5, TypeError),
        (computing.spin, [None], True, TypeError),
        (computing.spin, 3, 1, TypeError),
        ("spin", [None], 1, TypeError),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(
    call, monkeypatch, function, inputs, workers, error
):
    def start(*_, **__):
        raise AssertionError("something was started")

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", start)
    with pytest.raises(error):
        call(function, inputs, workers)


# Side by side


@pytest.mark.needs("computing at once")
def test_two_calls_compute_at_once(call, memory, limit, gil):
    inputs = [(memory, 0, (1,), limit), (memory, 1, (0,), limit)]
    assert call(computing.meet, inputs) == [True, True]


@pytest.mark.needs("computing at once")
def test_no_worker_is_idle_while_there_are_inputs(call, memory, limit, gil):
    """One call computes until three others have begun, one after the other."""
    inputs = [(memory, 0, (1, 2, 3), limit)]
    inputs += [(memory, number, (0,), limit) for number in (1, 2, 3)]
    assert call(computing.meet, inputs) == [True] * 4


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_there_are_never_more_calls_than_workers(call, tmp_path, workers):
    call(computing.noted, [Job(tmp_path, str(n)) for n in range(8)], workers)
    running = 0
    for line in (tmp_path / "notes").read_text().splitlines():
        running += 1 if line[0] == "+" else -1
        assert 0 <= running <= workers


def test_calls_start_in_input_order(call, tmp_path):
    call(computing.noted, [Job(tmp_path, str(n)) for n in range(5)], 1)
    lines = (tmp_path / "notes").read_text().split()
    assert lines == [f"{sign}{n}" for n in range(5) for sign in "+-"]


# Errors


def test_an_error_reaches_the_caller_and_no_further_call_starts(failed, jobs, seen):
    inputs = jobs(computing.after_others, computing.spin, computing.spin)
    (first, _), *others = inputs
    alone = Job(first.folder, "0", first.limit)
    (error,) = failed(computing.tasks, [(alone, "fail_after_others"), *others], 1)
    assert repr(error) == "ValueError('no')"
    assert seen("began") == {"0"}


@pytest.mark.needs("showing where an error was raised")
def test_an_error_shows_where_it_was_raised(failed, tmp_path):
    (error,) = failed(computing.fail_after_others, [Job(tmp_path, "0")])
    frames, tb = [], error.__traceback__
    while tb is not None:
        frames.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    notes = getattr(error, "__notes__", [])
    cause = str(error.__cause__)
    assert "fail_after_others" in "".join([*frames, *notes, cause])


@pytest.mark.needs(STOPS)
@pytest.mark.parametrize("spin", [computing.spin, computing.spin_in_c])
def test_an_error_stops_a_call_that_computes(failed, jobs, seen, spin):
    inputs = jobs(spin, computing.fail_after_others, computing.spin)
    (error,) = failed(computing.tasks, inputs)
    assert repr(error) == "ValueError('no')"
    assert seen("began") == {"0", "1"}
    assert "0" not in seen("ended")


def test_an_error_while_the_other_workers_start_leaves_nothing(failed, jobs, seen):
    (first, _), *others = jobs(computing.spin, computing.spin, computing.spin)
    alone = Job(first.folder, "0", first.limit)
    (error,) = failed(computing.tasks, [(alone, "fail_after_others"), *others], 3)
    assert repr(error) == "ValueError('no')"


@pytest.mark.needs(STOPS)
def test_a_base_exception_stops_the_rest_as_well(failed, jobs, seen):
    inputs = jobs(computing.spin, computing.exit_after_others)
    (error,) = failed(computing.tasks, inputs)
    assert repr(error) == "SystemExit(3)"
    assert "0" not in seen("ended")


def test_a_result_that_cannot_travel_is_an_error_and_not_a_hang(call):
    results, errors = [], []
    try:
        results = [result() for result in call(computing.unpicklable, [1, 2, 3])]
    except Exception as error:
        errors = leaves(error)
    assert results == [1, 2, 3] or "local object" in "".join(map(repr, errors))


# Cancellation


@pytest.mark.needs("cancellation from outside", WITHIN, STOPS)
@pytest.mark.parametrize("spin", [computing.spin, computing.spin_in_c])
def test_a_cancellation_stops_the_calls(
    world, study, answer, tmp_path, limit_within, seen, spin
):
    """A call that waits for the first call wins a race, which cancels the first."""
    (race,) = [each for each in study.answers("race") if not each.variant]
    begun = Job(tmp_path, "winner", limit_within, ("0", "1"))
    racers = [
        Native(
            answer.function, spin, [Job(tmp_path, n, limit_within) for n in "012"], 2
        ),
        Native(answer.function, computing.after_others, [begun], 1),
    ]
    assert world.run_for_real(partial(race.function, racers)) == ["winner"]
    assert seen("began") == {"0", "1", "winner"}
    assert seen("ended") == {"winner"}


def test_a_cancellation_while_workers_start_leaves_nothing(
    world, study, answer, tmp_path, limit_within
):
    """A thread that sees the first process, long before it is ready, wins a race."""
    (race,) = [each for each in study.answers("race") if not each.variant]
    (blocking,) = [a for a in study.answers("blocking_calls") if not a.variant]
    racers = [
        Native(
            answer.function,
            computing.spin,
            [Job(tmp_path, n, limit_within) for n in "01"],
            2,
        ),
        Native(blocking.function, computing.see_a_child, [1], int, 1),
    ]
    world.run_for_real(partial(race.function, racers))


@pytest.fixture
def program(world, answer, tmp_path, limit):
    """``program(f, g)`` starts a program that calls the answer, and yields it."""
    running = []
    (tmp_path / "program").mkdir()
    script = tmp_path / "program" / "calls.py"
    script.write_text(PROGRAM, "utf-8")

    def start(*functions):
        names = [function.__name__ for function in functions]
        command = [sys.executable, "-W", "error", script, world.name, answer.module]
        path = os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH")]))
        running.append(
            subprocess.Popen(
                [*command, tmp_path, f"{limit}", *names],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )
        )
        return running[0]

    yield start
    for each in running:
        with each:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)


def said(program):
    """Return what the program printed at its end."""
    printed, complaints = program.communicate(timeout=120)
    assert program.returncode == 0, complaints
    assert "Traceback" not in complaints, complaints
    assert printed, "the program has ended without a word"
    return json.loads(printed)


def test_ctrl_c_reaches_the_caller_and_stops_the_calls(program, stops, seen, answer):
    pair = {"0", "1"} if "computing at once" not in answer.cannot else {"0"}
    running = program(computing.spin, computing.spin, computing.spin)
    due = time.monotonic() + 60
    while not pair <= seen("began"):
        assert time.monotonic() < due, running.poll()
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    assert said(running) == {"errors": ["KeyboardInterrupt: "], "left": 0}
    if stops:
        assert seen("began") == {"0", "1"}
        assert not seen("ended")


def test_ctrl_c_while_workers_start_reaches_the_caller(program, seen, tmp_path):
    """A worker in the middle of its imports does not complain about it."""
    running = program(computing.spin, computing.spin, computing.spin)
    due = time.monotonic() + 60
    while not ((tmp_path / "called").exists() and children(running.pid)):
        if seen("began"):  # it starts no process
            break
        assert time.monotonic() < due, running.poll()
        time.sleep(0.001)
    os.killpg(running.pid, signal.SIGINT)
    assert said(running) == {"errors": ["KeyboardInterrupt: "], "left": 0}


# A worker that dies


@pytest.mark.needs(SURVIVES)
@pytest.mark.parametrize(
    "dies",
    [
        computing.killed_after_others,
        computing.quit_after_others,
        computing.killed_by_its_result,
    ],
)
def test_a_crash_raises_an_error_and_stops_the_rest(program, seen, dies):
    end = said(program(computing.spin, dies, computing.spin))
    assert len(end["errors"]) == 1
    assert "worker" in end["errors"][0].lower()
    assert end["left"] == 0
    assert seen("began") == {"0", "1"}
    assert "0" not in seen("ended")


# What is left


@pytest.mark.needs("leaving no idle process")
def test_no_worker_process_is_kept_for_later(world):
    """Seen from within the loop, if there is one, as that ends its processes."""
    call = partial(world.answer, computing.double, [1, 2, 3], 2)

    async def inside():
        assert await call() == [2, 4, 6]
        return children()

    if world.colour == "async":
        assert not world.run_for_real(inside)
    else:
        assert world.run_for_real(call) == [2, 4, 6]
        assert not children()
