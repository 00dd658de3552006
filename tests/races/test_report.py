"""The races of the study, as the report has them; a run with --report keeps them."""

import sys

import pytest
from concurrency_study.races import main, present, race_record
from concurrency_study.study import installed_studies

(STUDY,) = installed_studies()


@pytest.mark.parametrize("bug", present(STUDY.folder))
def test_a_search_breaks_the_program_and_not_its_fix(
    bug, record_property, monkeypatch, capsys
):
    record = race_record(STUDY.name, bug, STUDY.worlds[0])
    record_property("race", record)
    assert "none failed." in record["fixed"]
    monkeypatch.setattr(sys, "argv", ["races", bug, record["token"]])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    found = record["report"].partition("\nschedule ")
    error, schedule = found[0], found[2].partition("\n")[2]
    assert capsys.readouterr().out == f"{error}\nSchedule:\n{schedule}\n"


def test_a_token_of_another_form_is_refused(monkeypatch, capsys):
    bug = present(STUDY.folder)[0]
    monkeypatch.setattr(sys, "argv", ["races", bug, "?"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "'?' is not the token of a schedule" in capsys.readouterr().err
