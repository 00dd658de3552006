"""One test for each function of the study's behaviours, in each of its worlds."""

import gc
import tempfile

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


@pytest.fixture(autouse=True)
def temporary_folder(monkeypatch, tmp_path_factory):
    """Give each question a folder for what a killed process or a cluster leaves.

    It is not ``tmp_path``, because the path of a socket has to be short.
    """
    tmp_path_factory.getbasetemp()  # it stays where it is
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture
def collected():
    """Collect what a test leaves in reference cycles, while it can still say so."""
    yield
    gc.collect()
