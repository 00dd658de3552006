"""The contract of an answer to `event_loop`."""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import termios
import time

import pytest
from concurrency_study.topics.event_loop import EXAMPLE, HELLO, PRINTS
from concurrency_study.trace import Recorder
from concurrency_study.world import CANCELLED

FAR = 1000
"""Seconds of virtual time; every test ends earlier."""


class Pipe:
    """A pipe: one end is the source of an answer, the other end feeds it."""

    def __init__(self, world):
        read, write = os.pipe()
        self.source = world.source(read)
        self._feed = open(write, "wb", buffering=0)  # noqa: SIM115
        self.feed = write
        self.write = self._feed.write
        self.end = self._feed.close

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()
        self.source.close()


@pytest.fixture
def pipe(world):
    with Pipe(world) as pipe:
        yield pipe
        # The caller owns the source. An answer leaves it open and blocking.
        assert not pipe.source.closed
        assert os.get_blocking(pipe.source.fileno())


class Say(Recorder):
    """A recorder of everything said, which raises if the hellos never stop."""

    def __init__(self, world):
        super().__init__(world.trace, "say", world.now)

    def __call__(self, text):
        super().__call__(text)
        if self[-1][0] > FAR:
            raise AssertionError(f"it is still saying {text!r} after {FAR} s")


@pytest.fixture
def say(world):
    return Say(world)


def redirected(world, tmp_path, data):
    """Return a regular file as the source, as after ``< file``."""
    path = tmp_path / "input"
    path.write_bytes(data)
    return world.source(os.open(path, os.O_RDONLY))


def program(world, **how):
    """Start the answer as a separate program, in real time."""
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-m", world.answer.__module__],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **how,
    )


def answers(say):
    """Return everything that was said except hellos, with the instants."""
    return [(at, text) for at, text in say if text != HELLO]


def hellos(say):
    return [at for at, text in say if text == HELLO]


def is_polite(text, shown):
    return text.startswith(shown) and "not a whole number" in text and len(text) < 150


def test_the_example(world, pipe, say):
    # A person types a line every two seconds.
    for number, line in enumerate(EXAMPLE.splitlines(keepends=True), 1):
        world.at(2 * number - 0.5, pipe.write, line)
    world.run(world.answer, pipe.source, say)
    assert hellos(say) == [0, 3, 6]
    said = [text for text in PRINTS if text != HELLO]
    assert answers(say) == [*zip((1.5, 3.5, 5.5), said, strict=True)]
    assert world.returned_at == 7.5


def test_the_example_from_a_redirected_file(world, tmp_path, say):
    with redirected(world, tmp_path, EXAMPLE) as source:
        world.run(world.answer, source, say)
    assert hellos(say) == [0]
    assert answers(say) == [(0, text) for text in PRINTS if text != HELLO]
    assert world.returned_at == 0


