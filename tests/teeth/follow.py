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
    "starts at the beginning": _tail(init="self._at = 0"),
    "never closes the file": _tail(init="self.close = lambda: None"),
    "forgets partial lines": _tail(
        read="self._partial = b''\n            return super().read()"
    ),
    "keeps the partial line of a file that shrinks": _tail(
        read="before, at = self._partial, self._at\n"
        "            lines = super().read()\n"
        "            if self._at < at:\n"
        "                self._partial = before + self._partial\n"
        "            return lines"
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
    "until is left behind when say fails": (
        "group.create_task(until())",
        "asyncio.ensure_future(until())",
    ),
}
