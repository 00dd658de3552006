"""A referee in a process of its own, seen from the tests and programs that use it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Literal
from urllib.parse import urlsplit

from .rules import MANY
from .tally import Stats

COMMAND = __name__.rpartition(".")[0]
"""The module that is the command."""
LISTENING = "listening on "
"""The start of the line with the URL, printed as soon as clients can connect."""
Framing = Literal["length", "chunked", "close", "mixed"]
"""The mark of the end of an answer, or each in turn."""


@dataclass(frozen=True)
class Racer:
    """A running referee at ``url``, or one course of it."""

    url: str

    def course(self, name: str) -> Racer:
        """Return another course at the same referee, with counts of its own."""
        return Racer(f"{self.url}/{name}")

    def stats(self, settled: int | None = None) -> Stats:
        """Return the counts so far.

        With ``settled``, first wait until no request and no connection is open, for at
        most this many seconds. `Stats.settled` is true if that happened.
        """
        query = "" if settled is None else f"?settled={settled}"
        return Stats.parse(self._ask("GET", f"/stats{query}", 60 + (settled or 0)))

    def reset(self) -> None:
        """End all connections and reset all counts to 0."""
        self._ask("POST", "/reset", 60)

    def _ask(self, method: str, page: str, seconds: float) -> bytes:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.netloc, timeout=seconds)
        try:
            connection.request(method, parts.path + page)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{self.url}{page}: {response.status} {body.decode()}")
        return body


@contextmanager
def running(
    *,
    unit: float = 1,
    many: int = MANY,
    framing: Framing = "length",
) -> Generator[Racer]:
    """Run a referee in a process that ends with this block, or with this process.

    The arguments are those of the command.

    Raises:
        RuntimeError: The referee did not start, or wrote to its standard error. The
            message is that text.
    """
    options = {"--port": 0, "--unit": unit, "--many": many, "--framing": framing}
    command = [
        *(sys.executable, "-P", "-m", COMMAND, "--until-eof"),
        *(str(word) for option in options.items() for word in option),
    ]
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that Ctrl-C reaches only this process
        ) as process:
            assert process.stdin
            assert process.stdout
            url = None
            try:
                for line in process.stdout:
                    if line.startswith(LISTENING):
                        url = line.removeprefix(LISTENING).strip()
                        yield Racer(url)
                        break
            finally:
                process.stdin.close()
                process.wait()
        errors.seek(0)
        said = errors.read()
        if process.returncode or said or not url:
            status = process.returncode
            raise RuntimeError(f"the referee ended with status {status}: {said}")
