"""The races: their code, their pages and their command."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import islice
from pathlib import Path

import pytest
from concurrency_comparisons import cli, races, site
from concurrency_comparisons.answers import Tree, Unreadable
from concurrency_comparisons.races import Shown, all_races
from concurrency_comparisons.reports import Race, Report, Story
from concurrency_study.races import BUGS
from concurrency_study.trace import Event

ROOT = Path(__file__).parents[2]
TREE = Tree(ROOT)
REPORT = """\
Deadlock: nothing can run. Waiting:
  task Bob: lost.py:21: async def bob() -> None:
schedule 1,234 failed, with 2 holds:
  1. task Ann: lost.py:18: async def ann() -> None:
     was held, and ahead of it ran
     task Bob: lost.py:21: async def bob() -> None:
  2. task Ann: lost.py:18: async def ann() -> None:
     was held, and the clock went 1 s ahead
It needs this order, and 1 s more than usual for it.
Replay it: AAIBAA"""


def story(end, *more):
    """Return the story of three tasks that end at one instant."""
    names = ("main", "Ann", "Bob")
    begun = [Event(0, name, "spawn", "task", name) for name in names]
    ended = [Event(end, name, "exit", "end", name) for name in reversed(names)]
    return Story("", "test_race", "toy", "", end, None, "", [*begun, *more, *ended])


def race(bug):
    hold = Event(0.1, "Ann", "hold", "held at line 18, task Bob runs", "Ann")
    return Race(
        *(bug, "toy", REPORT, "AAIBAA"),
        "200 schedules explored, none failed. The search ended at its limit.",
        *(story(0.05), story(0.15, hold)),
    )


def report(study):
    found = [race(bug) for bug in BUGS]
    return Report(study, [study], "3.11.7", {"trio": "1"}, [], [], [], found)


FOUND = {study: report(study) for study in TREE.studies}
RACES = all_races(TREE, FOUND, TREE.studies)
RACING = [shown.study for shown in RACES["lost_update"][1] if not shown.absent]
"""The studies in which the races can happen."""


@pytest.fixture(scope="module")
def pages():
    """The pages of the races, by bug; "" is the list of all."""
    return pages_of(FOUND)


def pages_of(found):
    names = {"races.html": "", **{f"race-{bug}.html": bug for bug in BUGS}}
    made = ((names.get(name), text) for name, text in site.pages(TREE, found))
    # No further pages are made.
    return dict(islice((page for page in made if page[0] is not None), len(names)))


def plain(text):
    """Return the text that a reader sees on a page."""
    return unescape(re.sub(r"<[^>]*>", "", text))


# The code


def test_every_study_shows_each_bug_or_says_why_it_cannot_happen():
    assert [*RACES] == [*BUGS]
    for bug, studies in RACES.values():
        assert bug.about.endswith(".")
        assert [shown.study for shown in studies] == TREE.studies
        for shown in studies:
            assert shown.absent or shown.sides


def test_only_the_lines_that_differ_are_marked():
    _, studies = RACES["lost_update"]
    (shown,) = [each for each in studies if each.study == "asyncio"]
    broken, fixed = shown.sides
    assert not broken.changed
    lines = {line.text.strip() for line in fixed.lines if line.number in fixed.changed}
    assert lines == {"lock = asyncio.Lock()", "async with lock:"}


def test_a_program_and_its_fix_differ():
    for _, studies in RACES.values():
        for shown in studies:
            assert shown.absent or any(side.changed for side in shown.sides)


def test_lines_have_the_numbers_that_reports_name():
    for _, studies in RACES.values():
        for shown in studies:
            if shown.absent:
                continue
            lines = shown.text.split("\n")
            for side in (*shown.sides, shown.around):
                for line in side.lines:
                    assert lines[line.number - 1] == line.text


def test_a_file_without_a_fix_is_refused():
    text = "def broken():\n    pass\n"
    shown = Shown("lost_item", "toy", Path("toy.py"), "", None, text=text)
    with pytest.raises(Unreadable, match=r"toy\.py: there is no function 'fixed'"):
        _ = shown.sides


def test_a_reason_replaces_the_programs(monkeypatch):
    monkeypatch.setattr(races, "absent", lambda package: {"lost_item": "Never."})
    found = all_races(TREE, FOUND, ["trio"])
    (shown,) = found["lost_item"][1]
    assert (shown.absent, shown.outcome) == ("Never.", "not shown")
    assert not found["lost_update"][1][0].absent


def test_a_study_may_have_no_races(monkeypatch):
    monkeypatch.setattr(races, "present", lambda package: [])
    assert not any(studies for _, studies in all_races(TREE, {}, ["trio"]).values())


# The pages


def test_the_list_links_to_each_bug_in_each_study(pages):
    for bug in BUGS:
        for study in RACING:
            link = f'<a href="race-{bug}.html#{study}">2 holds</a>'
            assert link in pages[""]
            assert f'id="{study}"' in pages[bug]


def test_a_page_shows_every_line_of_every_program(pages):
    for bug, (_, studies) in RACES.items():
        lines = {line.strip() for line in plain(pages[bug]).split("\n")}
        for shown in studies:
            if shown.absent:
                continue
            for side in (*shown.sides, shown.around):
                for line in side.lines:
                    assert f"{line.number} {line.text}".strip() in lines


def test_a_page_has_the_report_and_a_command_that_replays_it(pages):
    said = plain(pages["lost_item"])
    assert said.count(REPORT) == len(RACING)
    command = "bin/python -m concurrency_study.races lost_item AAIBAA"
    assert f"\n.nox/trio-3-11/{command}\n" in said


def test_a_page_names_the_studies_that_have_the_bug(pages):
    for bug in BUGS:
        (told,) = re.findall(
            r'name="description" content=".*fix in (.*)\."', pages[bug]
        )
        assert {*re.split(", | and ", told)} == {*RACING}


def test_a_hold_is_in_the_picture(pages):
    text = pages["lost_update"]
    assert text.count('<path class="hold"') == len(RACING) + 1  # and the legend
    assert text.count(">held at line 18, task Bob runs</text>") == len(RACING)
    assert "at 0.1 s is held at line 18, task Bob runs" in plain(text)


def test_the_two_timelines_share_an_axis(pages):
    drawn = pages["lost_update"].partition('id="trio"')[2].partition("</section>")[0]
    assert len(re.findall(r"<svg[^>]*role=\"img\"", drawn)) == 2
    axes = re.findall(r"<text[^>]*>([\d.]+ s)</text>", drawn)
    assert axes[: len(axes) // 2] == axes[len(axes) // 2 :]
    assert "0.15 s" in axes


def test_a_bug_without_a_program_has_its_reason_on_its_page(monkeypatch):
    why = {"lost_item": "A `Mutex` <never> waits."}
    monkeypatch.setattr(races, "absent", lambda package: why)
    found = pages_of({"trio": FOUND["trio"]})
    assert "A <code>Mutex</code> &lt;never&gt; waits." in found["lost_item"]
    assert "async def broken()" not in found["lost_item"]
    assert ">not shown</a>" in found[""]


def test_without_a_search_the_code_is_shown():
    found = pages_of({"trio": Report("trio", ["trio"], "3.11.7", {}, [], [])})
    assert ">no report of a search</a>" in found[""]
    said = plain(found["lost_item"])
    assert "async def broken()" in said
    assert "Replay it" not in said


def test_the_pages_are_light(pages):
    assert max(len(text.encode()) for text in pages.values()) < 100_000


# The command


@pytest.fixture
def called(capsys, monkeypatch):
    """A function that runs the command and returns its status and its output."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(
        cli, "_reports", lambda tree, studies: {s: FOUND[s] for s in studies}
    )

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["--root", str(ROOT), "races", *arguments])
        return ended.value.code, capsys.readouterr()

    return call


