"""The parts of the topics that never wait: checks, parsing, files."""

from __future__ import annotations

import io
import math
import os
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from concurrency_study.topics import LONGEST, need_number, need_whole
from concurrency_study.topics.event_loop import BOUND, Lines, answer, standard_input
from concurrency_study.topics.follow import MARK, NameTail, Tail
from concurrency_study.topics.futures import check as check_futures
from concurrency_study.topics.hedge import check as check_hedge
from concurrency_study.topics.periodic import check as check_periodic
from concurrency_study.topics.pipeline import check as check_pipeline
from concurrency_study.topics.tasks import check as check_tasks
from concurrency_study.topics.timeout import check as check_timeout

WRONG_TYPES = [True, "1", None, 1j, Decimal(1), Fraction(1, 2)]
WRONG_SECONDS = [
    *(math.nan, math.inf, -math.inf, -0.1, 1.1 * LONGEST, int(LONGEST) + 1, 1e300),
    *(10**400, -(10**400), 10**5000),
]
TOPICS_WITH_SECONDS = {
    "futures, comes": lambda s: check_futures(print, [("a", s, None)], print),
    "futures, patience": lambda s: check_futures(print, [("a", 0, s)], print),
    "hedge, after": lambda s: check_hedge(print, s, 1),
    "periodic, every": lambda s: check_periodic(print, s, 1),
    "tasks, after": lambda s: check_tasks({"a": print}, None, s, print),
    "timeout, outer": lambda s: check_timeout(print, print, s, 1),
    "timeout, inner": lambda s: check_timeout(print, print, 1, s),
}

every_topic_with_seconds = pytest.mark.parametrize(
    "check", TOPICS_WITH_SECONDS.values(), ids=TOPICS_WITH_SECONDS
)


@pytest.fixture
def pipe():
    """The two ends of a pipe: a buffered source, and a descriptor to write to."""
    read, write = os.pipe()
    with open(read, "rb") as source:
        yield source, write
        os.close(write)


@pytest.mark.parametrize("value", WRONG_TYPES, ids=repr)
def test_seconds_of_a_wrong_type_are_a_type_error(value):
    with pytest.raises(TypeError, match="seconds must be a number"):
        need_number(seconds=value)


@pytest.mark.parametrize("value", WRONG_SECONDS, ids=lambda _: "value")
def test_seconds_out_of_bounds_are_a_value_error(value):
    with pytest.raises(ValueError, match=r"seconds must be .* from 0 to 1e.09, not "):
        need_number(seconds=value)


@pytest.mark.parametrize("value", [0, 0.0, -0.0, 5e-324, LONGEST, int(LONGEST)])
def test_seconds_within_bounds_are_accepted(value):
    need_number(seconds=value)


@every_topic_with_seconds
def test_every_topic_refuses_seconds_that_no_library_can_wait(check):
    check(LONGEST)
    for value in WRONG_SECONDS:
        with pytest.raises(ValueError, match=r"1e.09"):
            check(value)
    for value in (True, "1", Decimal(1)):
        with pytest.raises(TypeError, match="must be a number"):
            check(value)


@pytest.mark.parametrize("value", [True, 1.0, "1", Decimal(1)], ids=repr)
def test_whole_numbers_of_a_wrong_type_are_a_type_error(value):
    with pytest.raises(TypeError, match="n must be a whole number"):
        need_whole(n=value)


def test_whole_numbers_that_are_too_small_are_a_value_error():
    for value, shown in [(-1, "-1"), (-(10**5000), "an int of about -2")]:
        with pytest.raises(ValueError, match=f"n must be at least 0, not {shown}"):
            need_whole(n=value)
        need_whole(None, n=value)


def test_numbers_may_have_spaces_and_zeros_around_them():
    assert answer(" 10\r") == answer("010") == "fib(10) = 55"


@pytest.mark.parametrize(
    "line", ["", "-1", "1.5", "1_0", "\u0661", str(BOUND + 1), "9" * 99]
)
def test_anything_else_gets_a_polite_error(line):
    assert f"is not a whole number from 0 to {BOUND}" in str(answer(line))


def test_exit_has_no_answer():
    assert answer(" exit ") is None


