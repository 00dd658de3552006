"""Is the README true?"""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from concurrency_study.registry import entry_of, in_checkout
from concurrency_study.world import Job, LoopWorld, World

ROOT = Path(__file__).parent.parent.parent


def test_the_tables_are_fresh(monkeypatch):
    """The tables may lack a study that was just added, as long as they are not made."""
    spec = spec_from_file_location("table", ROOT / "comparisons/table.py")
    assert spec is not None
    assert spec.loader is not None
    table = module_from_spec(spec)
    spec.loader.exec_module(table)
    pages = [ROOT / "README.md", ROOT / table.ALL]
    heads = re.findall(
        r"^\| topic \|(.*)\| proof \|$", pages[1].read_text("utf-8"), re.M
    )
    listed = heads[0].replace(" ", "").split("|")
    monkeypatch.setattr(
        table,
        "in_checkout",
        lambda root: [p for p in in_checkout(root) if entry_of(p).name in listed],
    )
    fresh = table.texts()
    assert {page: page.read_text("utf-8") for page in pages} == fresh, (
        "run `python comparisons/table.py` to write the tables again"
    )


def test_the_gate_runs_the_test_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    gate = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    commands = re.findall(r"^    (\.venv/bin/nox)$", readme, re.MULTILINE)
    assert commands == [".venv/bin/nox"]
    assert commands[0] in gate


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("README.md", "tests/outside/test_threads.py"),
        ("shared/README.md", "tests/outside/test_asyncio.py"),
        ("CONTRIBUTING.md", "tests/structure/toy/src/toy_study/world.py"),
    ],
)
def test_the_example_is_the_one_that_is_run(page, module):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL
    )
    tested = (ROOT / module).read_text("utf-8")
    for part in example.strip().split("\n\n\n"):
        assert part.strip() in tested


@pytest.mark.parametrize("kind", [World, LoopWorld, Job])
def test_contributing_explains_every_method_that_a_world_implements(kind):
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    names = {name for name in vars(kind) if name.startswith("native_")}
    names |= {name for name in kind.__abstractmethods__ if not name.startswith("_")}
    assert not [name for name in names if f"`{name}(" not in text]