def test_the_command_lists_each_bug_with_the_result_of_each_study(called):
    code, said = called()
    assert code == 0
    count = len(BUGS) * len(RACING)
    assert said.out.count("schedule 1,234 failed, with 2 holds") == count
    assert "lost_wakeup: Lost wakeup\n" in said.out


def test_the_command_shows_a_bug_in_one_study(called):
    code, said = called("lost_update", "--study", "trio")
    assert code == 0
    assert re.search(r"\n +54 \+ +async with lock:\n", said.out)
    assert f"\n{REPORT}\n" in said.out
    command = "bin/python -m concurrency_study.races lost_update AAIBAA"
    assert f"\n.nox/trio-3-11/{command}\n" in said.out
    assert "asyncio" not in said.out
    assert max(map(len, said.out.split("\n"))) <= 80


def test_the_command_draws_both_runs_on_one_axis(called):
    _, said = called("lost_update", "--study", "trio")
    drawn = said.out.partition("In the usual order")[2]
    usual, failed = drawn.split("In the schedule that failed")
    assert re.search(r"Ann \(task\) +├─+┤\n", usual)
    assert re.search(r"Ann \(task\) +├─+║─+┤\n", failed)
    assert "0.1 s  Ann is held at line 18, task Bob runs\n" in failed


def test_the_command_shows_all_bugs_of_one_study(called):
    _, said = called("--study", "gevent")
    assert said.out.count(REPORT) == len(BUGS)


def test_the_command_prints_json(called):
    _, said = called("lost_item", "--study", "trio", "--json")
    (shown,) = json.loads(said.out)["lost_item"]
    assert shown["fixed"].startswith("async def fixed()")
    assert shown["found"]["report"] == REPORT
    assert shown["found"]["failed"][3]["what"] == "hold"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lost_updat"], "no bug 'lost_updat'; did you mean 'lost_update'?"),
        (["--study", "tri"], "no study 'tri'; did you mean 'trio'?"),
    ],
)
def test_the_command_refuses_an_unknown_name(called, arguments, message):
    code, said = called(*arguments)
    assert code == 2
    assert message in said.err
