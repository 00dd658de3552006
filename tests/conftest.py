"""The configuration of all tests."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import tempfile
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Handle Ctrl-C here and in child processes, even if a shell made us ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what pytest keeps: a tenth of a run's time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Let others look for references again, as hypothesis does."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def abandoned():
    """A function that returns the files in shared memory that no process has mapped."""

    def find():
        files = {*os.listdir("/dev/shm")}
        for maps in Path("/proc").glob("[0-9]*/maps") if files else ():
            with contextlib.suppress(OSError):
                text = maps.read_text("utf-8", "replace")
                files -= {name for name in files if f"/dev/shm/{name}" in text}
        return files

    return find


@pytest.fixture
def temporary_folder(monkeypatch, tmp_path_factory):
    """Give a test a folder for what a killed process or a cluster leaves.

    It is not ``tmp_path``, because the path of a socket has to be short.
    """
    tmp_path_factory.getbasetemp()  # it stays where it is
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield
