"""The races of the study, as the report has them; a run with --report makes them."""

import sys

import pytest
from concurrency_study.races import main, present, race_record
from concurrency_study.study import installed_studies


def pytest_generate_tests(metafunc):
    (study,) = installed_studies()
    metafunc.parametrize("bug", present(study.folder))


def test_a_search_breaks_the_program_and_not_its_fix(
    bug, record_property, monkeypatch, capsys
):
    (study,) = installed_studies()
    record = race_record(study.name, bug, study.worlds[0])
    record_property("race", record)
    assert record["holds"]
    assert record["fixed"].partition(" explored, ")[2].startswith("none failed.")
    said = replayed(bug, record["token"], monkeypatch, capsys)
    assert record["error"] in said
    assert f"Replay it: {record['token']}" in said


def replayed(bug, token, monkeypatch, capsys):
    """Return what the command prints that replays a failure."""
    monkeypatch.setattr(sys, "argv", ["races", bug, token])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().out
