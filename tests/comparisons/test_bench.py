"""The bench: it reports its measurements and survives failing contestants."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import signal
import sys
from itertools import count
from pathlib import Path

import pytest
from concurrency_comparisons import cli, markdown
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.bench import (
    __main__,
    contestants,
    costs,
    environments,
    ratios,
    report,
    worker,
)
from concurrency_comparisons.bench.contestants import Benchmark, Contestant
from concurrency_comparisons.bench.measure import Bench, Plan, Result, Series, Slice
from concurrency_comparisons.bench.workers import Failed, Worker
from concurrency_comparisons.figures import number
from concurrency_study.topics import TOPICS
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent.parent
FAST = Plan(slice=0.001, rounds=6, sittings=2, patience=20)

# Statistics of values


def test_six_values_are_the_fewest_that_enclose_a_median_with_confidence():
    assert ratios.interval([1, 2, 3, 4, 5, 6]).confidence == pytest.approx(0.96875)
    five = ratios.interval([1, 2, 3, 4, 5])
    assert (five.low, five.middle, five.high) == (1, 3, 5)
    assert five.confidence == pytest.approx(0.9375)
    assert ratios.interval([7]).confidence == 0
    with pytest.raises(ValueError, match="needs values"):
        ratios.interval([])


def test_of_fifteen_values_the_three_extremes_on_each_side_do_not_matter():
    values = [*range(15)]
    assert (found := ratios.interval(values)).low == 3
    assert found.high == 11
    values[-3:] = [10**6] * 3
    assert ratios.interval(values) == found


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40))
def test_an_interval_holds_its_median(values):
    found = ratios.interval(values)
    assert found.low <= found.middle <= found.high
    assert found == ratios.interval(values[::-1])


def test_an_interval_holds_the_true_median_as_often_as_it_says():
    chance = random.Random(3)
    found = [
        ratios.interval([chance.lognormvariate(0, 0.3) for _ in range(15)])
        for _ in range(2000)
    ]
    held = sum(one.low <= 1 <= one.high for one in found) / len(found)
    assert held == pytest.approx(found[0].confidence, abs=0.02)


def test_the_geometric_mean_of_twice_and_half_is_one():
    assert ratios.geometric_mean([2, 0.5]) == pytest.approx(1)
    assert ratios.geometric_mean([8, 1, 1]) == pytest.approx(2)


# Statistics of slices

SWITCH = Benchmark("switch", "let the other of {size} tasks run", 2)


def cost(seconds: float) -> Slice:
    return Slice(seconds, seconds, seconds)


def series(contestant: str, pairs, idiom: str = "") -> Series:
    return Series(contestant, idiom, 2, pairs=[(cost(a), cost(b)) for a, b in pairs])


def found(*all_of_them: Series, benchmark: Benchmark = SWITCH):
    return Result(benchmark, [*all_of_them]).findings()


def test_a_known_ratio_is_recovered_from_noise():
    chance = random.Random(1)

    def noisy(seconds: float) -> float:
        return seconds * chance.lognormvariate(0, 0.1)

    pairs = [(noisy(1), noisy(3)) for _ in range(60)]
    ratio = found(series("fast", pairs))["fast"].ratio
    assert ratio.low < 3 < ratio.high
    assert ratio.middle == pytest.approx(3, rel=0.05)
    assert not ratio.undecided


def test_noise_that_both_suffer_cancels():
    chance = random.Random(2)
    busy = [chance.uniform(1, 50) for _ in range(20)]
    ratio = found(series("fast", [(1 * b, 2 * b) for b in busy]))["fast"].ratio
    assert (ratio.low, ratio.middle, ratio.high) == pytest.approx((2, 2, 2))


def test_two_that_are_alike_are_undecided():
    pairs = [(1, 1 + x / 10) for x in (-3, -2, -1, 1, 2, 3)]
    assert found(series("alike", pairs))["alike"].ratio.undecided


def test_ratios_are_to_the_idiom_of_asyncio_that_turned_out_the_fastest():
    result = found(
        series("asyncio", [(4, 4)] * 6, "queue"),
        series("asyncio", [(2, 4)] * 6, "future"),
        series("other", [(1, 4)] * 6),
    )
    assert result["asyncio"] is result["asyncio:future"]
    assert result["asyncio"].ratio.middle == 1
    assert result["asyncio:queue"].ratio.middle == 0.5
    assert result["other"].ratio.middle == 2


def test_of_several_idioms_the_fastest_counts():
    result = found(
        series("asyncio", [(4, 4)] * 6),
        series("other", [(2, 4)] * 6, "slow"),
        series("other", [(1, 4)] * 6, "quick"),
    )
    assert result["other"] is result["other:quick"]


def test_of_servers_the_idiom_without_a_name_counts_and_processor_time():
    slow = Slice(1, 6)
    echo = Benchmark("echo_1", "there and back", 1, kind="echo")
    result = found(
        Series("asyncio", "", 1, pairs=[(slow, slow)] * 6),
        Series("asyncio", "protocols", 1, pairs=[(Slice(2, 3), slow)] * 6),
        benchmark=echo,
    )
    assert result["asyncio"].ratio.middle == 1
    assert result["asyncio:protocols"].ratio.middle == 2


# Made-up contestants, which report made-up times

HONEST = """
def run(function, *args):
    function(*args)

