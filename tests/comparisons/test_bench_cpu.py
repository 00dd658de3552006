"""The measurement of work that computes: its verdict, its table, and one real call."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from concurrency_comparisons.bench import cpu


def found(threads, processes, cores=2):
    """Made-up seconds of two studies."""
    seconds = {
        "threads": {f"{workers}": threads for workers in cpu.WORKERS},
        "processes": {f"{workers}": processes / workers for workers in cpu.WORKERS},
    }
    return cpu.Measured({"cores": cores}, seconds)


@pytest.mark.parametrize(
    ("processes", "cores", "status"), [(4, 2, 0), (5, 2, 1), (5, 1, 0)]
)
def test_two_processes_have_to_be_faster_than_two_threads(processes, cores, status):
    assert cpu.verdict(found(4, processes, cores)) == status


def test_the_table_compares_with_threads_and_one_worker(capsys):
    cpu.show(found(4, 4))
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "processes" in line]
    cells = ["4.00 s, 1.00 ×", "2.00 s, 2.00 ×", "1.00 s, 4.00 ×"]
    assert [*map(line.index, cells)] == sorted(map(line.index, cells))


def test_a_file_of_figures_is_read_as_it_was_written(monkeypatch, tmp_path, capsys):
    path = tmp_path / cpu.FILE
    path.parent.mkdir()
    tree = SimpleNamespace(
        root=tmp_path,
        entries=dict.fromkeys(("threads", "processes"), SimpleNamespace(leaves_out=[])),
    )
    monkeypatch.setattr(cpu.Tree, "above", lambda _: tree)
    pythons = {"study-threads": sys.executable, "study-processes": sys.executable}
    monkeypatch.setattr(cpu.environments, "prepare", lambda *_: pythons)
    seconds = found(4, 4).seconds
    monkeypatch.setattr(cpu, "measured", lambda *_: dict(reversed(seconds.items())))
    assert cpu.main(["--json", f"{path}", "--rounds", "7"]) == 0
    capsys.readouterr()
    read = cpu.read(tmp_path)
    assert read is not None
    assert [*read.seconds.items()] == [*seconds.items()]
    assert read.about["rounds"] == 7
    assert read.about["python"] == platform.python_version()


def test_without_a_file_there_are_no_figures(tmp_path):
    assert cpu.read(tmp_path) is None


def test_the_fastest_round_of_each_study_and_number_of_workers_counts(monkeypatch):
    times = iter([5.0, 4.0, 3.0, 2.0, 6.0, 1.0])

    def run(command, **_):
        ran.append(command[3])
        return subprocess.CompletedProcess(command, 0, f"{next(times)}\n", "")

    ran = []
    monkeypatch.setattr(cpu.subprocess, "run", run)
    monkeypatch.setattr(cpu.random, "sample", lambda cases, count: cases)
    best = cpu.measured({"trio": "python"}, 2)
    assert ran == ["1", "2", "4"] * 2
    assert best == {"trio": {"1": 2.0, "2": 4.0, "4": 1.0}}


def test_a_call_that_fails_says_why(tmp_path):
    command = [sys.executable, "-I", cpu.WORKER, "1", "10"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(tmp_path))
    assert done.returncode == 1  # no study is installed here
    assert "ValueError" in done.stderr
