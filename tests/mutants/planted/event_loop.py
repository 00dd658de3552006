"""Mistakes in `event_loop` that its suite must notice: (old text, new text)."""

_CHECK = "    lines = check(source, say)\n"
_READ = "            found = lines.read()\n"
_SLEEP = "            await asyncio.sleep(EVERY)\n"
_REPLY = "                say(reply)\n"
_EXIT = "                    return\n"
_LOOP = "        while not lines.ended:\n"
_READY = "            if lines.ready:\n"
_WAIT = "                await readable(lines.descriptor)\n"
_EACH = "            for line in found:\n"
_RUN = "    run(event_loop, standard_input(), print)\n"

MISTAKES = {
    "hellos drift": (_SLEEP, _SLEEP.replace("EVERY", "EVERY + 1e-3")),
    "hellos follow the wall clock": (
        _SLEEP,
        "            import time\n"
        "            due = time.time() + EVERY\n"
        "            while time.time() < due:\n"
        "                await asyncio.sleep(due - time.time())\n",
    ),
    "hellos come at multiples of three seconds of the loop's time": (
        _SLEEP,
        "            now = asyncio.get_running_loop().time()\n"
        "            await asyncio.sleep(EVERY - now % EVERY)\n",
    ),
    "hello comes before the input is checked": (
        _CHECK,
        "    try:\n"
        "        lines = check(source, say)\n"
        "    except (TypeError, ValueError):\n"
        "        say(HELLO)\n"
        "        raise\n",
    ),
    "a line is answered at the next hello": (
        _WAIT,
        "                await asyncio.sleep(EVERY / 10)\n" + _WAIT,
    ),
    "the answer reads whole lines through a buffer": (
        _READ,
        "            lines._ahead = source.readline()\n" + _READ,
    ),
    "buffered lines are dropped": (_CHECK, _CHECK + "    lines._ahead = b''\n"),
    "buffered lines wait for the next input": (
        _READY,
        "            if lines.ready and not lines._ahead:\n",
    ),
    "a buffered exit may stop before hello": ("        await greeted.wait()\n", ""),
    "looking for buffered lines swallows the end of input": (
        _CHECK,
        "    import select\n"
        "    poll = select.poll()\n"
        "    poll.register(source, select.POLLIN)\n"
        "    if poll.poll(0):\n"
        "        source.peek()\n" + _CHECK,
    ),
    "a terminal that has hung up is an error": (
        _READ,
        "            import os\n"
        "            os.read(lines.descriptor, 0)\n"
        "            before = os.fstat\n"
        "            try:\n"
        "                os.fstat = lambda _: os.stat('/')\n"
        "                found = lines.read()\n"
        "            finally:\n"
        "                os.fstat = before\n",
    ),
    "the answer waits with select": (
        _WAIT,
        "                import select\n"
        "                select.select([lines.descriptor], [], [], 0)\n" + _WAIT,
    ),
    "a reader stays registered": (
        "        loop.remove_reader(descriptor)\n",
        "        pass\n",
    ),
    "each read yields one line": (_EACH, "            for line in found[:1]:\n"),
    "each read counts as a line": (
        _READ,
        _READ
        + "            found += [lines._partial.decode()] * bool(lines._partial)\n"
        "            lines._partial = b''\n",
    ),
    "lines must be ASCII": (
        _READ,
        _READ + "            ''.join(found).encode('ascii')\n",
    ),
    "a carriage return is part of the line": (
        "(reply := answer(line))",
        "(reply := answer(line.replace('\\r', '?')))",
    ),
    "the answer waits for a regular file": (_READY, "            if lines._ahead:\n"),
    "a last line without a newline is lost": (
        _READ,
        _READ + "            if lines.ended:\n                return\n",
    ),
    "the end of input is noticed too late": (
        _LOOP,
        "        while not lines.ended or await asyncio.sleep(EVERY):\n",
    ),
    "exit waits for the end of input": (_EXIT, "                    continue\n"),
    "the answer closes the source": (
        "        greeter.cancel()\n",
        "        greeter.cancel()\n        source.close()\n",
    ),
    "the answer leaves the source non-blocking": (
        _CHECK,
        _CHECK + "    __import__('os').set_blocking(lines.descriptor, False)\n",
    ),
    "the answer makes a non-blocking source blocking": (
        _CHECK,
        _CHECK + "    __import__('os').set_blocking(lines.descriptor, True)\n",
    ),
    "lines are answered side by side": (
        _REPLY,
        "                asyncio.get_running_loop().call_later(\n"
        "                    0 if len(reply) < 14 else 0.001, say, reply\n"
        "                )\n",
    ),
    "lines are answered in a thread": (
        _REPLY,
        "                await asyncio.to_thread(say, reply)\n",
    ),
    "an error of say is lost in a callback": (
        _REPLY,
        "                asyncio.get_running_loop().call_soon(say, reply)\n",
    ),
    "Ctrl-C is swallowed": (
        _RUN,
        "    try:\n    " + _RUN + "    except KeyboardInterrupt:\n        pass\n",
    ),
    "a closed standard input raises an AttributeError": (
        _RUN,
        _RUN.replace("standard_input()", "__import__('sys').stdin.buffer"),
    ),
}