def switch(times, size, watch):
    watch.wall = watch.cpu = times * size * {nanoseconds}

def ping_pong_queue(times, size, watch):
    watch.wall = watch.cpu = times * 9 * {nanoseconds}

def ping_pong_future(times, size, watch):
    watch.wall = watch.cpu = times * 8 * {nanoseconds}

def memory(times, size, watch):
    assert watch.weigh
    watch.resident = size * {nanoseconds}
"""
BLOCKS = ("switch", "ping_pong", "memory")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "checkout/comparisons/benchmarks"
    place.mkdir(parents=True)
    (tmp_path / "checkout/noxfile.py").touch()
    (tmp_path / "checkout/packages").mkdir()
    write(place, "asyncio", HONEST.format(nanoseconds=1000))
    return place


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(f'"""{name}: made up."""\n{text}')


def field(folder: Path) -> list[tuple[Contestant, str]]:
    known = contestants.contestants(folder.parent.parent)
    return [(one, sys.executable) for one in known.values()]


def measured(folder: Path, *names: str, plan: Plan = FAST) -> dict[str, Result]:
    known = contestants.benchmarks()
    results = {name: Result(known[name]) for name in names}
    with Bench(field(folder), plan) as bench:
        bench.run(results)
    return results


def test_figures_report_the_measured_times(folder):
    write(folder, "quick", HONEST.format(nanoseconds=250))
    told = report.figures(measured(folder, *BLOCKS))
    assert [*told] == [*BLOCKS]
    assert told["switch"]["quick"] == {
        "ratio_to_asyncio": 4,
        "low": 4,
        "high": 4,
        "per_operation_s": 2.5e-7,
    }
    assert told["ping_pong"]["quick"] == told["ping_pong"]["quick:future"]
    assert told["memory"]["asyncio"] == {
        "ratio_to_asyncio": 1,
        "low": 1,
        "high": 1,
        "per_operation_s": None,
        "bytes": 1000,
    }
    json.dumps(told, allow_nan=False)


def test_a_slice_is_filled_at_any_speed(folder):
    write(folder, "quick", HONEST.format(nanoseconds=10))
    plan = Plan(slice=0.01, rounds=2, sittings=1)
    for one in measured(folder, "switch", plan=plan)["switch"].series:
        for mine, _ in one.pairs:
            assert 0.007 < mine.wall * one.times * 2 < 0.1


def test_every_round_pairs_each_contestant_with_asyncio_once(folder):
    write(folder, "quick", HONEST.format(nanoseconds=250))
    by_name = {
        one.contestant: one for one in measured(folder, "switch")["switch"].series
    }
    assert len(by_name["quick"].pairs) == FAST.rounds


def test_each_sitting_has_new_processes_and_memory_one_for_each_slice(folder):
    text = """
import os
def run(function, *args):
    function(*args)
def switch(times, size, watch):
    watch.wall = watch.cpu = watch.resident = 10**6 * size * times * os.getpid()
memory = switch
"""
    write(folder, "asyncio", text)
    results = measured(folder, "switch", "memory")

    def processes(name: str) -> list[float]:
        (one,) = results[name].series
        return [round(1e6 * mine.bytes) for mine, _ in one.pairs]

    assert len(processes("switch")) == FAST.rounds
    assert len({*processes("switch")}) == FAST.sittings
    assert len({*processes("memory")}) == len(processes("memory")) == FAST.rounds


def test_a_contestant_that_dies_is_reported_with_its_stderr(folder):
    write(folder, "quick", HONEST.format(nanoseconds=250))
    text = """
import os, sys
def run(function, *args):
    function(*args)
