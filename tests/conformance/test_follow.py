"""Does an answer to `follow` keep its contract?"""

from __future__ import annotations

import os

import pytest
from concurrency_study.topics.follow import EXAMPLE, POLL
from concurrency_study.world import CANCELLED


@pytest.fixture
def path(tmp_path):
    """The file that is followed; it holds a line when the answer begins."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    return path


@pytest.fixture
def until(world):
    """``until(1.25)`` is a job that returns then."""

    def make(seconds):
        @world.job
        async def until(w):
            await w.sleep(seconds)

        return until

    return make


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def is_open(path):
    """Whether a descriptor of this process is open on the file."""
    wanted = path.stat()
    for name in os.listdir("/dev/fd"):
        try:
            found = os.fstat(int(name))
        except OSError:  # that of listdir itself
            continue
        if os.path.samestat(found, wanted):
            return True
    return False


def test_the_example(world, path, until):
    say = world.recorder()
    for number, line in enumerate(EXAMPLE):
        world.at(0.25 + number, append, path, line.encode() + b"\n")
    world.run(world.answer, path, say, until(2.55))
    assert say == [(0.3 + number, line) for number, line in enumerate(EXAMPLE)]
    assert 2.55 <= world.returned_at <= 2.55 + POLL


def test_it_starts_at_the_end_of_the_file(world, path, until):
    path.write_bytes(b"old\nold\nhalf a line")
    say = world.recorder()
    world.at(0.25, append, path, b", the rest\nnew\n")
    world.run(world.answer, path, say, until(0.55))
    assert say == [(0.3, ", the rest"), (0.3, "new")]


def test_a_line_is_said_at_the_next_poll(world, path, until):
    say = world.recorder()
    for tenth in (0, 1, 2, 5, 9):
        world.at(tenth / 10 + 0.05, append, path, b"%d\n" % tenth)
    world.run(world.answer, path, say, until(1.15))
    assert say == [(0.1, "0"), (0.2, "1"), (0.3, "2"), (0.6, "5"), (1.0, "9")]


def test_polling_does_not_drift(world, path, until):
    say = world.recorder()
    world.at(59.95, append, path, b"late\n")
    world.run(world.answer, path, say, until(60.25))
    assert say == [(60, "late")]


def test_blank_lines_are_said(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"\n\na\n\n")
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["", "", "a", ""]


def test_only_a_newline_ends_a_line(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, "a\fb\x85c\u2028d\re\n".encode())
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["a\fb\x85c\u2028d\re"]


def test_a_partial_line_is_held_until_its_newline_comes(world, path, until):
    say = world.recorder()
    for at, data in [
        (0.15, b"one"),
        (0.35, b" two"),
        (0.55, b" three\nfo"),
        (0.75, b"ur\n"),
    ]:
        world.at(at, append, path, data)
    world.run(world.answer, path, say, until(0.95))
    assert say == [(0.6, "one two three"), (0.8, "four")]


def test_a_line_without_a_newline_is_never_said(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"whole\nhalf")
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["whole"]


def test_a_character_may_come_in_pieces(world, path, until):
    say = world.recorder()
    for number, byte in enumerate("ö€🐍\n".encode()):
        world.at(0.05 + number / 10, append, path, bytes([byte]))
    world.run(world.answer, path, say, until(1.55))
    assert say.values == ["ö€🐍"]


def test_bytes_that_are_no_text_are_shown(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"a\xffb\n\xe2\x82\nnext\n")
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["a\ufffdb", "\ufffd", "next"]


def test_a_file_that_shrinks_is_read_from_its_beginning(world, path, until):
    path.write_bytes(b"old and long\n")
    say = world.recorder()
    world.at(0.25, path.write_bytes, b"new\n")
    world.at(0.45, append, path, b"more\n")
    world.run(world.answer, path, say, until(0.75))
    assert say == [(0.3, "new"), (0.5, "more")]


def test_a_file_that_shrinks_forgets_its_partial_line(world, path, until):
    say = world.recorder()
    world.at(0.15, append, path, b"partial, never ended")
    world.at(0.35, path.write_bytes, b"")
    world.at(0.55, append, path, b"new\n")
    world.run(world.answer, path, say, until(0.75))
    assert say == [(0.6, "new")]


def test_many_lines_at_once_are_all_said_in_order(world, path, until):
    lines = [f"line {i}" for i in range(20_000)]
    say = world.recorder()
    world.at(0.25, append, path, "\n".join([*lines, ""]).encode())
    world.run(world.answer, path, say, until(0.55))
    assert say.values == lines
    assert {at for at, _ in say} == {0.3}


def test_a_line_may_be_longer_than_any_buffer(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"x" * 300_000)
    world.at(0.45, append, path, b"y\nz\n")
    world.run(world.answer, path, say, until(0.75))
    assert say == [(0.5, "x" * 300_000 + "y"), (0.5, "z")]


def test_what_comes_last_is_said_before_it_ends(world, path, until):
    say = world.recorder()
    world.at(0.54, append, path, b"last\n")
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["last"]
    assert 0.55 <= world.returned_at <= 0.55 + POLL


def test_it_ends_within_one_poll(world, path, until, ignore):
    world.run(world.answer, path, ignore, until(7.45))
    assert 7.45 <= world.returned_at <= 7.45 + POLL
    assert world.trace.when("end") == [(7.45, "until()")]


def test_until_may_return_at_once(world, path, ignore):
    @world.job
    async def until(w):
        return None

    world.run(world.answer, path, ignore, until)
    assert world.returned_at <= POLL
    assert not is_open(path)


def test_the_file_is_open_meanwhile_and_closed_in_the_end(world, path, until, ignore):
    meanwhile = []
    world.at(0.25, lambda: meanwhile.append(is_open(path)))
    world.run(world.answer, str(path), ignore, until(0.55))
    assert meanwhile == [True]
    assert not is_open(path)


def test_the_error_of_until_reaches_the_caller_and_the_file_is_closed(
    world, path, ignore
):
    error = ValueError("until")

    @world.job
    async def until(w):
        await w.sleep(0.55)
        raise error

    with world.raises(ValueError) as raised:
        world.run(world.answer, path, ignore, until)
    assert raised.value is error
    assert not is_open(path)
    assert 0.55 <= world.returned_at <= 0.55 + POLL


def test_the_error_of_say_reaches_the_caller_and_the_file_is_closed(world, path, until):
    error, heard = KeyError("say"), []

    def say(line):
        heard.append(line)
        raise error

    world.at(0.25, append, path, b"one\ntwo\n")
    world.at(0.45, append, path, b"three\n")
    with world.raises(KeyError) as raised:
        world.run(world.answer, path, say, until(1.25))
    assert raised.value is error
    assert heard == ["one"]
    assert not is_open(path)


def test_the_error_of_say_in_the_last_look_reaches_the_caller(world, path, until):
    error = KeyError("say")

    def say(line):
        raise error

    world.at(0.54, append, path, b"last\n")
    with world.raises(KeyError) as raised:
        world.run(world.answer, path, say, until(0.55))
    assert raised.value is error
    assert not is_open(path)


def test_the_error_of_say_stops_until(world, path, until):
    def say(line):
        raise KeyError(line)

    world.at(0.25, append, path, b"one\n")
    with world.raises(KeyError):
        world.run(world.answer, path, say, until(60))
    assert world.trace.when("cancelled") == [(0.3, "until()")]
    assert world.returned_at == 0.3


@pytest.mark.needs("cancellation from outside")
def test_cancelled_from_outside_until_stops_and_the_file_is_closed(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"one\n")
    ended = world.run(world.answer, path, say, until(60), cancel_at=0.75)
    assert ended is CANCELLED
    assert say == [(0.3, "one")]
    assert world.trace.when("cancelled") == [(0.75, "until()")]
    assert world.returned_at == 0.75
    assert not is_open(path)


def test_a_path_that_cannot_be_followed_is_refused_before_until_starts(
    world, tmp_path, until, ignore
):
    with world.raises(FileNotFoundError) as missing:
        world.run(world.answer, tmp_path / "missing", ignore, until(1))
    assert "missing" in str(missing.value)
    with world.raises(IsADirectoryError) as folder:
        world.run(world.answer, str(tmp_path), ignore, until(1))
    assert str(tmp_path) in str(folder.value)
    with world.raises(TypeError):
        world.run(world.answer, 3.5, ignore, until(1))
    assert not world.trace.when("start")


def test_what_cannot_be_called_is_refused(world, path, until, ignore):
    with world.raises(TypeError) as raised:
        world.run(world.answer, path, "say", until(1))
    assert "say must be callable" in str(raised.value)
    with world.raises(TypeError) as raised:
        world.run(world.answer, path, ignore, 3)
    assert "until must be callable" in str(raised.value)
    assert not world.trace.when("start")
