"""The contract of an answer to `follow`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from concurrency_study.topics import Unrequested
from concurrency_study.topics.follow import EXAMPLE, MARK, POLL
from concurrency_study.world import CANCELLED, leaves


@pytest.fixture
def path(tmp_path):
    """The file to follow. It holds one line when the answer starts."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    return path


@pytest.fixture
def until(world):
    """``until(1.25)`` is a job that returns after 1.25 s."""

    def make(seconds):
        @world.job
        async def until(w):
            await w.sleep(seconds)

        return until

    return make


@pytest.fixture
def started():
    """A list that grows whenever any run starts `until_started`."""
    return []


@pytest.fixture
def until_started(world, started):
    """A job that adds to `started` and returns at once."""

    @world.job
    async def until(w):
        started.append(w.now())

    return until


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def is_open(path):
    """Return True if this process has an open descriptor of the file."""
    wanted = path.stat()
    for name in os.listdir("/dev/fd"):
        try:
            found = os.fstat(int(name))
        except OSError:  # the descriptor of listdir itself
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


def test_following_starts_at_the_end_of_the_file(world, path, until):
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


def test_a_partial_line_is_held_until_its_newline_arrives(world, path, until):
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


def test_a_character_may_arrive_in_pieces(world, path, until):
    say = world.recorder()
    for number, byte in enumerate("ö€🐍\n".encode()):
        world.at(0.05 + number / 10, append, path, bytes([byte]))
    world.run(world.answer, path, say, until(1.55))
    assert say.values == ["ö€🐍"]


def test_undecodable_bytes_become_replacement_characters(world, path, until):
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


def test_the_partial_line_of_a_file_that_shrinks_is_dropped(world, path, until):
    say = world.recorder()
    world.at(0.15, append, path, b"partial, never ended")
    world.at(0.35, path.write_bytes, b"")
    world.at(0.55, append, path, b"new\n")
    world.run(world.answer, path, say, until(0.75))
    assert say == [(0.6, "new")]


def test_a_file_rewritten_longer_is_read_from_its_beginning(world, path, until):
    path.write_bytes(b"0123456789\n")
    say = world.recorder()
    world.at(0.15, path.write_bytes, b"new-one\nnew-two\n")
    world.at(0.35, append, path, b"three\n")
    world.run(world.answer, path, say, until(0.55))
    assert say == [(0.2, "new-one"), (0.2, "new-two"), (0.4, "three")]


def test_a_file_rewritten_to_the_same_length_is_read_again(world, path, until):
    say = world.recorder()
    world.at(0.15, path.write_bytes, b"new\n")
    world.run(world.answer, path, say, until(0.35))
    assert say == [(0.2, "new")]


def test_the_partial_line_of_a_rewritten_file_is_dropped(world, path, until):
    say = world.recorder()
    world.at(0.15, append, path, b"half")
    world.at(0.35, path.write_bytes, b"new and longer\nhal")
    world.at(0.55, append, path, b"f\n")
    world.run(world.answer, path, say, until(0.75))
    assert say == [(0.4, "new and longer"), (0.6, "half")]


def test_a_long_file_rewritten_is_read_from_its_beginning(world, path, until):
    lines = [f"{number:09}" for number in range(MARK)]
    path.write_text("".join(f"{line}\n" for line in lines))
    say = world.recorder()
    world.at(0.15, path.write_text, "".join(f"x{line}\n" for line in lines))
    world.run(world.answer, path, say, until(0.35))
    assert say.values == [f"x{line}" for line in lines]


def test_changes_far_before_the_end_are_not_noticed(world, path, until):
    # By contract, only the last MARK bytes that were read are compared.
    rest = b"\n" * MARK
    path.write_bytes(b"old" + rest)
    say = world.recorder()
    world.at(0.15, path.write_bytes, b"new" + rest + b"added\n")
    world.run(world.answer, path, say, until(0.35))
    assert say == [(0.2, "added")]


def test_a_renamed_or_deleted_file_is_still_followed(world, path, until):
    say = world.recorder()
    log = path.open("ab", buffering=0)
    moved = path.with_name("moved")
    world.at(0.15, path.rename, moved)
    world.at(0.25, log.write, b"renamed\n")
    world.at(0.35, moved.unlink)
    world.at(0.45, log.write, b"deleted\n")
    with log:
        world.run(world.answer, path, say, until(0.75))
    assert say == [(0.3, "renamed"), (0.5, "deleted")]