def switch(times, size, watch):
    print("my last words", file=sys.stderr, flush=True)
    os._exit(3)
def ping_pong(times, size, watch):
    watch.wall = watch.cpu = times * 1000
"""
    write(folder, "mortal", text)
    results = measured(folder, "switch", "ping_pong")
    (failed,) = [one for one in results["switch"].series if one.failed]
    assert failed.label == "mortal"
    assert re.search(r"died, status 3\nstderr: (.*\n)*my last words", failed.failed)
    assert report.figures(results)["switch"]["quick"]["ratio_to_asyncio"] == 4
    assert "mortal" in report.figures(results)["ping_pong"]


def test_a_contestant_that_hangs_is_killed_and_reported(folder):
    text = """
import os, sys, time
def run(function, *args):
    function(*args)
def switch(times, size, watch):
    print("pid", os.getpid(), file=sys.stderr, flush=True)
    time.sleep(3600)
"""
    write(folder, "sleepy", text)
    plan = Plan(slice=0.001, rounds=2, sittings=1, patience=2)
    result = measured(folder, "switch", plan=plan)["switch"]
    (failed,) = [one for one in result.series if one.failed]
    assert failed.failed.startswith("hung: no answer within 2 s\nstderr: pid ")
    with pytest.raises(ProcessLookupError):
        os.kill(int(failed.failed.split()[-1]), 0)
    assert "asyncio" in result.findings()


def test_an_error_is_reported_with_its_traceback(folder):
    text = "def run(function, *args):\n    function(*args)\n"
    text += "def switch(times, size, watch):\n    1 / 0\n"
    write(folder, "clumsy", text)
    (failed,) = [
        one for one in measured(folder, "switch")["switch"].series if one.failed
    ]
    assert failed.contestant == "clumsy"
    assert "line 5, in switch" in failed.failed
    assert "ZeroDivisionError" in failed.failed


def test_a_contestant_that_cannot_be_imported_is_absent(folder):
    write(folder, "broken", "import nothing_of_that_name")
    result = measured(folder, "switch")["switch"]
    assert "nothing_of_that_name" in result.absent["broken"]
    assert "asyncio" in result.findings()


def test_without_asyncio_there_are_no_figures(folder):
    write(folder, "quick", HONEST.format(nanoseconds=250))
    write(folder, "asyncio", "def run(f, *a):\n f(*a)\ndef switch(t, s, w):\n 1 / 0\n")
    results = measured(folder, "switch")
    assert report.figures(results) == {}


def test_an_absent_contestant_gives_a_reason(folder):
    write(folder, "modest", 'CANNOT = {"switch": "it never pauses"}\n')
    write(folder, "modern", "PYTHON = (99, 1)\n")
    absent = measured(folder, "switch", "ping_pong", "tasks at 100")
    assert absent["switch"].absent == {
        "modest": "it never pauses",
        "modern": "it needs Python 99.1",
    }
    assert absent["ping_pong"].absent["modest"] == "its file has no ping_pong"
    assert "no study" in absent["tasks at 100"].absent["modest"]


def test_a_contestant_may_be_measured_at_a_smaller_size(folder):
    text = HONEST.format(nanoseconds=1000).replace("def switch", "def cancel")
    write(folder, "asyncio", text)
    write(folder, "heavy", text + "\nSIZES = {'cancel': 7}\n")
    results = measured(folder, "cancel")
    sizes = {one.contestant: one.size for one in results["cancel"].series}
    assert sizes == {"asyncio": 20_000, "heavy": 7}
    told = report.figures(results)["cancel"]["heavy"]
    assert told["ratio_to_asyncio"] == 1


SERVER = """
import socket
def run(function, *args):
    function(*args)
def echo(announce):
    with socket.create_server(("127.0.0.1", 0)) as server:
        announce(server.getsockname()[1])
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(65536):
                {reply}
