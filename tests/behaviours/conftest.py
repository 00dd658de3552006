"""One test for each function of the study's behaviours, in each of its worlds."""

import gc

import pytest
from concurrency_study.behaviours.published import read
from concurrency_study.suite import PLUGIN


def rows_of(config):
    study = config.pluginmanager.get_plugin(PLUGIN).the_study()
    return study, read(study.name, study.folder)


def pytest_generate_tests(metafunc):
    if "row" in metafunc.fixturenames:
        study, rows = rows_of(metafunc.config)
        cases = [
            pytest.param(row, place, id=f"{row.function}-{place}")
            for row in rows
            for place in study.worlds
            if row.answer(place)
        ]
        metafunc.parametrize(("row", "place"), cases)


@pytest.fixture(scope="session")
def published(request):
    """The study and its rows."""
    return rows_of(request.config)


@pytest.fixture
def collected():
    """Collect what a test leaves in reference cycles, while it can still say so."""
    yield
    gc.collect()
