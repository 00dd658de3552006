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
    "starts at the beginning": _tail(init="self._start_over()"),
    "never closes the file": _tail(init="self.close = lambda: None"),
    "forgets partial lines": _tail(
        read="self._partial = b''\n            return super().read()"
    ),
    "keeps the partial line of a file that shrinks": _tail(
        init="self._start_over = lambda: self.__dict__.update(_at=0, _mark=b'')"
    ),
    "takes a rewritten file for the original": _tail(
        read="if self._size() < self._at:\n"
        "                self._start_over()\n"
        "            self._mark = b''\n"
        "            return super().read()"
    ),
    "compares one byte only": _tail(
        init="self._mark = self._mark[-1:]",
        read="lines = super().read()\n"
        "            self._mark = self._mark[-1:]\n"
        "            return lines",
    ),
    "strips the carriage return": _tail(
        read="return [line.rstrip('\\r') for line in super().read()]"
    ),
    "strips blanks at the end of a line": _tail(
        read="return [line.rstrip(' \\t') for line in super().read()]"
    ),
    "follows the name": (
        _TAIL,
        "    from concurrency_study.topics.follow import NameTail\n\n"
        "    with NameTail(path) as tail:\n",
    ),
    "gives up when the file is deleted": _tail(
        init="self.path = path",
        read="open(self.path).close()\n            return super().read()",
    ),
    "refuses without naming the path": (
        _TAIL,
        "    try:\n"
        "        Tail(path).close()\n"
        "    except OSError as error:\n"
        "        raise type(error)(error.errno, error.strerror)\n" + _TAIL,
    ),
    "until starts before the path is looked at": (
        _TAIL,
        "    early = asyncio.ensure_future(until())\n"
        "    await asyncio.sleep(0)\n"
        "    early.cancel()\n" + _TAIL,
    ),
    "polls by the wall clock": (
        _WAIT,
        "import time\n"
        "                due = time.time() + POLL\n"
        "                while time.time() < due and not end.done():\n"
        "                    await asyncio.wait([end], timeout=POLL)",
    ),
    "says lines in a thread": (
        "                    say(line)\n",
        "                    await asyncio.to_thread(say, line)\n",
    ),
    "Ctrl-C is swallowed": (
        "    run(main)\n",
        "    try:\n        run(main)\n    except KeyboardInterrupt:\n        pass\n",
    ),
    "does not see a file shrink": _tail(
        read="self._file.seek(self._at)\n"
        "            new = self._partial + self._file.read()\n"
        "            self._at = self._file.tell()\n"
        "            *lines, self._partial = new.split(b'\\n')\n"
        "            return [line.decode(errors='replace') for line in lines]"
    ),
    "other characters end a line, too": _tail(
        read="return [part for line in super().read() "
        "for part in line.splitlines() or ['']]"
    ),
    "decodes what it has read, line or not": _tail(
        init="self.text = ''",
        read="self._file.seek(self._at)\n"
        "            self.text += self._file.read().decode(errors='replace')\n"
        "            self._at = self._file.tell()\n"
        "            *lines, self.text = self.text.split('\\n')\n"
        "            return lines",
    ),
    "no last look": (_LAST, "        pass\n"),
    "looks twice a second only": (_WAIT, "await asyncio.wait([end], timeout=0.5)"),
    "until that ends as cancelled has ended": (
        "group.create_task(requested(until))",
        "group.create_task(until())",
    ),
    "until is left behind when say fails": (
        "group.create_task(requested(until))",
        "asyncio.ensure_future(until())",
    ),
}