def test_an_overlong_line_is_truncated_to_save_memory(pipe):
    source, write = pipe
    lines = Lines(source)

    def feed(data):
        os.write(write, data)
        return lines.read()

    for _ in range(100):
        assert feed(b"x" * Lines.LIMIT) == []
    assert feed(b"y\nnext\n") == ["x" * Lines.LIMIT, "next"]
    assert feed(b"z" * 3 * Lines.LIMIT + b"\n") == ["z" * Lines.LIMIT]


def test_a_false_alarm_of_a_non_blocking_source_is_not_the_end_of_input(pipe):
    source, write = pipe
    os.set_blocking(source.fileno(), False)
    lines = Lines(source)
    assert lines.read() == []
    assert not lines.ended
    os.write(write, b"10\n")
    assert lines.read() == ["10"]


def test_looking_for_buffered_lines_reads_nothing(pipe):
    source, write = pipe
    os.write(write, b"10\n")
    lines = Lines(source)
    assert not lines.ready
    assert source.readline() == b"10\n"


def test_buffered_lines_are_taken_out_of_the_source(pipe):
    source, write = pipe
    os.write(write, b"header\n10\n")
    source.readline()
    lines = Lines(source)
    assert lines.ready
    assert lines.read() == ["10"]
    assert not lines.ready
    os.write(write, b"more\n")
    assert source.readline() == b"more\n"


def test_an_error_of_reading_a_file_is_not_the_end_of_input(tmp_path, monkeypatch):
    path = tmp_path / "bad"
    path.write_bytes(b"10\n")

    def fail(*_):
        raise OSError(5, "Input/output error")

    with path.open("rb") as source:
        lines = Lines(source)
        monkeypatch.setattr(os, "read", fail)
        with pytest.raises(OSError, match="Input/output error"):
            lines.read()
    assert not lines.ended


def test_a_closed_standard_input_ends_the_program_with_a_sentence(monkeypatch):
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    for stdin in (None, closed):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SystemExit, match="standard input is closed"):
            standard_input()


def test_a_file_that_shrinks_by_one_byte_is_read_again(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\nhalf")
    with Tail(path) as tail:
        path.write_bytes(b"one\nhal")
        assert tail.read() == ["one"]
        path.write_bytes(b"one\nhalf\n")
        assert tail.read() == ["half"]


def test_a_rewritten_file_is_noticed_whatever_its_length(tmp_path):
    path = tmp_path / "log"
    old = "".join(f"old {i}\n" for i in range(9))
    for count in range(1, 2000, 37):
        path.write_text(old)
        new = [f"new {i}" for i in range(count)]
        with Tail(path) as tail:
            path.write_text("".join(f"{line}\n" for line in new))
            assert tail.read() == new


def test_only_the_mark_is_compared_at_each_poll(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100 * MARK)
    with Tail(path) as tail:
        read = []
        real = tail._file.read
        tail._file = type(
            "Spy",
            (),
            {
                "fileno": tail._file.fileno,
                "seek": tail._file.seek,
                "read": lambda _, size: read.append(size) or real(size),
                "close": lambda _, file=tail._file: file.close(),
            },
        )()
        assert tail.read() == []
    assert read == [MARK]


def test_a_path_may_be_bytes_and_an_error_names_it(tmp_path):
    name = os.fsencode(tmp_path / "missing")
    for kind in (Tail, NameTail):
        with pytest.raises(FileNotFoundError) as raised:
            kind(name)
        assert raised.value.filename == name


def test_a_file_rotated_twice_between_two_polls_is_read_once(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"")
    with path.open("ab", buffering=0) as first, NameTail(path) as tail:
        first.write(b"one\n")
        path.rename(tmp_path / "log.2")
        path.write_bytes(b"missed\n")
        path.rename(tmp_path / "log.1")
        path.write_bytes(b"three\n")
        assert tail.read() == ["one", "three"]
        assert tail.read() == []


def test_repeated_words_are_dropped_and_the_order_is_kept():
    assert check_pipeline([], ["b", "a", "b"], print) == ["b", "a"]


def test_jobs_must_be_a_mapping():
    with pytest.raises(TypeError, match="dict of name: job"):
        check_tasks([print], None, 1, print)  # pyright: ignore
