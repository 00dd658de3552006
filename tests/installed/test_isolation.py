"""No other study is installed. Checked by distributions, as folders may import."""

from __future__ import annotations

import re
from importlib.metadata import distributions, requires
from pathlib import Path

from concurrency_study.registry import registered

ROOT = Path(__file__).parent.parent.parent
LIBRARIES = {"curio", "uvloop", "tinyio", "eventlet"}.union(
    *(entry.libraries for entry in registered(ROOT).values())
)


def closure(distribution: str) -> set[str]:
    """The distribution and all that it requires, extras included."""
    found: set[str] = set()
    wanted = [distribution]
    while wanted:
        name = wanted.pop()
        if name not in found and name in INSTALLED:
            found.add(name)
            wanted += [
                re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()
                for line in requires(name) or []
            ]
    return found


INSTALLED = {d.metadata["Name"].lower() for d in distributions()}


def test_no_other_study_and_no_other_library_is_installed(study):
    own = closure(f"{study.name}-study")
    strangers = {
        name for name in INSTALLED if name.endswith("-study") or name in LIBRARIES
    } - own
    assert strangers == set()
    assert f"{study.name}-study" in own
