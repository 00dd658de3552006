"""Answers run for real: in their study's environment, in a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from .reports import version_in


def interpreter(root: Path, study: str) -> str | None:
    """Return the Python of the newest environment that nox made for a study, if any."""
    folders = root.glob(f".nox/{study}-*")
    for folder in sorted(folders, key=lambda f: version_in(f.name), reverse=True):
        for name in ("bin/python", "Scripts/python.exe"):
            if (folder / name).exists():
                return str(folder / name)
    return None


def run(python: str, module: str, *, stamps: bool) -> int:
    """Run an answer and return its exit status.

    With ``stamps``, each line comes with its time and a bar.
    """
    if stamps:
        return _stamped(python, module)
    return _status([python, "-c", LAUNCH, module])


LAUNCH = """
import importlib, runpy, sys
name, *begin = sys.argv[1:]
del sys.argv[1:]
try:
    importlib.import_module(name)
    del sys.modules[name]
    print(*begin, end="", flush=True)
    runpy.run_module(name, run_name="__main__", alter_sys=True)
except BaseException as error:
    group = isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt)
    if not isinstance(error, KeyboardInterrupt) and not group:
        raise
    sys.exit(130)
"""
"""A program like ``python -m`` that ends without a traceback after Ctrl-C.

It imports the answer first, so that importing the library takes no time of the run.
Then it forgets the answer and runs it as ``__main__``. When its time begins, it prints
the text that is given as its second argument.
"""


def _stamped(python: str, module: str) -> int:
    """Run an answer, print each line with its time and a bar, and return the status."""
    console = Console(highlight=False)
    bar = "-" if console.options.ascii_only else "━"

    def stamp(output: Iterable[bytes]) -> None:
        zero = before = time.monotonic()
        for line in output:
            now = time.monotonic()
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text == "\x01":
                zero = before = now
                continue
            waited = min(round((now - before) * 10), 20)
            stamp = f"{now - zero:7.2f} s  {bar * waited:<20}  "
            console.print(Text.assemble((stamp, "cyan"), text), soft_wrap=True)
            before = now

    return _status(
        [python, "-c", LAUNCH, module, "\x01\n"],
        stamp,
        {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
    )


def _status(
    command: Sequence[str],
    reads: Callable[[Iterable[bytes]], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a program, pass its output to ``reads``, and return its status.

    The status is that of a shell: 128 and the signal's number after a signal. Ctrl-C
    also reaches the program, which decides how to end. A second Ctrl-C kills it.
    """
    child: subprocess.Popen[bytes] | None = None
    interrupts = 0

    def interrupted(*_: object) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1 and child is not None:
            child.kill()

    # Set the handler first, because Ctrl-C may come before Popen returns.
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupted)
    try:
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE if reads else None,
            env=os.environ | (environment or {}),
        ) as child:
            if reads and child.stdout:
                reads(child.stdout)
            status = child.wait()
    finally:
        signal.signal(signal.SIGINT, handler)
    return status if status >= 0 else 128 - status
