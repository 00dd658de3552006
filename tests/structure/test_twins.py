"""AnyIO's answers equal trio's, apart from names.

AnyIO took its ideas from trio, so a difference between the two should teach something.
The answers are compared as code: imports, docstrings and comments do not count.
``DIFFERENT`` lists every answer that differs after `SUBSTITUTIONS`, with the reason.
"""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent.parent.parent / "packages"
TRIO = PACKAGES / "trio" / "src" / "trio_study"
ANYIO = PACKAGES / "anyio" / "src" / "anyio_study"

SUBSTITUTIONS = {
    r"\btrio\.open_nursery\b": "anyio.create_task_group",
    r"\bnursery\b": "group",
    r"\btrio\.Cancelled\b": "anyio.get_cancelled_exc_class()",
    r"\btrio\.TaskStatus\b": "TaskStatus",
    r"\btrio\.lowlevel\.checkpoint\b": "checkpoint",
    r"\btrio\.lowlevel\.wait_readable\b": "anyio.wait_readable",
    r"\btrio\.MemorySendChannel\b": "MemoryObjectSendStream",
    r"\btrio\.MemoryReceiveChannel\b": "MemoryObjectReceiveStream",
    r"\btrio\.open_memory_channel\b": "anyio.create_memory_object_stream",
    r"(\.create_memory_object_stream\[.*\])\(0\)": r"\1()",
    r"\btrio\b": "anyio",
}
"""Trio's names as patterns, the first that fits first, and AnyIO's names."""

HANDLE = "start_soon returns a handle, which knows the result"

DIFFERENT = {
    "concepts/blocking_calls.py": (
        5,
        "a thread cannot ask for the cancellation "
        "exception, and a bare SystemExit ends asyncio's loop",
    ),
    "concepts/cpu.py": (46, "AnyIO has worker processes of its own"),
    "concepts/factorial.py": (14, HANDLE),
    "concepts/futures.py": (46, "AnyIO has futures of its own"),
    "concepts/pipeline.py": (22, "AnyIO warns of a receiving end that is left open"),
    "concepts/sync_vs_async.py": (12, HANDLE),
    "use_cases/results_as_we_go.py": (11, "AnyIO warns of a stream that is left open"),
    "use_cases/results_at_end.py": (14, HANDLE),
}
"""The answers that differ: in how many lines, both sides counted, and why."""

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def answers(study: Path) -> set[str]:
    return {
        path.relative_to(study).as_posix()
        for folder in ("concepts", "use_cases")
        for path in (study / folder).glob("[!_]*.py")
    }


def code(path: Path) -> str:
    """Return the code of a file, without imports, docstrings and comments."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTION):
            node.body = [each for each in node.body if not _is_text(each)]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def translated(text: str) -> str:
    """Return trio's code with AnyIO's names."""
    for pattern, name in SUBSTITUTIONS.items():
        text = re.sub(pattern, name, text)
    return text


def test_every_answer_of_trio_has_a_twin():
    assert answers(TRIO) - answers(ANYIO) == set()


def differing_lines(name: str) -> list[str]:
    """Return the lines that only one of the twins has, as a diff shows them."""
    trio, anyio = translated(code(TRIO / name)), code(ANYIO / name)
    lines = difflib.ndiff(trio.splitlines(), anyio.splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize("name", sorted(answers(TRIO)))
def test_twins_differ_only_as_is_listed(name):
    listed, _ = DIFFERENT.get(name, (0, ""))
    found = differing_lines(name)
    assert len(found) == listed, "\n".join(found)


def test_every_listed_difference_is_of_an_answer():
    assert set(DIFFERENT) <= answers(TRIO)


def test_every_substitution_is_needed():
    unused = set(SUBSTITUTIONS)
    for name in answers(TRIO):
        text = code(TRIO / name)
        for pattern, new in SUBSTITUTIONS.items():
            text, count = re.subn(pattern, new, text)
            if count:
                unused.discard(pattern)
    assert not unused
