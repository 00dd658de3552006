"""Imports: no study imports another, and no topic imports anything that waits."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from concurrency_study.registry import entry_of, in_checkout, project_of

ROOT = Path(__file__).parent.parent.parent
STUDIES = {p.name: entry_of(p) for p in in_checkout(ROOT)}
LIBRARIES = {"asyncio", "trio", "gevent", "anyio", "threading", "queue", "concurrent"}
PARADIGMS = ("asyncio", "trio", "gevent", "anyio", "greenlet", "generators")
SHARED = ROOT / "shared/src/concurrency_study"


def imports(path: Path) -> set[str]:
    """Return the absolute names that a file imports at run time, at any depth."""
    found: set[str] = set()
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("entry", STUDIES.values(), ids=lambda entry: entry.name)
def test_a_study_imports_only_its_own_library_and_topics(entry):
    allowed = {*entry.libraries, f"{entry.name}_study", "concurrency_study"}
    project = tomllib.loads(project_of(entry.package).read_text("utf-8"))
    for extra in project["project"].get("optional-dependencies", {}).values():
        allowed |= {name.replace("-", "_") for name in extra}
    for path in files(entry.package):
        names = imports(path)
        strangers = tops(names) - set(sys.stdlib_module_names) - allowed
        assert not strangers, path
        if "asyncio" not in entry.libraries:
            assert "asyncio" not in tops(names), path
        shared = {name for name in names if tops({name}) == {"concurrency_study"}}
        if path == entry.package / "world.py":  # a study may bring its world along
            shared.discard("concurrency_study.world")
        for name in shared:
            assert name.startswith("concurrency_study.topics"), path


def test_topics_import_nothing_that_waits():
    for path in files(SHARED / "topics"):
        assert not tops(imports(path)) & LIBRARIES, path
        assert not [name for name in tops(imports(path)) if name.endswith("_study")]


def test_a_world_imports_its_own_library_only():
    for path in files(SHARED / "worlds"):
        libraries = tops(imports(path)) & {"asyncio", "trio", "gevent", "anyio"}
        own = {"anyio": {"anyio", "asyncio", "trio"}}.get(path.stem, {path.stem})
        assert libraries <= own, path
        studies = {name for name in tops(imports(path)) if name.endswith("_study")}
        # Raw generators have no library but the kernel that their study builds.
        kernel = {"generators_study"} if path.stem == "generators" else set()
        assert studies - {"concurrency_study"} <= kernel, path


def test_the_rest_of_the_shared_package_knows_no_paradigm():
    for path in SHARED.glob("*.py"):
        assert not tops(imports(path)) & {"asyncio", "trio", "gevent", "anyio"}, path


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/conformance").glob("*.py")), ids=lambda p: p.stem
)
def test_conformance_tests_name_no_paradigm(path):
    text = path.read_text("utf-8").lower()
    assert not [word for word in PARADIGMS if word in text]
    assert not [name for name in tops(imports(path)) if name in PARADIGMS]
