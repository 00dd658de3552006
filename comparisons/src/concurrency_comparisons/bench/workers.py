"""Worker processes: each request and each reply is a line of JSON, with a deadline.

A worker cannot stop the process that asks. If a worker dies or misses the deadline,
`Worker.ask` kills it and raises `Failed`, which quotes its stderr.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Any, NoReturn


class Failed(Exception):
    """A request that a worker did not fulfil. The message says why."""


class Worker:
    """A process, started by the first request, and again by the first after a failure.

    Args:
        command: The program and its arguments.
        patience: Seconds that a reply may take.
    """

    def __init__(self, command: Sequence[str], patience: float = 60) -> None:
        self.command = [*command]
        self.patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._read = b""

    @property
    def pid(self) -> int:
        """The id of the process; 0 if none runs."""
        return self._process.pid if self._process else 0

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a request.

        Raises:
            Failed: no reply came, or the reply is an error.
        """
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self._fail(f"died, {_status(process)}")
        line = self._line(process)
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            said = line.decode(errors="replace")
            self._fail(f"said {said!r} where a reply in JSON was due")
        if "error" in answer:
            self._fail(f"failed: {answer['error'].strip()}")
        return answer

    def _start(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop()
        self._read = b""
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # Ctrl-C interrupts only the asking process
            )
        except OSError as error:
            self.stop()
            raise Failed(f"could not be started: {error}") from error

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        deadline = time.monotonic() + self.patience
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self._fail(f"hung: no answer within {self.patience:g} s")
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                self._fail(f"died, {_status(process)}")
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line

    def _fail(self, why: str) -> NoReturn:
        """Kill the process, and raise `Failed` with the end of its stderr."""
        said = b""
        if self._stderr is not None:
            size = self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, size - 2000))
            said = self._stderr.read()
        self.stop()
        text = said.decode(errors="replace").strip()
        raise Failed(f"{why}\nstderr: {text}" if text else why)

    def stop(self) -> None:
        """Kill the process if it runs. The next request starts another."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None


def _status(process: subprocess.Popen[bytes]) -> str:
    """Return how a process ended, in words."""
    try:
        status = process.wait(5)
    except subprocess.TimeoutExpired:
        return "though it still runs"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"status {status}"
