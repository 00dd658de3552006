"""Mistakes in `pipeline` that its suite must notice: (old text, new text)."""

_READ = "read: asyncio.Queue[str | None] = asyncio.Queue(1)"
_COPIES = "[asyncio.Queue(1) for _ in words]"
_SAY = "                say(*found)\n"
_FILTER = "            if matches(word, line):\n"
_SOURCE = """\
        for line in lines:
            await outlet.put(line)
"""

MISTAKES = {
    "the source is unbounded": (_READ, _READ.replace("(1)", "()")),
    "the copies are unbounded": (_COPIES, _COPIES.replace("(1)", "()")),
    "reads too far ahead": (_READ, _READ.replace("(1)", "(150)")),
    "reads all lines first": ("in lines:", "in list(lines):"),
    "repeated words count twice": (
        "words = check(lines, words, say)",
        "words = list(words)\n    check(lines, words, say)",
    ),
    "words are not checked": (
        "words = check(lines, words, say)",
        "words = list(dict.fromkeys(words))",
    ),
    "blank lines end the input": ("        for line in lines:\n            await", "        for line in lines:\n            if not line:\n                break\n            await"),
    "equal lines are said once": (
        "        for line in lines:\n            await",
        "        for line in dict.fromkeys(lines):\n            await",
    ),
    "a grep looks for whole words": (
        "matches(word, line)",
        "word in line.split()",
    ),
    "a line goes to the first grep that wants it": (
        "            for outlet in outlets:\n                await outlet.put(line)\n",
        "            for outlet, word in zip(outlets, words, strict=True):\n"
        "                if matches(word, line):\n"
        "                    await outlet.put(line)\n"
        "                    break\n",
    ),
    "a line is said as often as it holds the word": (
        _FILTER,
        "            for _ in range(line.count(word)):\n",
    ),
    "the printer stops at the first end": ("greps -= 1", "greps = 0"),
    "a stage waits for an end that never comes": (
        "greps = len(words)",
        "greps = len(words) + 1",
    ),
    "the printer needs a word": (
        "        while greps:\n",
        "        while True:\n",
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
    "an error of the lines looks like their end": (
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
    "the source is left behind": (
        "group.create_task(source(read))",
        "asyncio.ensure_future(source(read))",
    ),
}
