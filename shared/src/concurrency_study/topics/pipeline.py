"""Pipeline: source, broadcast, one grep per word, one printer.

For stages that each do one thing: every stage is a coroutine (task, thread, greenlet,
generator) of its own, and the connections between them are bounded.

    pipeline(lines, words, say)

- ``lines`` is an iterable of text that need not end. ``words`` are the words to look
  for; repeated ones count once. ``say`` is a plain callable that never waits.
  It is never called by two threads at once, so it needs no lock.
- Says (word, line) for each word that is in each line, once, and for one word in the
  order of the lines. Example: the line "so is trio" and the words "so" and "trio" say
  ("so", "so is trio") and ("trio", "so is trio"), in either order.
- At most `AHEAD` lines are read beyond the one that is being said: back-pressure.
- The end of the input travels down the pipeline and every stage finishes.
- An error of any stage (of ``say``, of ``lines``, or of a grep that gets a line that is
  not text) reaches the caller. It ends all stages, also those that wait for another.
- No lines or no words: ends when the lines have ended.
- Cancelled from outside, every stage stops.
- Raises TypeError or ValueError if a word is not text, or empty, before the first line
  is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import Probe, need_callable, need_iterable

NEIGHBOURS = ("follow", "countdown")
NATIVE = ()
"""The native callables, as answers name them: a call of one may wait."""
STEPS = (
    "The source: pass every line on, at the pace of the slowest.",
    "Broadcast: hand each line to every grep.",
    "A grep: pass on the lines that hold its word.",
    "The printer: say what comes out.",
    "Connect the stages and start them.",
    "The end of the input travels down; every stage finishes.",
)

AHEAD = 100
"""The largest number of lines read beyond the one that is being said."""

EXAMPLE = (
    ["python is fun", "so is trio", "python, trio and fun", "nothing here"],
    ["python", "trio"],
)
PRINTS = (
    "python python is fun",
    "trio so is trio",
    "python python, trio and fun",
    "trio python, trio and fun",
)
ANY_ORDER = True
"""Lines of one instant may change places."""


def matches(word: str, line: str) -> bool:
    """Return whether grep would print the line."""
    return word in line


JOBS = 0
"""Native jobs that run side by side in a call."""


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return ["a b", "b", "a"], ["a", "b"], means.say


def check(
    lines: Iterable[str], words: Iterable[str], say: Callable[[str, str], Any]
) -> list[str]:
    """Return each word once; raise TypeError or ValueError if one is unusable."""
    need_callable(say=say)
    if not isinstance(lines, Iterable):
        raise TypeError(f"lines must be a list or the like, not {lines!r}")
    if isinstance(lines, str) or isinstance(words, str):
        raise TypeError("lines and words must be lists of text, not one text")
    checked = need_iterable("words", words)
    for word in checked:
        if not isinstance(word, str):
            raise TypeError(f"a word must be text, not {word!r}")
        if not word:
            raise ValueError("a word must not be empty: it would be in every line")
    return list(dict.fromkeys(checked))
