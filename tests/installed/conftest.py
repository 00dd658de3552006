"""The fixture that the tests of pasted scripts share."""

from __future__ import annotations

import pytest


@pytest.fixture
def refused(study):
    """The packages and modules that a pasted script must not import.

    That is the whole study, unless its own library is a part of it.
    """
    package, folder = study.package.__name__, study.folder
    libraries = {name for name in study.entry.libraries if (folder / name).exists()}
    inside = {path.stem for path in folder.iterdir() if not path.stem.startswith("_")}
    own = [f"{package}.{name}" for name in sorted(inside - libraries)]
    return ["concurrency_study", *(own if libraries else [package])]