"""


def test_a_server_is_measured_by_its_own_processor_time(folder):
    write(folder, "asyncio", SERVER.format(reply="connection.sendall(data)"))
    result = measured(folder, "echo_1")["echo_1"]
    (one,) = result.series
    assert not one.failed
    for mine, _ in one.pairs:
        assert 0 < mine.cpu <= mine.wall


def test_a_server_that_hangs_up_is_reported(folder):
    write(folder, "asyncio", SERVER.format(reply="connection.sendall(data)"))
    write(folder, "rude", SERVER.format(reply="return"))
    result = measured(folder, "echo_1")["echo_1"]
    (failed,) = [one for one in result.series if one.failed]
    assert failed.contestant == "rude"
    assert "the server has closed a connection" in failed.failed
    assert "asyncio" in result.findings()


# The stopwatch, and the processes


def test_a_watch_adds_up_what_passes_while_it_runs(monkeypatch):
    clock, busy = count(0, 100), count(0, 10)
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: next(clock))
    monkeypatch.setattr(worker.time, "process_time_ns", lambda: next(busy))
    monkeypatch.setattr(worker.time, "thread_time_ns", lambda: 0)
    watch = worker.Watch()
    for _ in range(3):
        with watch:
            pass
    watch.close()
    assert (watch.wall, watch.cpu, watch.lost) == (300, 30, 0)


def test_a_watch_leaves_out_the_time_in_which_others_held_the_core(monkeypatch):
    clock, busy, queue = count(0, 100), count(0, 40), count(0, 50)
    monkeypatch.setattr(worker.time, "perf_counter_ns", lambda: next(clock))
    monkeypatch.setattr(worker.time, "process_time_ns", lambda: next(busy))
    own = iter([0, 40, 40, 60])
    monkeypatch.setattr(worker.time, "thread_time_ns", lambda: next(own))
    monkeypatch.setattr(worker.Watch, "_queued", lambda _: next(queue))
    watch = worker.Watch()
    with watch:
        pass
    assert (watch.wall, watch.cpu, watch.lost) == (50, 40, 50)
    with watch:  # here another thread has worked as well, and may have held it
        pass
    watch.close()
    assert (watch.wall, watch.cpu, watch.lost) == (150, 80, 50)


def test_a_missing_worker_cannot_be_started():
    with pytest.raises(Failed, match="could not be started"):
        Worker(["nothing/of/that/name"]).ask({})


def test_a_worker_may_be_asked_again_after_it_has_died(tmp_path):
    program = (
        "import sys\nfor line in sys.stdin: print(line.strip(), flush=True); break"
    )
    again = Worker([sys.executable, "-c", program], patience=20)
    assert again.ask({"number": 1}) == {"number": 1}
    with pytest.raises(Failed, match=r"died, status 0"):
        again.ask({"number": 2})
    assert again.ask({"number": 3}) == {"number": 3}
    again.stop()


def test_a_worker_that_says_anything_but_an_answer_has_failed():
    program = "print('hello', flush=True); input()"
    with pytest.raises(Failed, match="said 'hello' where a reply in JSON was due"):
        Worker([sys.executable, "-c", program], patience=20).ask({})


# The contestants


def test_every_contestant_has_every_benchmark_or_says_why_not():
    for one in contestants.contestants(ROOT).values():
        tree = ast.parse(one.path.read_text("utf-8"))
        if any(isinstance(n, ast.ImportFrom) and n.level for n in tree.body):
            continue  # it has the benchmarks of the contestant that it builds upon
        names = [
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        (cannot,) = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CANNOT"
        ] or [{}]
        for benchmark in (*contestants.CORE, *contestants.MORE):
            begin = benchmark.called
            has = [n for n in names if n == begin or n.startswith(f"{begin}_")]
            assert bool(has) != (begin in cannot), (one.name, begin)
        assert "run" in names


def test_a_contestant_needs_what_the_one_needs_that_it_builds_upon():
    known = contestants.contestants(ROOT)
    assert next(iter(known)) == "asyncio"
    assert known["asyncio-eager"].needs == known["asyncio"].needs
    assert known["asyncio-eager"].python == (3, 12)
    assert known["anyio-on-trio"].needs == ("./packages/anyio",)
    assert known["uvloop"].needs == ("./packages/asyncio", "uvloop")
    assert all(one.title for one in known.values())


def test_versions_are_shown_of_the_libraries_of_studies_and_contestants(folder):
    shown = contestants.libraries(ROOT)
    assert {"anyio", "gevent", "greenlet", "tinyio", "trio", "uvloop"} <= shown
    write(folder, "fast", 'NEEDS = ("./packages/new", "fast")\n')
    new = folder.parent.parent / "packages/new"
    (new / "src/new_study").mkdir(parents=True)
    table = '[tool.concurrency-study]\nlibraries = ["brandnew"]\n'
    (new / "pyproject.toml").write_text(table)
    assert {"fast", "brandnew"} <= contestants.libraries(folder.parent.parent)


def test_every_topic_is_measured_but_those_that_cannot_be():
    few = {"cpu", "chaining", "follow", "race", "hedge", "timeout", "resource"}
    assert {*worker.TOPICS} == {*TOPICS} - few
    names = contestants.benchmarks()
    assert "results_at_end at 10000" in names
    assert "results_at_end at 1000" in contestants.benchmarks(quick=True)


def test_the_mean_covers_ten_benchmarks():
    assert len(report.MEAN) == 10
    assert not [name for name in report.MEAN if "echo" in name or "_100" in name]


# The command


@pytest.fixture
def bench(folder, monkeypatch, capfd):
    """The command in a made-up checkout, without making environments."""
    monkeypatch.chdir(folder.parent.parent)
    monkeypatch.setattr(
        environments,
        "prepare",
        lambda root, wanted, python, tell: {one.name: sys.executable for one in wanted},
    )
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = __main__.main(arguments)
        except SystemExit as ended:
            status = ended.code
        return status, *capfd.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def test_the_bench_writes_figures_and_notes_about_them(bench, tmp_path):
    path = tmp_path / "new/figures.json"
    status, out, _ = bench("--only", *BLOCKS, "--rounds", "2", "--json", str(path))
    assert status == 0
    figures = json.loads(path.read_text())
    assert [*figures] == [*BLOCKS]
    assert {*figures["switch"]["asyncio"]} == {
        *("ratio_to_asyncio", "low", "high", "per_operation_s")
    }
    about = json.loads((tmp_path / "new/figures.about.json").read_text())
    assert about["python"] == ".".join(map(str, sys.version_info[:3]))
    assert about["machine"]["cores"] >= 1
    assert (
        about["benchmarks"]["ping_pong"]["contestants"]["asyncio"]["idiom"] == "future"
    )
    assert "geometric mean" in out


def test_no_path_of_the_machine_is_written(bench, tmp_path, folder):
    path = tmp_path / "figures.json"
    bench("--only", "switch", "--rounds", "1", "--json", str(path))
    text = path.read_text() + (tmp_path / "figures.about.json").read_text()
    assert str(tmp_path) not in text
    assert sys.prefix not in text
    assert sys.base_prefix not in text


def test_an_unknown_name_lists_the_known_ones(bench):
    status, _, complaint = bench("--only", "swich")
    assert status == 2
    assert "no benchmark 'swich' (did you mean 'switch'?); there are: " in complaint
    assert "results_at_end" in complaint
    assert " at 100" not in complaint
    status, _, complaint = bench("--contestants", "tiro")
    assert (status, complaint.strip()) == (
        2,
        "bench: there is no contestant 'tiro'; there are: asyncio",
    )
    assert bench("--rounds", "none")[0] == 2


def test_a_topic_means_all_its_sizes_unless_a_block_has_its_name():
    known = contestants.benchmarks()
    sizes = [f"tasks at {n}" for n in (1, 100, 10000)]
    assert contestants.chosen(["tasks"], known, "benchmark") == sizes
    assert contestants.chosen(["pipeline"], known, "benchmark") == ["pipeline"]


def test_the_bench_explains_that_it_needs_a_checkout(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, complaint = bench()
    assert status == 2
    assert "no checkout of the study" in complaint


def test_a_failure_is_reported_and_ends_with_status_1(bench, folder):
    write(folder, "mortal", "import os\ndef run(*a): os._exit(4)\ndef switch(*a): 0\n")
    status, out, _ = bench("--only", "switch", "--rounds", "1")
    assert status == 1
    assert "FAILED: mortal in switch: died, status 4" in out


def test_ctrl_c_ends_the_processes_and_reports_the_results_so_far(
    bench, folder, tmp_path
):
    text = HONEST.format(nanoseconds=1000).replace(
        "def ping_pong_future(times, size, watch):",
        "def ping_pong_future(times, size, watch):\n"
        f"    with open({str(tmp_path / 'pid')!r}, 'w') as file:\n"
        "        file.write(str(os.getpid()))\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n"
        "    time.sleep(3600)",
    )
    write(folder, "asyncio", f"import os, signal, time\n{text}")
    path = tmp_path / "figures.json"
    command = ("--only", "switch", "ping_pong", "--rounds", "1", "--json", str(path))
    status, out, complaint = bench(*command)
    assert status == 130
    assert re.search(r"switch +2 us|switch +1 us", out)
    assert f"stopped before the end; {path} was not written" in complaint
    assert not path.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# Environments


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A replacement for uv that records its arguments."""
    program = tmp_path / "uv"
    notes = tmp_path / "notes"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {notes}\n'
        'if [ "$1" = venv ]; then mkdir -p "$4/bin" && touch "$4/bin/python"; fi\n'
        f'if [ -e {tmp_path / "refuse"} ]; then echo "no such thing"; exit 1; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(environments.shutil, "which", lambda *a, **k: str(program))
    return notes


