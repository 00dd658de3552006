"""The obstacles of the installed study, and what runs them."""

from __future__ import annotations

from functools import partial
from importlib import import_module

import pytest
from concurrency_study.study import installed_studies

WORLDS = [world for study in installed_studies() for world in study.worlds]


@pytest.fixture
def obstacles(study):
    return import_module(f"{study.package.__name__}.obstacles").OBSTACLES


@pytest.fixture(params=WORLDS)
def backend(request):
    """What the study is told to run on, if it has a choice."""
    return request.param.partition("-on-")[2]


@pytest.fixture
def run(study, backend):
    """The front door of the study, on every backend that it has."""
    return partial(study.package.run, **({"backend": backend} if backend else {}))
