"""Every package builds to a wheel that holds exactly the expected files."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = [ROOT / "shared", ROOT / "comparisons", *(ROOT / "packages").iterdir()]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_the_wheel_holds_the_expected_files(package, tmp_path):
    built = subprocess.run(
        [
            *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
            *("--outdir", str(tmp_path), str(package)),
        ],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = [n for n in names if n.endswith(".dist-info/METADATA")]
        (entries,) = [n for n in names if n.endswith("entry_points.txt")]
        described = archive.read(metadata).decode()
        entry_points = archive.read(entries).decode()
    source = package / "src"
    ours = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if package.parent.name == "packages":  # the registry reads it there
        ours.add(f"{package.name}_study/pyproject.toml")
    assert {name for name in names if ".dist-info/" not in name} == ours
    assert [name for name in ours if name.endswith("/py.typed")]
    assert [name for name in names if name.endswith("LICENSE")]
    assert "License-Expression: MIT" in described
    assert "Requires-Python: >=3.11" in described
    if package.name == "shared":
        assert "[pytest11]" in entry_points
    elif package.name == "comparisons":
        assert "study = concurrency_comparisons.cli:main" in entry_points
    else:
        assert f"{package.name} = {package.name}_study" in entry_points
        assert "Requires-Dist: concurrency-study" in described
