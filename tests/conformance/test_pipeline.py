"""The contract of an answer to `pipeline`."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from concurrency_study.topics.pipeline import AHEAD, EXAMPLE, PRINTS
from concurrency_study.world import CANCELLED

FAR = 10_000
"""An answer that reads this many lines of an endless source ignores its bounds."""


class Endless:
    """An endless source of lines, "line 1 x" and so on, that counts the lines read."""

    def __init__(self, seconds=0.0):
        self.read = 0
        self._seconds = seconds

    def __iter__(self):
        return self

    def __next__(self):
        if self.read == FAR:
            raise AssertionError(f"{FAR} lines of an endless source were read")
        if self._seconds:
            time.sleep(self._seconds)
        self.read += 1
        return f"line {self.read} x"


def number(line):
    return int(line.split()[1])


def by_word(say):
    """Return everything that was said, as {word: lines}."""
    said = {}
    for word, line in say.values:
        said.setdefault(word, []).append(line)
    return said


def test_the_example(world):
    say = world.recorder()
    world.run(world.answer, *EXAMPLE, say)
    assert sorted(f"{word} {line}" for word, line in say.values) == sorted(PRINTS)
    assert world.returned_at == 0


def test_lines_with_the_same_word_keep_their_order(world):
    lines = [f"{i} {'even' if i % 2 == 0 else 'odd'} x" for i in range(1000)]
    say = world.recorder()
    world.run(world.answer, lines, ["even", "x", "odd"], say)
    assert by_word(say) == {"x": lines, "even": lines[::2], "odd": lines[1::2]}


def test_every_line_is_searched_for_every_word(world):
    words = [f"<{i}>" for i in range(200)]
    say = world.recorder()
    world.run(world.answer, ["".join(words), "".join(words[:100])], words, say)
    assert len(say) == 300
    assert sorted(set(say.values)) == sorted(say.values)


def test_a_line_that_repeats_a_word_is_said_once(world):
    say = world.recorder()
    world.run(world.answer, ["tick tick tick"], ["tick"], say)
    assert say.values == [("tick", "tick tick tick")]


def test_a_word_within_another_word_is_found(world):
    say = world.recorder()
    world.run(world.answer, ["pipeline", "pipe"], ["pipe", "pipeline"], say)
    assert by_word(say) == {"pipe": ["pipeline", "pipe"], "pipeline": ["pipeline"]}


def test_repeated_words_count_once(world):
    say = world.recorder()
    world.run(world.answer, ["an x", "a y"], ["x", "x", "y", "x"], say)
    assert sorted(say.values) == [("x", "an x"), ("y", "a y")]


def test_equal_lines_are_each_said(world):
    say = world.recorder()
    world.run(world.answer, ["x", "x", "", "x"], ["x"], say)
    assert say.values == [("x", "x")] * 3


def test_lines_and_words_may_be_iterators(world):
    say = world.recorder()
    world.run(world.answer, iter(["an x", "", "a y"]), iter(["x", "y"]), say)
    assert sorted(say.values) == [("x", "an x"), ("y", "a y")]


def test_lines_may_be_an_open_file(world, tmp_path):
    path = tmp_path / "lines"
    path.write_text("an x\n\na y\nx", "utf-8")
    say = world.recorder()
    with path.open(encoding="utf-8") as lines:
        world.run(world.answer, lines, ["x"], say)
    assert say.values == [("x", "an x\n"), ("x", "x")]


def test_a_source_without_lines_returns_at_once(world):
    say = world.recorder()
    world.run(world.answer, [], ["x"], say)
    assert say == []
    assert world.returned_at == 0


def test_without_words_all_lines_are_read(world):
    say = world.recorder()
    lines = iter(["x", "y"])
    world.run(world.answer, lines, [], say)
    assert say == []
    assert list(lines) == []


def test_a_word_found_in_no_line_is_never_said(world):
    say = world.recorder()
    world.run(world.answer, ["x"] * 500, ["nowhere", "x"], say)
    assert by_word(say) == {"x": ["x"] * 500}


def test_back_pressure_keeps_the_source_close_to_the_printer(world):
    lines, error = Endless(), KeyError("enough")
    ahead = []

    def say(word, line):
        ahead.append(lines.read - number(line))
        if number(line) == 3000:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, lines, ["x", "line", "00"], say)
    assert raised.value is error
    assert len(ahead) > 5000
    assert max(ahead) <= AHEAD
    assert lines.read <= 3000 + AHEAD


def test_one_thread_says_every_line(world):
    printers = set()
    world.run(
        world.answer,
        ["x y"] * 50,
        ["x", "y"],
        lambda word, line: printers.add(threading.get_ident()),
    )
    assert len(printers) == 1


def test_an_error_of_say_at_the_last_line_reaches_the_caller(world):
    error = KeyError("say")

    def say(word, line):
        if "last" in line:
            raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, ["an x", "the last x"], ["x"], say)
    assert raised.value is error


def test_nothing_is_said_after_an_error_of_say(world):
    heard = world.recorder()

    def say(word, line):
        heard(word, line)
        raise KeyError(line)

    with world.raises(KeyError) as raised:
        world.run(world.answer, [f"{i} x y" for i in range(300)], ["x", "y"], say)
    assert raised.value.args == ("0 x y",)
    assert len(heard) == 1


def test_an_error_of_the_source_reaches_the_caller(world):
    error = OSError("the disk")

    def lines():
        yield from ["an x"] * 3
        raise error

    for words in (["x"], ["x", "y"], []):
        with world.raises(OSError) as raised:
            world.run(world.answer, lines(), words, lambda word, line: None)
        assert raised.value is error


def test_an_error_when_iteration_starts_reaches_the_caller(world, ignore):
    class Lines:
        def __iter__(self):
            raise OSError("no such disk")

    with world.raises(OSError) as raised:
        world.run(world.answer, Lines(), ["x"], ignore)
    assert "no such disk" in str(raised.value)


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_every_stage(world, ignore):
    lines = Endless(seconds=1)
    ended = world.run(world.answer, lines, ["x", "y"], ignore, cancel_at=2.5)
    assert ended is CANCELLED
    assert lines.read <= 3 + AHEAD


def test_bad_words_are_refused_before_the_first_line_is_read(world, ignore):
    lines = Endless()
    for words, kind, hint in [
        (["x", ""], ValueError, "empty"),
        (["x", 3], TypeError, "text"),
        ("xy", TypeError, "lists of text"),
        (3, TypeError, "words"),
    ]:
        with world.raises(kind) as raised:
            world.run(world.answer, lines, words, ignore)
        assert hint in str(raised.value)
    with world.raises(TypeError) as raised:
        world.run(world.answer, lines, ["x"], "say")
    assert "say must be callable" in str(raised.value)
    assert lines.read == 0


def test_bad_lines_are_refused(world, ignore):
    for lines in (3, "one text"):
        with world.raises(TypeError) as raised:
            world.run(world.answer, lines, ["x"], ignore)
        assert "lines" in str(raised.value)


def test_a_failed_stage_ends_the_stages_that_wait_for_it(world, ignore):
    def lines(bad):
        for i in itertools.count():
            yield None if i == bad else f"x{i} y"

    for bad in (0, 1, 300):
        with world.raises(TypeError):
            world.run(world.answer, lines(bad), ["x", "y", "z"], ignore)