@pytest.mark.needs("a new file under the name")
def test_a_new_file_under_the_name_is_followed(world, path, until):
    say = world.recorder()
    log = path.open("ab", buffering=0)

    def rotate():
        log.write(b"before\n")
        path.rename(path.with_name("log.1"))
        log.write(b"last of the old\ntorn")
        path.write_bytes(b"first of the new\n")

    world.at(0.25, rotate)
    world.at(0.45, append, path, b"second\n")
    with log:
        world.run(world.answer, path, say, until(0.75))
    assert say == [
        (0.3, "before"),
        (0.3, "last of the old"),
        (0.3, "first of the new"),
        (0.5, "second"),
    ]
    assert not is_open(path)
    assert not is_open(path.with_name("log.1"))


@pytest.mark.needs("a new file under the name")
def test_the_old_file_is_followed_until_the_new_one_holds_a_byte(world, path, until):
    say = world.recorder()
    log = path.open("ab", buffering=0)
    world.at(0.15, path.rename, path.with_name("log.1"))
    world.at(0.35, path.touch)
    world.at(0.55, log.write, b"the writer has not reopened\n")
    world.at(0.75, append, path, b"it has\n")
    with log:
        world.run(world.answer, path, say, until(0.95))
    assert say == [(0.6, "the writer has not reopened"), (0.8, "it has")]


@pytest.mark.needs("a new file under the name")
def test_an_atomic_replacement_is_followed(world, path, until):
    say = world.recorder()
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"all\nof it\n")
    world.at(0.25, fresh.replace, path)
    world.run(world.answer, path, say, until(0.55))
    assert say == [(0.3, "all"), (0.3, "of it")]


@pytest.mark.needs("a new file under the name")
def test_a_symbolic_link_with_a_new_target_is_followed(world, path, until):
    say = world.recorder()
    link, other, fresh = (path.with_name(name) for name in ("link", "other", "fresh"))
    other.write_bytes(b"other\n")
    link.symlink_to(path)
    fresh.symlink_to(other)
    world.at(0.15, append, path, b"one\n")
    world.at(0.25, fresh.replace, link)
    world.run(world.answer, link, say, until(0.55))
    assert say == [(0.2, "one"), (0.3, "other")]


@pytest.mark.needs("a new file under the name")
def test_a_name_that_becomes_a_fifo_is_an_error(world, path, until, ignore):
    def become_a_fifo():
        path.unlink()
        os.mkfifo(path)

    world.at(0.25, become_a_fifo)
    with world.raises(OSError) as raised:
        world.run(world.answer, path, ignore, until(60))
    assert raised.value.filename == str(path)
    assert "not a FIFO" in str(raised.value)
    assert world.returned_at == 0.3


@pytest.mark.needs("a new file under the name")
def test_a_relative_path_survives_a_change_of_directory(
    world, path, until, monkeypatch
):
    say = world.recorder()
    monkeypatch.chdir(path.parent)

    def rotate():
        path.rename(path.with_name("log.1"))
        path.write_bytes(b"new\n")

    world.at(0.15, os.chdir, "/")
    world.at(0.25, rotate)
    world.run(world.answer, path.name, say, until(0.55))
    assert say == [(0.3, "new")]


def test_only_the_newline_is_removed_from_a_line(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"crlf\r\n blanks \t \n\r\nlone\r")
    world.at(0.45, append, path, b"\n")
    world.run(world.answer, path, say, until(0.75))
    assert say.values == ["crlf\r", " blanks \t ", "\r", "lone\r"]


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


def test_a_last_line_is_said_before_the_answer_returns(world, path, until):
    say = world.recorder()
    world.at(0.54, append, path, b"last\n")
    world.run(world.answer, path, say, until(0.55))
    assert say.values == ["last"]
    assert 0.55 <= world.returned_at <= 0.55 + POLL


def test_the_answer_returns_within_one_poll(world, path, until, ignore):
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


def test_the_file_is_open_during_the_call_and_closed_after_it(
    world, path, until, ignore
):
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


def test_the_error_of_say_in_the_last_poll_reaches_the_caller(world, path, until):
    error = KeyError("say")

    def say(line):
        raise error

    world.at(0.54, append, path, b"last\n")
    with world.raises(KeyError) as raised:
        world.run(world.answer, path, say, until(0.55))
    assert raised.value is error
    assert not is_open(path)


def test_simultaneous_errors_of_say_and_until_reach_the_caller(world, path):
    raised = []

    def fail(name):
        error = KeyError(name)
        raised.append(error)
        raise error

    @world.job
    async def until(w):
        await w.sleep(0.3)
        fail("until")

    world.at(0.25, append, path, b"one\n")
    with world.raises(KeyError) as caught:
        world.run(world.answer, path, fail, until)
    assert raised
    assert len(caught.errors) == len(raised)
    assert set(caught.errors) == set(raised)
    assert not is_open(path)


