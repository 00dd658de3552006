"""Mistakes in `follow` that its suite must notice: (old text, new text)."""

_LAST = """\
        # 3. Stop when `until` returns, after one last look.
        for line in tail.read():
            say(line)
"""
_WAIT = "await asyncio.wait([end], timeout=POLL)"
_TAIL = "    with Tail(path) as tail:\n"
_CLASS = """\
    from concurrency_study.topics import follow as topic

    class Tail(topic.Tail):
        def __init__(self, path):
            super().__init__(path)
            {init}

        def read(self):
            {read}

    with Tail(path) as tail:
"""


def _tail(init: str = "pass", read: str = "return super().read()") -> tuple[str, str]:
    """Another reader of files."""
    return _TAIL, _CLASS.format(init=init, read=read)


MISTAKES = {
    "following starts at the beginning of the file": _tail(init="self._start_over()"),
    "the file is never closed": _tail(init="self.close = lambda: None"),
    "partial lines are dropped": _tail(
        read="self._partial = b''\n            return super().read()"
    ),
    "the partial line of a file that shrinks is kept": _tail(
        init="self._start_over = lambda: self.__dict__.update(_at=0, _mark=b'')"
    ),
    "a rewritten file is mistaken for the original": _tail(
        read="if self._size() < self._at:\n"
        "                self._start_over()\n"
        "            self._mark = b''\n"
        "            return super().read()"
    ),
    "only one byte is compared": _tail(
        init="self._mark = self._mark[-1:]",
        read="lines = super().read()\n"
        "            self._mark = self._mark[-1:]\n"
        "            return lines",
    ),
    "the carriage return is stripped": _tail(
        read="return [line.rstrip('\\r') for line in super().read()]"
    ),
    "blanks at the end of a line are stripped": _tail(
        read="return [line.rstrip(' \\t') for line in super().read()]"
    ),
    "a new file under the name is followed": (
        _TAIL,
        "    from concurrency_study.topics.follow import NameTail\n\n"
        "    with NameTail(path) as tail:\n",
    ),
    "following ends when the file is deleted": _tail(
        init="self.path = path",
        read="open(self.path).close()\n            return super().read()",
    ),
    "an error does not name the path": (
        _TAIL,
        "    try:\n"
        "        Tail(path).close()\n"
        "    except OSError as error:\n"
        "        raise type(error)(error.errno, error.strerror)\n" + _TAIL,
    ),
    "until starts before the path is checked": (
        _TAIL,
        "    early = asyncio.ensure_future(until())\n"
        "    await asyncio.sleep(0)\n"
        "    early.cancel()\n" + _TAIL,
    ),
    "polls follow the wall clock": (
        _WAIT,
        "import time\n"
        "                due = time.time() + POLL\n"
        "                while time.time() < due and not end.done():\n"
        "                    await asyncio.wait([end], timeout=POLL)",
    ),
    "lines are said in a thread": (
        "                    say(line)\n",
        "                    await asyncio.to_thread(say, line)\n",
    ),
    "Ctrl-C is swallowed": (
        "    run(main)\n",
        "    try:\n        run(main)\n    except KeyboardInterrupt:\n        pass\n",
    ),
    "a file that shrinks is not noticed": _tail(
        read="self._file.seek(self._at)\n"
        "            new = self._partial + self._file.read()\n"
        "            self._at = self._file.tell()\n"
        "            *lines, self._partial = new.split(b'\\n')\n"
        "            return [line.decode(errors='replace') for line in lines]"
    ),
    "other characters also end a line": _tail(
        read="return [part for line in super().read() "
        "for part in line.splitlines() or ['']]"
    ),
    "partial lines are decoded": _tail(
        init="self.text = ''",
        read="self._file.seek(self._at)\n"
        "            self.text += self._file.read().decode(errors='replace')\n"
        "            self._at = self._file.tell()\n"
        "            *lines, self.text = self.text.split('\\n')\n"
        "            return lines",
    ),
    "there is no last poll": (_LAST, "        pass\n"),
    "there are only two polls a second": (
        _WAIT,
        "await asyncio.wait([end], timeout=0.5)",
    ),
    "an until that raises an unrequested cancellation has returned": (
        "group.create_task(requested(until))",
        "group.create_task(until())",
    ),
    "until is left running when say fails": (
        "group.create_task(requested(until))",
        "asyncio.ensure_future(until())",
    ),
}