def test_an_environment_is_made_again_only_when_its_needs_change(uv, tmp_path):
    (tmp_path / "constraints.txt").write_text("one==1\n")
    one = Contestant("one", tmp_path / "one.py", needs=("./packages/one", "library"))

    def prepare() -> list[str]:
        uv.write_text("")
        made = environments.prepare(tmp_path, [one], "3.13")
        assert made["one"].endswith("3.13/one/bin/python")
        return uv.read_text().splitlines()

    venv, install = prepare()
    assert venv.startswith("venv --python 3.13 ")
    assert install.endswith("-e ./shared -e ./packages/one library")
    assert prepare() == []
    (tmp_path / "constraints.txt").write_text("one==2\n")
    assert len(prepare()) == 2


def test_an_error_of_uv_is_shown(uv, tmp_path):
    (tmp_path / "constraints.txt").touch()
    (tmp_path / "refuse").touch()
    one = Contestant("one", tmp_path / "one.py")
    with pytest.raises(environments.NotMade, match=r"failed:\nno such thing"):
        environments.prepare(tmp_path, [one], "3.13")


# The page of costs


@pytest.fixture
def figures(bench, folder):
    """A checkout with figures to make a page of."""
    write(folder, "quick", HONEST.format(nanoseconds=250))
    write(folder, "alike", HONEST.format(nanoseconds=1000))
    bench("--only", *BLOCKS, "--rounds", "2", "--json", "comparisons/costs.json")
    root = folder.parent.parent
    path = root / "comparisons/costs.json"
    told = json.loads(path.read_text())
    told["switch"]["alike"] |= {"ratio_to_asyncio": 1.2, "low": 0.9, "high": 1.3}
    path.write_text(json.dumps(told))
    return root