def test_a_cleanup_error_of_until_reaches_the_caller(world, path):
    error, late = KeyError("say"), KeyError("cleanup")

    def say(line):
        raise error

    @world.job
    async def until(w):
        try:
            await w.sleep(60)
        except w.Cancelled:
            raise late from None

    world.at(0.25, append, path, b"one\n")
    with world.raises(KeyError) as caught:
        world.run(world.answer, path, say, until)
    assert set(caught.errors) == {error, late}
    assert world.returned_at == 0.3


def test_an_until_that_raises_an_unrequested_cancellation_has_failed(
    world, path, ignore
):
    @world.job
    async def until(w):
        await w.sleep(0.55)
        raise w.unrequested()

    error = None
    try:
        world.run(world.answer, path, ignore, until)
    except BaseException as raised:
        (error,) = leaves(raised)
    assert isinstance(error, world.Cancelled | Unrequested)
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
def test_cancellation_from_outside_stops_until_and_closes_the_file(world, path, until):
    say = world.recorder()
    world.at(0.25, append, path, b"one\n")
    ended = world.run(world.answer, path, say, until(60), cancel_at=0.75)
    assert ended is CANCELLED
    assert say == [(0.3, "one")]
    assert world.trace.when("cancelled") == [(0.75, "until()")]
    assert world.returned_at == 0.75
    assert not is_open(path)


def test_bad_input_is_refused_before_until_starts(
    world, path, tmp_path, ignore, started, until_started
):
    until = until_started
    with world.raises(FileNotFoundError) as missing:
        world.run(world.answer, tmp_path / "missing", ignore, until)
    assert missing.value.filename == str(tmp_path / "missing")
    assert not started
    with world.raises(IsADirectoryError) as folder:
        world.run(world.answer, str(tmp_path), ignore, until)
    assert folder.value.filename == str(tmp_path)
    assert not started
    for number in (3.5, 0):  # an open descriptor has no path
        with world.raises(TypeError):
            world.run(world.answer, number, ignore, until)
        assert not started
    for say, job, hint in [
        ("say", until, "say must be callable"),
        (ignore, 3, "until must be callable"),
    ]:
        with world.raises(TypeError) as raised:
            world.run(world.answer, path, say, job)
        assert hint in str(raised.value)
        assert not started


def test_a_path_that_is_not_a_regular_file_is_refused_at_once(
    world, tmp_path, ignore, started, until_started
):
    fifo, sock = tmp_path / "fifo", tmp_path / "socket"
    os.mkfifo(fifo)
    reading, writing = os.pipe()
    with (
        socket.socket(socket.AF_UNIX) as server,
        open(reading, "rb") as pipe,
        open(writing, "wb"),
    ):
        server.bind(str(sock))
        for path, kind in [
            (fifo, "not a FIFO"),
            (sock, "not a socket"),
            (f"/dev/fd/{pipe.fileno()}", "not a FIFO"),
            (os.devnull, "not a device"),
            ("/proc/self/status", "true size"),
            ("/proc/cpuinfo", "true size"),
        ]:
            with world.raises(OSError) as raised:
                world.run(world.answer, path, ignore, until_started)
            assert raised.value.filename == str(path)
            assert kind in str(raised.value)
            assert world.returned_at == 0
            assert not started
    assert not is_open(fifo)


def test_polls_count_from_the_start_of_the_call(world, path, until):
    say = world.recorder()

    @world.job
    async def later(w):
        await w.sleep(0.37)
        await w.call(world.answer, path, say, until(0.313))

    world.at(0.36, append, path, b"before\n")
    world.at(0.4, append, path, b"one\n")
    world.at(0.682, append, path, b"last\n")
    world.run(later)
    assert say.values == ["one", "last"]
    assert round(say[0][0], 9) == 0.47
    assert 0.683 <= world.returned_at <= 0.683 + POLL


def test_setting_the_wall_clock_back_changes_nothing(world, path, until, monkeypatch):
    def set_back():
        monkeypatch.setattr(time, "time", lambda: -3600.0)

    say = world.recorder()
    world.at(0.15, set_back)
    world.at(0.25, append, path, b"one\n")
    world.at(0.65, append, path, b"two\n")
    world.run(world.answer, path, say, until(0.85))
    assert say == [(0.3, "one"), (0.7, "two")]


def test_say_runs_only_in_the_thread_of_the_caller(world, path, until):
    threads = []

    @world.job
    async def call(w):
        threads.append(threading.get_ident())
        await w.call(
            world.answer,
            path,
            lambda line: threads.append(threading.get_ident()),
            until(0.55),
        )

    world.at(0.25, append, path, b"one\n")
    world.at(0.54, append, path, b"two\n")
    world.run(call)
    assert len(threads) == 3
    assert len(set(threads)) == 1


def test_ctrl_c_during_a_wait_reaches_the_caller(world):
    with subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-m", world.answer.__module__],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout.readline() == b"one\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=300)
    assert program.returncode
    assert b"KeyboardInterrupt" in errors
