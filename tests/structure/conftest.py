"""The toy study: a complete one from outside, and how it is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="session")
def toy_paths(tmp_path_factory):
    """The folders on ``sys.path`` of a Python in which the toy study is installed."""
    project = tomllib.loads((TOY / "pyproject.toml").read_text("utf-8"))["project"]
    site = tmp_path_factory.mktemp("site")
    info = site / "toy_study-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\n"
        f"Version: {project['version']}\n"
    )
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines.append(f"[{group}]")
        lines += [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return [str(TOY / "src"), str(site)]