def test_the_same_figures_make_the_same_page(figures):
    first = costs.files(figures)
    assert first == costs.files(figures)
    costs.write(figures)
    assert costs.stale(figures) == []
    (figures / "comparisons/pages/costs.svg").write_text("touched")
    assert costs.stale(figures) == ["costs.svg"]


def test_the_page_shows_figures_and_undecided_comparisons(figures):
    page, picture = costs.files(figures).values()
    (row,) = re.findall(r"^\| switch \|.*$", page, re.MULTILINE)
    assert "| 1.0 µs |" in row
    assert "| 4.0 × faster |" in row
    assert "| no measurable difference |" in row
    assert "| asyncio:queue |" in page
    assert "| asyncio (future) |" in page
    assert "What one may not conclude" in page
    assert 'class="dot open"' in picture
    assert "switch: quick 4.0 × faster (4.00 × faster); " in picture
    undecided = "alike no measurable difference (1.11 × slower to 1.30 × faster)."
    assert undecided in picture


def test_the_command_writes_and_checks_the_page(figures, capfd):
    def study(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        return ended.value.code or 0, *capfd.readouterr()

    status, _, complaint = study("costs", "--check")
    assert status == 1
    assert "costs.md, costs.svg" in complaint
    assert study("costs")[0] == 0
    assert study("costs", "--check")[0] == 0
    (figures / "comparisons/costs.about.json").unlink()
    status, _, complaint = study("costs")
    assert status == 1
    assert "costs.about.json is not there; run `nox -s bench" in complaint
    (figures / "comparisons/costs.about.json").write_text("{}")
    status, _, complaint = study("costs")
    assert status == 1
    assert "are not what the bench writes" in complaint


def test_the_page_of_costs_belongs_among_the_pages():
    assert not {"costs.md", "costs.svg"} & {*markdown.stale(Tree(ROOT))}


def test_the_committed_page_matches_the_committed_figures():
    assert costs.stale(ROOT) == []


def test_numbers_have_three_digits():
    assert [number(n) for n in (123.4, 12.34, 1.234, 0.01234)] == [
        *("123", "12.3", "1.23", "0.0123")
    ]
    assert [report.duration(s) for s in (2, 0.0123, 4.5e-6, 7e-8)] == [
        *("2 s", "12.3 ms", "4.5 µs", "70 ns")
    ]
    assert report.lost([]) == 0
