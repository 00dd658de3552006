"""An environment for each contestant, made with uv and isolated from the others."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from .contestants import Contestant

FOLDER = ".nox/bench-environments"


class NotMade(Exception):
    """A failure to make an environment. The message quotes uv."""


def prepare(
    root: Path,
    wanted: Iterable[Contestant],
    python: str,
    done: Callable[[str], object] = lambda name: None,
) -> dict[str, str]:
    """Return the interpreter of each contestant's environment, made if it is missing.

    Args:
        root: The checkout.
        wanted: The contestants.
        python: A version, as 3.13, or the path of an interpreter.
        done: Called with the name of each contestant whose environment is ready.

    Raises:
        NotMade: uv is missing or failed.
    """
    uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")
    if uv is None:
        raise NotMade(
            "uv, which makes the environments, was not found; run `pip install uv`"
        )
    found: dict[str, str] = {}
    with ThreadPoolExecutor(2) as pool:
        running = {pool.submit(_one, uv, root, one, python): one for one in wanted}
        try:
            for made in as_completed(running):
                found[running[made].name] = made.result()
                done(running[made].name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _one(uv: str, root: Path, contestant: Contestant, python: str) -> str:
    folder = root / FOLDER / python.replace(os.sep, "_") / contestant.name
    interpreter = folder / "bin/python"
    constraints = root / "constraints.txt"
    needs = ["./shared", *contestant.needs] if contestant.needs else []
    editable = [word for n in needs for word in (("-e", n) if n[0] == "." else (n,))]
    made = hashlib.sha256(
        "\0".join([python, *editable, constraints.read_text("utf-8")]).encode()
    ).hexdigest()
    stamp = folder / "made-from"
    if interpreter.exists() and stamp.exists() and stamp.read_text("utf-8") == made:
        return str(interpreter)
    shutil.rmtree(folder, ignore_errors=True)
    _call(root, uv, "venv", "--python", python, str(folder))
    if editable:
        _call(
            root,
            *(uv, "pip", "install", "--python", str(interpreter)),
            *("-c", str(constraints), *editable),
        )
    stamp.write_text(made, "utf-8")
    return str(interpreter)


def _call(root: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=root,
        capture_output=True,
        text=True,
        env={
            **{k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"},
            "UV_PYTHON_DOWNLOADS": "never",
        },
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise NotMade(f"{' '.join(command)} failed:\n{said}")
