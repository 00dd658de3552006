"""Mistakes in `event_loop` that its suite must notice: (old text, new text)."""

_READ = "data = os.read(descriptor, CHUNK)"
_SLEEP = "            await asyncio.sleep(EVERY)\n"
_REPLY = "                say(reply)\n"
_EXIT = "                    return\n"
_END = "            if not data:\n                return\n"
_WAIT = "            await readable(descriptor)\n"
_FEED = "            for line in lines.feed(data):\n"

MISTAKES = {
    "hello drifts": (_SLEEP, _SLEEP.replace("EVERY", "EVERY + 1e-3")),
    "a line is answered at the next hello": (
        _WAIT,
        "            await asyncio.sleep(EVERY / 10)\n" + _WAIT,
    ),
    "reads whole lines through a buffer": (_READ, "data = source.readline()"),
    "one line for each read": (
        _FEED,
        "            for line in lines.feed(data)[:1]:\n",
    ),
    "a read is a line": (
        _FEED,
        "            for line in data.decode(errors='replace').splitlines():\n",
    ),
    "bytes must be text": (
        _FEED,
        "            data.decode()\n" + _FEED,
    ),
    "waits for a regular file": (
        "    except PermissionError:  # epoll: a regular file is always ready\n",
        "    except BlockingIOError:\n",
    ),
    "a last line without newline is lost": (
        _FEED,
        "            if not data:\n                return\n" + _FEED,
    ),
    "the end of input is not seen": (
        _END,
        "            if not data:\n"
        "                await asyncio.sleep(EVERY)\n"
        "                return\n",
    ),
    "exit waits for the end of input": (_EXIT, "                    continue\n"),
    "closes the source": (
        "        greeter.cancel()\n",
        "        greeter.cancel()\n        source.close()\n",
    ),
    "leaves the source non-blocking": (
        _READ,
        "os.set_blocking(descriptor, False)\n            " + _READ,
    ),
    "answers side by side": (
        _REPLY,
        "                asyncio.get_running_loop().call_later(\n"
        "                    0 if len(reply) < 14 else 0.001, say, reply\n"
        "                )\n",
    ),
    "an error of say is lost in a callback": (
        _REPLY,
        "                asyncio.get_running_loop().call_soon(say, reply)\n",
    ),
}
