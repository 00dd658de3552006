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


OUTSIDE = "tests/outside/test_"


@pytest.mark.parametrize(
    ("page", "modules"),
    [
        ("README.md", [f"{OUTSIDE}threads.py", f"{OUTSIDE}asyncio_counter.py"]),
        (
            "shared/README.md",
            [
                f"{OUTSIDE}threads_pool.py",
                f"{OUTSIDE}asyncio_debounce.py",
                f"{OUTSIDE}threads_backoff.py",
                f"{OUTSIDE}threads_server.py",
                f"{OUTSIDE}threads_deadlock.py",
            ],
        ),
        ("CONTRIBUTING.md", ["tests/structure/toy/src/toy_study/world.py"]),
    ],
)
def test_the_examples_are_those_that_are_run(page, modules):
    text = (ROOT / page).read_text("utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for example, module in zip(examples, modules, strict=True):
        tested = (ROOT / module).read_text("utf-8")
        for part in example.strip().split("\n\n\n"):
            assert part.strip() in tested, module


def test_the_message_is_the_one_that_is_compared():
    text = (ROOT / "shared/README.md").read_text("utf-8")
    (message,) = re.findall(r"```text\n(.*?)\n```", text, re.DOTALL)
    tested = (ROOT / f"{OUTSIDE}threads_deadlock.py").read_text("utf-8")
    assert f'MESSAGE = """{message}"""' in tested.replace("\\\n", "")


@pytest.mark.parametrize("kind", [World, LoopWorld, Job])
def test_contributing_explains_every_method_that_a_world_implements(kind):
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    names = {name for name in vars(kind) if name.startswith("native_")}
    names |= {name for name in kind.__abstractmethods__ if not name.startswith("_")}
    assert not [name for name in names if f"`{name}(" not in text]