def test_hello_comes_at_once_and_every_three_seconds(world, pipe, say):
    world.at(301, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert say == [(3 * i, HELLO) for i in range(101)]
    assert world.returned_at == 301


def test_a_line_is_answered_the_instant_it_arrives(world, pipe, say):
    for at, line in [
        (1.25, b"10\n"),
        (2.5, b"foo\n"),
        (4.75, b"7\n"),
        (7.5, b"exit\n"),
    ]:
        world.at(at, pipe.write, line)
    world.run(world.answer, pipe.source, say)
    assert [at for at, _ in say] == [0, 1.25, 2.5, 3, 4.75, 6]
    assert say[1] == (1.25, "fib(10) = 55")
    assert is_polite(say[2][1], "'foo'")
    assert say[4] == (4.75, "fib(7) = 13")
    assert world.returned_at == 7.5


def test_lines_do_not_delay_hellos(world, pipe, say):
    for i in range(40):
        world.at(0.25 + i / 2, pipe.write, b"1\n")
    world.at(20.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert hellos(say) == [0, 3, 6, 9, 12, 15, 18]
    assert len(answers(say)) == 40


def test_two_lines_in_one_write_are_answered_in_order(world, pipe, say):
    world.at(1.25, pipe.write, b"1\n2\nno\n3\n")
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    at, texts = zip(*answers(say), strict=True)
    assert at == (1.25,) * 4
    assert texts[:2] + texts[3:] == ("fib(1) = 1", "fib(2) = 1", "fib(3) = 2")
    assert is_polite(texts[2], "'no'")


@pytest.mark.schedules(0)  # a long computation has too many points to explore
def test_a_slow_line_is_answered_before_later_lines(world, pipe, say):
    world.at(1.25, pipe.write, b"30\n1\n25\nfoo\n")
    world.at(2.5, pipe.write, b"exit\n")
    world.run(world.answer, pipe.source, say)
    assert [text for _, text in answers(say)[:3]] == [
        "fib(30) = 832040",
        "fib(1) = 1",
        "fib(25) = 75025",
    ]
    assert len(answers(say)) == 4


def test_a_line_may_be_split_at_any_byte(world):
    data = "10\nför\n7\n".encode()
    for cut in range(1, len(data)):
        say = Say(world)
        with Pipe(world) as pipe:
            world.at(1.25, pipe.write, data[:cut])
            world.at(2.5, pipe.write, data[cut:])
            world.at(2.75, pipe.end)
            world.run(world.answer, pipe.source, say)
        ends = [end for end, byte in enumerate(data, start=1) if byte == 10]
        assert [at for at, _ in answers(say)] == [
            1.25 if end <= cut else 2.5 for end in ends
        ]
        texts = [text for _, text in answers(say)]
        assert texts[::2] == ["fib(10) = 55", "fib(7) = 13"]
        assert is_polite(texts[1], "'för'")


def test_a_line_may_arrive_byte_by_byte(world, pipe, say):
    for i, byte in enumerate(b"10\nexit\n"):
        world.at(0.25 + i, pipe.write, bytes([byte]))
    world.run(world.answer, pipe.source, say)
    assert answers(say) == [(2.25, "fib(10) = 55")]
    assert hellos(say) == [0, 3, 6]
    assert world.returned_at == 7.25


def test_more_lines_than_fit_into_one_read_are_all_answered_in_order(world, pipe, say):
    numbers = [i % 9 for i in range(5000)]
    world.at(1.25, pipe.write, "".join(f"{n}\n" for n in numbers).encode())
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert [text.split(" ")[0] for _, text in answers(say)] == [
        f"fib({n})" for n in numbers
    ]
    assert {at for at, _ in answers(say)} == {1.25}
    assert world.returned_at == 2.5


def test_a_line_that_arrives_during_an_answer_waits_its_turn(world, pipe, say):
    def say_and_ask(text):
        say(text)
        if text == "fib(1) = 1":
            pipe.write(b"2\n")

    world.at(1.25, pipe.write, b"1\n3\n")
    world.at(4.5, pipe.end)
    world.run(world.answer, pipe.source, say_and_ask)
    assert answers(say) == [
        (1.25, "fib(1) = 1"),
        (1.25, "fib(3) = 2"),
        (1.25, "fib(2) = 1"),
    ]


def test_anything_but_a_whole_number_within_bounds_gets_a_polite_error(
    world, pipe, say
):
    wrong = ["31", "-1", "1.5", "", "ten", "1 2", "9" * 5000, "٣", "EXIT", "exit now"]
    world.at(1.25, pipe.write, "\n".join([*wrong, ""]).encode())
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    texts = [text for _, text in answers(say)]
    assert len(texts) == len(wrong)
    for text, line in zip(texts, wrong, strict=True):
        assert is_polite(text, f"'{line[:20]}")


def test_bytes_that_are_not_text_get_a_polite_error(world, pipe, say):
    world.at(1.25, pipe.write, b"\xff\xfe\x00\n\xc3\n10\n")
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    texts = [text for _, text in answers(say)]
    assert is_polite(texts[0], "'\ufffd")
    assert is_polite(texts[1], "'\ufffd")
    assert texts[2:] == ["fib(10) = 55"]


def test_a_very_long_line_gets_one_short_answer(world, pipe, say):
    for i in range(30):
        world.at(0.01 + i / 100, pipe.write, b"1" * 4096)
    world.at(1.25, pipe.write, b"\n10\n")
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    (first, polite), second = answers(say)
    assert (first, second) == (1.25, (1.25, "fib(10) = 55"))
    assert is_polite(polite, "'111")


def test_a_very_long_line_in_a_redirected_file_gets_one_short_answer(
    world, tmp_path, say
):
    data = b"x" * 1_000_000 + b"\n10\n" + b"y" * 1_000_000
    with redirected(world, tmp_path, data) as source:
        world.run(world.answer, source, say)
    assert hellos(say) == [0]
    (_, polite), second, (_, last) = answers(say)
    assert is_polite(polite, "'xxx")
    assert second == (0, "fib(10) = 55")
    assert is_polite(last, "'yyy")
    assert world.returned_at == 0


def test_exit_stops_at_once_and_later_lines_are_not_answered(world, pipe, say):
    world.at(4.5, pipe.write, b"1\nexit\n2\nfoo\n")
    world.at(5, pipe.write, b"3\n")
    world.run(world.answer, pipe.source, say)
    assert answers(say) == [(4.5, "fib(1) = 1")]
    assert hellos(say) == [0, 3]
    assert world.returned_at == 4.5


def test_the_end_of_input_stops_at_once(world, pipe, say):
    world.at(4.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert say == [(0, HELLO), (3, HELLO)]
    assert world.returned_at == 4.5


def test_input_that_has_already_ended_gets_one_hello(world, pipe, say):
    pipe.end()
    world.run(world.answer, pipe.source, say)
    assert say == [(0, HELLO)]
    assert world.returned_at == 0


def test_an_empty_file_gets_one_hello(world, tmp_path, say):
    with redirected(world, tmp_path, b"") as source:
        world.run(world.answer, source, say)
    assert say == [(0, HELLO)]
    assert world.returned_at == 0


def test_a_last_line_without_a_newline_is_answered(world, pipe, say):
    world.at(1.25, pipe.write, b"1\n10")
    world.at(2.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert answers(say) == [(1.25, "fib(1) = 1"), (2.5, "fib(10) = 55")]
    assert world.returned_at == 2.5


def test_exit_without_a_newline_stops(world, tmp_path, say):
    with redirected(world, tmp_path, b"1\nexit") as source:
        world.run(world.answer, source, say)
    assert answers(say) == [(0, "fib(1) = 1")]


def test_a_terminal_may_be_the_source(world, say):
    keyboard, terminal = os.openpty()
    with open(keyboard, "wb", buffering=0), world.source(terminal) as source:
        mode = termios.tcgetattr(terminal)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, mode)

        def press(keys):
            os.write(keyboard, keys)
            # The system delivers the keys a little later, in real time.
            poll = select.poll()
            poll.register(terminal, select.POLLIN)
            assert poll.poll(5000)

        world.at(1.25, press, b"10\n")
        world.at(2.5, press, b"foo\n")
        world.at(4.5, press, b"\x04")  # the end of input, as a terminal has it
        world.run(world.answer, source, say)
    assert [at for at, _ in say] == [0, 1.25, 2.5, 3]
    assert say[1] == (1.25, "fib(10) = 55")
    assert world.returned_at == 4.5


def test_closing_the_other_side_of_a_terminal_ends_the_input(world, say):
    ours, theirs = os.openpty()
    with world.source(ours) as source:

        def type_(keys):
            os.write(theirs, keys)
            poll = select.poll()
            poll.register(ours, select.POLLIN)
            assert poll.poll(5000)

        world.at(1.25, type_, b"10\n")
        world.at(4.5, os.close, theirs)
        world.run(world.answer, source, say)
    assert say == [(0, HELLO), (1.25, "fib(10) = 55"), (3, HELLO)]
    assert world.returned_at == 4.5


def test_a_terminal_that_is_already_closed_gets_one_hello(world, say):
    ours, theirs = os.openpty()
    os.close(theirs)
    with world.source(ours) as source:
        world.run(world.answer, source, say)
    assert say == [(0, HELLO)]
    assert world.returned_at == 0


def test_a_descriptor_may_be_larger_than_1023(world, pipe, say):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    try:
        high = fcntl.fcntl(pipe.source.fileno(), fcntl.F_DUPFD_CLOEXEC, 1050)
        with world.source(high) as source:
            world.at(1.25, pipe.write, b"10\n")
            world.at(2.5, pipe.end)
            world.run(world.answer, source, say)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answers(say) == [(1.25, "fib(10) = 55")]
    assert world.returned_at == 2.5


def test_a_socket_may_be_the_source(world, say):
    ours, theirs = socket.socketpair()
    with theirs, world.source(ours.detach()) as source:
        world.at(1.25, theirs.sendall, b"10\n5")
        world.at(2.5, theirs.close)
        world.run(world.answer, source, say)
    assert answers(say) == [(1.25, "fib(10) = 55"), (2.5, "fib(5) = 5")]
    assert world.returned_at == 2.5


def test_the_null_device_gets_one_hello(world, say):
    with world.source(os.open(os.devnull, os.O_RDONLY)) as source:
        world.run(world.answer, source, say)
    assert say == [(0, HELLO)]
    assert world.returned_at == 0


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_non_blocking_source_stays_non_blocking(world, pipe, say, buffering):
    with open(os.dup(pipe.source.fileno()), "rb", buffering=buffering) as source:
        os.set_blocking(source.fileno(), False)
        world.at(1.25, pipe.write, b"10\n")
        world.at(2.5, pipe.write, b"exit\n")
        world.run(world.answer, source, say)
        assert not os.get_blocking(source.fileno())
        os.set_blocking(source.fileno(), True)
    assert answers(say) == [(1.25, "fib(10) = 55")]
    assert world.returned_at == 2.5


def test_buffered_lines_are_answered_first(world, pipe, say):
    pipe.write(b"header\n10\n1")
    assert pipe.source.readline() == b"header\n"
    world.at(1.25, pipe.write, b"1\n5\n")
    world.at(4.5, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert say == [
        (0, HELLO),
        (0, "fib(10) = 55"),
        (1.25, "fib(11) = 89"),
        (1.25, "fib(5) = 5"),
        (3, HELLO),
    ]
    assert world.returned_at == 4.5


@pytest.mark.schedules(20, slack=0)
def test_a_buffered_exit_stops_after_one_hello(world, pipe, say):
    pipe.write(b"header\nexit\n10\n")
    pipe.source.readline()
    world.run(world.answer, pipe.source, say)
    assert say == [(0, HELLO)]
    assert world.returned_at == 0


def test_a_redirected_file_may_be_partly_buffered(world, tmp_path, say):
    data = b"header\n" + b"1\n" * 8000 + b"10"
    with redirected(world, tmp_path, data) as source:
        source.readline()
        world.run(world.answer, source, say)
    assert len(answers(say)) == 8001
    assert answers(say)[-1] == (0, "fib(10) = 55")


def test_one_end_of_input_from_a_terminal_is_enough(world, say):
    keyboard, terminal = os.openpty()
    with open(keyboard, "wb", buffering=0), world.source(terminal) as source:
        os.write(keyboard, b"10\n\x04")
        poll = select.poll()
        poll.register(terminal, select.POLLIN)
        assert poll.poll(5000)
        world.at(FAR, os.write, keyboard, b"\x04")
        world.run(world.answer, source, say)
    assert answers(say) == [(0, "fib(10) = 55")]
    assert world.returned_at == 0


def test_whitespace_around_a_line_is_ignored(world, pipe, say):
    world.at(1.25, pipe.write, b"10\r\n  5\t\r\n\r\n7\r1\n exit \r\n")
    world.at(FAR, pipe.end)
    world.run(world.answer, pipe.source, say)
    texts = [text for _, text in answers(say)]
    assert texts[:2] == ["fib(10) = 55", "fib(5) = 5"]
    assert is_polite(texts[2], "''")
    assert is_polite(texts[3], "'7\\r1'")
    assert world.returned_at == 1.25


def test_hellos_count_from_the_start_of_the_call(world, pipe, say):
    @world.job
    async def later(w):
        await w.sleep(0.37)
        await w.call(world.answer, pipe.source, say)

    world.at(1.123, pipe.write, b"10\n")
    world.at(6.5, pipe.end)
    world.run(later)
    assert say == [
        (0.37, HELLO),
        (1.123, "fib(10) = 55"),
        (3.37, HELLO),
        (6.37, HELLO),
    ]


def test_setting_the_wall_clock_back_changes_nothing(world, pipe, say, monkeypatch):
    def set_back():
        monkeypatch.setattr(time, "time", lambda: -3600.0)

    world.at(1.25, set_back)
    world.at(2.5, pipe.write, b"10\n")
    world.at(7, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert say == [(0, HELLO), (2.5, "fib(10) = 55"), (3, HELLO), (6, HELLO)]


def test_nothing_reads_the_source_after_the_answer_returns(world, pipe, say):
    descriptors = []

    @world.job
    async def twice(w):
        descriptors.append(os.listdir("/dev/fd"))
        await w.call(world.answer, pipe.source, say)
        descriptors.append(os.listdir("/dev/fd"))
        pipe.write(b"10\nexit\n")
        await w.sleep(2.5)
        await w.call(world.answer, pipe.source, say)

    pipe.write(b"exit\n")
    world.run(twice)
    assert say == [(0, HELLO), (2.5, HELLO), (2.5, "fib(10) = 55")]
    assert descriptors[0] == descriptors[1]


def test_say_is_never_called_by_two_threads_at_once(world, pipe):
    inside, most = [], []

    def say(text):
        inside.append(text)
        most.append(len(inside))
        time.sleep(0.5)
        inside.remove(text)

    world.at(2.75, pipe.write, b"10\n5\n")
    world.at(10, pipe.end)
    world.run(world.answer, pipe.source, say)
    assert set(most) == {1}


def test_ctrl_c_during_a_wait_reaches_the_caller(world):
    with program(world, stdin=subprocess.PIPE) as waiting:
        assert waiting.stdout.readline() == b"Hello world!\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(300)
        assert b"KeyboardInterrupt" in waiting.stderr.read()


def test_a_closed_standard_input_gets_a_one_line_error(world):
    with program(world, preexec_fn=lambda: os.close(0)) as refusing:
        said, complaint = refusing.communicate(timeout=300)
    assert refusing.returncode == 1
    assert said == b""
    assert complaint.startswith(b"standard input is closed")
    assert complaint.count(b"\n") == 1


def test_the_source_is_left_open_and_blocking(world, pipe, say):
    for line in (b"exit\n", b"1\nexit\n"):
        pipe.write(line)
        world.run(world.answer, pipe.source, say)
        assert not pipe.source.closed
        assert os.get_blocking(pipe.source.fileno())
    pipe.end()
    world.run(world.answer, pipe.source, say)


def test_the_error_of_say_at_an_answer_reaches_the_caller_at_once(world, pipe):
    error = KeyError("say")

    def say(text):
        if text != HELLO:
            raise error

    world.at(4.5, pipe.write, b"1\n")
    world.at(FAR, pipe.end)
    with world.raises(KeyError) as raised:
        world.run(world.answer, pipe.source, say)
    assert raised.value is error
    assert world.returned_at == 4.5


def test_simultaneous_errors_of_say_all_reach_the_caller(world, pipe):
    raised = []

    def say(text):
        if world.now() > 0:
            error = KeyError(text)
            raised.append(error)
            raise error

    world.at(3, pipe.write, b"10\n")
    world.at(FAR, pipe.end)
    with world.raises(KeyError) as caught:
        world.run(world.answer, pipe.source, say)
    assert raised
    assert set(caught.errors) == set(raised)
    assert world.returned_at == 3


def test_the_error_of_say_at_hello_reaches_the_caller_at_once(world, pipe):
    error = KeyError("say")

    def say(text):
        if world.now() > 0:
            raise error

    world.at(FAR, pipe.end)
    with world.raises(KeyError) as raised:
        world.run(world.answer, pipe.source, say)
    assert raised.value is error
    assert world.returned_at == 3


def test_the_error_of_the_first_hello_reaches_the_caller(world, pipe):
    error = KeyError("say")

    def say(text):
        raise error

    with world.raises(KeyError) as raised:
        world.run(world.answer, pipe.source, say)
    assert raised.value is error
    assert world.returned_at == 0


@pytest.mark.needs("cancellation from outside")
def test_cancellation_from_outside_stops_the_answer_at_once(world, pipe, say):
    world.at(1.25, pipe.write, b"1\nhalf")
    world.at(10, pipe.end)  # for answers that cannot be cancelled
    ended = world.run(world.answer, pipe.source, say, cancel_at=4.5)
    assert ended is CANCELLED
    assert say == [(0, HELLO), (1.25, "fib(1) = 1"), (3, HELLO)]
    assert world.returned_at == 4.5


def test_a_source_without_a_descriptor_is_refused(world, say):
    for source in (io.BytesIO(b"10\n"), b"10\n", 0):
        with world.raises(TypeError) as raised:
            world.run(world.answer, source, say)
        assert "descriptor" in str(raised.value)
    assert say == []


def test_a_source_that_cannot_be_read_is_refused(world, tmp_path, pipe, say):
    closed = open(os.devnull, "rb")  # noqa: SIM115
    closed.close()
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(b"10\n"))
    with (
        open(os.devnull, "wb") as written,
        open(os.dup(pipe.feed), "rb") as wrong_end,
        open(os.devnull) as text,
        gzip.open(packed) as decoding,
    ):
        for source, kind, hint in [
            (closed, ValueError, "closed"),
            (written, ValueError, "open for reading"),
            (wrong_end, ValueError, "open for reading"),
            (text, TypeError, "pass its buffer"),
            (decoding, TypeError, "decodes"),
            (None, TypeError, "descriptor, not None"),
        ]:
            with world.raises(kind) as raised:
                world.run(world.answer, source, say)
            assert hint in str(raised.value)
            assert "source" in str(raised.value)
    assert say == []


def test_a_non_callable_say_is_refused(world, pipe):
    with world.raises(TypeError) as raised:
        world.run(world.answer, pipe.source, "say")
    assert "say must be callable" in str(raised.value)


@pytest.mark.schedules(0)  # it is about fairness, which the usual order has
def test_a_long_redirected_file_does_not_delay_hellos(world, tmp_path):
    said = []

    def say(text):
        if len(said) == 1:
            time.sleep(4)  # the next hello is due now
        said.append(text)

    with redirected(world, tmp_path, b"1\n" * 20_000) as source:
        world.run(world.answer, source, say)
    assert said.count(HELLO) == 2
    assert said[-1] != HELLO
