"""Is the README true?"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_the_table_is_fresh():
    command = [sys.executable, str(ROOT / "comparisons/table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_gate_runs_the_test_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    gate = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    commands = re.findall(r"^    (\.venv/bin/nox)$", readme, re.MULTILINE)
    assert commands == [".venv/bin/nox"]
    assert commands[0] in gate


@pytest.mark.parametrize(
    ("page", "module"),
    [("README.md", "test_threads.py"), ("shared/README.md", "test_asyncio.py")],
)
def test_the_example_is_the_one_that_is_run(page, module):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL
    )
    tested = (ROOT / "tests/outside" / module).read_text("utf-8")
    for part in example.strip().split("\n\n\n"):
        assert part.strip() in tested
