"""Mistakes in `pipeline` that its suite must notice: (old text, new text)."""

_READ = "read: asyncio.Queue[str] = asyncio.Queue(1)"
_COPIES = "[asyncio.Queue(1) for _ in words]"
_SAY = "                say(*found)\n"
_SOURCE = """\
        for line in lines:
            await outlet.put(line)
"""

MISTAKES = {
    "the copies are unbounded": (_COPIES, _COPIES.replace("(1)", "()")),
    "the source is read too far ahead": (_READ, _READ.replace("(1)", "(150)")),
    "repeated words count twice": (
        "words = check(lines, words, say)",
        "words = list(words)\n    check(lines, words, say)",
    ),
    "blank lines end the input": (
        "        for line in lines:\n            await",
        "        for line in lines:\n"
        "            if not line:\n"
        "                break\n"
        "            await",
    ),
    "the printer stops when the first stage ends": (
        "for _ in words:",
        "for _ in words[:1]:",
    ),
    "lines without words are not read": (
        _SOURCE,
        "        for line in lines if words else ():\n"
        "            await outlet.put(line)\n",
    ),
    "an error of say is swallowed": (
        _SAY,
        "                try:\n"
        "                    say(*found)\n"
        "                except Exception:\n"
        "                    pass\n",
    ),
    "an error of the source looks like its end": (
        "        for line in lines:\n            await outlet.put(line)\n",
        "        try:\n"
        "            for line in lines:\n"
        "                await outlet.put(line)\n"
        "        except Exception:\n"
        "            pass\n",
    ),
    "the order of lines is lost": (
        "                await outlet.put((word, line))\n",
        "                group.create_task(outlet.put((word, line)))\n"
        "                if len(line) % 2:\n"
        "                    await asyncio.sleep(0)\n",
    ),
    "the source is left running": (
        "start(group, source(read))",
        "asyncio.ensure_future(source(read))",
    ),
}
