"""What the topics know without any waiting: checks, parsing, files."""

from __future__ import annotations

import math

import pytest
from concurrency_study.topics import need_number, need_whole
from concurrency_study.topics.event_loop import BOUND, Lines, answer
from concurrency_study.topics.follow import Tail
from concurrency_study.topics.pipeline import check as check_pipeline
from concurrency_study.topics.tasks import check as check_tasks


@pytest.mark.parametrize("value", [True, "1", None, 1j])
def test_what_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="seconds must be a number"):
        need_number(seconds=value)


@pytest.mark.parametrize("value", [math.inf, math.nan, -0.1])
def test_infinite_and_negative_numbers_are_value_errors(value):
    with pytest.raises(ValueError, match="seconds must be at least 0"):
        need_number(seconds=value)


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_what_is_not_whole_is_a_type_error(value):
    with pytest.raises(TypeError, match="n must be a whole number"):
        need_whole(n=value)


def test_numbers_may_have_spaces_and_zeros_around_them():
    assert answer(" 10\r") == answer("010") == "fib(10) = 55"


@pytest.mark.parametrize(
    "line", ["", "-1", "1.5", "1_0", "\u0661", str(BOUND + 1), "9" * 99]
)
def test_anything_else_gets_a_polite_error(line):
    assert f"is not a whole number from 0 to {BOUND}" in str(answer(line))


def test_exit_has_no_answer():
    assert answer(" exit ") is None


def test_an_overlong_line_is_cut_and_does_not_fill_the_memory():
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * Lines.LIMIT) == []
    assert lines.feed(b"y\nnext\n") == ["x" * Lines.LIMIT, "next"]
    assert lines.feed(b"z" * 3 * Lines.LIMIT + b"\n") == ["z" * Lines.LIMIT]


def test_a_file_that_shrinks_by_one_byte_is_read_anew(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\nhalf")
    with Tail(path) as tail:
        path.write_bytes(b"one\nhal")
        assert tail.read() == ["one"]
        path.write_bytes(b"one\nhalf\n")
        assert tail.read() == ["half"]


def test_words_keep_their_order_and_stand_once():
    assert check_pipeline([], ["b", "a", "b"], print) == ["b", "a"]


def test_jobs_must_be_a_mapping():
    with pytest.raises(TypeError, match="dict of name: job"):
        check_tasks([print], None, 1, print)  # pyright: ignore
