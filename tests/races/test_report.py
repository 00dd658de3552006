"""The races of the study, as the report has them; a run with --report keeps them."""

import sys

import pytest
from concurrency_study.races import main, present, race_record
from concurrency_study.study import installed_studies

(STUDY,) = installed_studies()
DEADLOCK = "opposite_locks"
"""A bug of every study that has races, in which no task but the first one ends."""


@pytest.mark.parametrize("bug", present(STUDY.folder))
def test_a_search_breaks_the_program_and_not_its_fix(
    bug, record_property, monkeypatch, capsys
):
    record = race_record(STUDY.name, bug, STUDY.worlds[0])
    record_property("race", record)
    assert "none failed." in record["fixed"]
    actors = {event["by"] for event in record["usual"]}
    assert holds(record["usual"]) == []
    assert {event["by"] for event in holds(record["failed"])} <= actors
    assert all(event["detail"].startswith("held") for event in holds(record["failed"]))
    assert holds(record["failed"])
    monkeypatch.setattr(sys, "argv", ["races", bug, record["token"]])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    found = record["report"].partition("\nschedule ")
    error, schedule = found[0], found[2].partition("\n")[2]
    assert capsys.readouterr().out == f"{error}\nSchedule:\n{schedule}\n"


races = pytest.mark.skipif(
    not present(STUDY.folder), reason="the study explains why it has no race"
)


def holds(events):
    return [event for event in events if event["what"] == "hold"]


@races
def test_an_actor_that_waits_for_ever_has_no_end():
    (main, *ends) = reversed(
        race_record(STUDY.name, DEADLOCK, STUDY.worlds[0])["failed"]
    )
    assert (main["by"], main["what"], main["detail"]) == ("main", "exit", "error")
    assert not any(event["what"] == "exit" for event in ends)


@races
def test_a_token_of_another_form_is_refused(monkeypatch, capsys):
    bug = present(STUDY.folder)[0]
    monkeypatch.setattr(sys, "argv", ["races", bug, "?"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "'?' is not the token of a schedule" in capsys.readouterr().err
