"""The measurement of work that computes: its verdict, its table, and one real call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from concurrency_comparisons.bench import cpu


def seconds(threads, processes):
    """Made-up seconds of two studies, by study and number of workers."""
    return {
        **{("threads", workers): threads for workers in cpu.WORKERS},
        **{("processes", workers): processes / workers for workers in cpu.WORKERS},
    }


@pytest.mark.parametrize(
    ("processes", "cores", "status"), [(4, 2, 0), (5, 2, 1), (5, 1, 0)]
)
def test_two_processes_have_to_be_faster_than_two_threads(processes, cores, status):
    assert cpu.verdict(seconds(4, processes), cores) == status


def test_without_threads_or_processes_nothing_is_compared(capsys):
    assert cpu.verdict({("trio", 2): 1.0}, 2) == 0
    assert capsys.readouterr().out == ""


def test_the_table_compares_with_threads_and_one_worker(capsys):
    cpu.show(["threads", "processes"], seconds(4, 4))
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "processes" in line]
    assert line.index("1.00 ×") < line.index("2.00 ×") < line.index("4.00 ×")


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
    assert best == {("trio", 1): 2.0, ("trio", 2): 4.0, ("trio", 4): 1.0}


def test_a_call_that_fails_says_why(tmp_path):
    command = [sys.executable, "-I", cpu.WORKER, "1", "10"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(tmp_path))
    assert done.returncode == 1  # no study is installed here
    assert "ValueError" in done.stderr
