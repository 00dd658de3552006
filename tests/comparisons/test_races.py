"""The races: their code, their page and their command."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from concurrency_comparisons import cli, races
from concurrency_comparisons.answers import Tree, Unreadable
from concurrency_comparisons.races import Shown, all_races, drawn
from concurrency_comparisons.rendering import linked, listed, templates
from concurrency_comparisons.reports import Race, Report, Story
from concurrency_comparisons.site import inline, sided
from concurrency_comparisons.timeline.svg import legend, narrow
from concurrency_study.races import BUGS
from concurrency_study.trace import Event
from markupsafe import Markup

ROOT = Path(__file__).parents[2]
TREE = Tree(ROOT)
HOLDS = [
    "task Ann: lost.py:18: async def ann() -> None:\nwas held, and ahead of it ran\n"
    "task Bob: lost.py:21: async def bob() -> None:",
    "task Ann: lost.py:18: async def ann() -> None:\nwas held, and the clock went 1 s "
    "ahead",
]


def story(end):
    """Return the story of three tasks that end at one instant."""
    names = ("main", "Ann", "Bob")
    begun = [Event(0, name, "spawn", "task", name) for name in names]
    ended = [Event(end, name, "exit", "end", name) for name in reversed(names)]
    return Story("", "test_race", "toy", "", end, None, "", begun + ended)


def race(bug):
    return Race(
        *(bug, "toy", 0, 1000, 1234, HOLDS, "It needs this order only.", "AAIBAA"),
        "Deadlock: nothing can ever run again.\n  task Bob: lost.py:21",
        "200 schedules explored, none failed. The search ended at its limit.",
        *(story(0.05), story(0.15)),
    )


def report(study):
    races = [race(bug) for bug in BUGS]
    return Report(study, [study], "3.11.7", {"trio": "1"}, [], [], [], races)


FOUND = {study: report(study) for study in TREE.studies}
RACES = all_races(TREE, FOUND, TREE.studies)


def page(shown=RACES):
    """Return the text of the page."""
    return templates.get_template("races.html").render(
        costs=None,
        days=[],
        drawn=drawn(shown),
        inline=inline,
        legend=legend,
        link=linked(TREE),
        listed=listed,
        markup=Markup,
        narrow=narrow,
        preferred=TREE.studies,
        races=shown,
        sided=sided,
        versions={},
    )


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


def test_a_file_without_a_fix_is_refused():
    text = "def broken():\n    pass\n"
    shown = Shown("lost_item", "toy", Path("toy.py"), "", None, text=text)
    with pytest.raises(Unreadable, match=r"toy\.py: there is no function 'fixed'"):
        _ = shown.sides


def test_a_reason_replaces_the_programs(monkeypatch):
    monkeypatch.setattr(races, "absent", lambda package: {"lost_item": "Never."})
    found = all_races(TREE, FOUND, ["trio"])
    (shown,) = found["lost_item"][1]
    assert (shown.absent, shown.outcome, shown.path) == (
        "Never.",
        "cannot happen",
        None,
    )
    assert not found["lost_update"][1][0].absent


def test_a_study_may_have_no_races(monkeypatch):
    monkeypatch.setattr(races, "present", lambda package: [])
    assert not any(studies for _, studies in all_races(TREE, {}, ["trio"]).values())


# The page


def test_the_page_shows_every_line_of_every_program():
    lines = {line.strip() for line in plain(page()).split("\n")}
    for _, studies in RACES.values():
        for shown in studies:
            code = "\n".join([*(side.code for side in shown.sides), shown.around])
            assert {line.strip() for line in code.split("\n")} <= lines


def test_the_page_says_what_was_found_and_how_to_replay_it():
    text = page()
    count = sum(len(studies) for _, studies in RACES.values())
    said = plain(text)
    assert said.count("schedule 1,234 of 1,000 failed, with 2 holds") == count
    assert said.count("was held, and the clock went 1 s ahead") == count
    command = "bin/python -m concurrency_study.races lost_item AAIBAA"
    assert f".nox/trio-3-11/{command}" in said
    assert len(re.findall(r"<svg[^>]*role=\"img\"", text)) == 2 * count


def test_the_two_timelines_share_an_axis():
    drawn = page().partition('id="lost_update-trio"')[2].partition("</details>")[0]
    axes = re.findall(r"<text[^>]*>([\d.]+ s)</text>", drawn)
    assert axes[: len(axes) // 2] == axes[len(axes) // 2 :]
    assert "0.15 s" in axes


def test_a_bug_that_cannot_happen_has_its_reason_on_the_page():
    why = "A `Mutex` <never> waits."
    shown = Shown("lost_item", "toy", None, why, None)
    text = page({"lost_item": (BUGS["lost_item"], [shown])})
    assert "A <code>Mutex</code> &lt;never&gt; waits." in text
    assert "<b>toy</b> cannot happen" in text


def test_without_a_search_the_code_is_shown():
    text = page(all_races(TREE, {}, TREE.studies))
    assert "<b>trio</b> no report of a search" in text
    assert "async def broken()" in text
    assert "Replay it" not in text


def test_each_bug_and_each_study_has_an_address():
    ids = re.findall(r'\bid="([^"]+)"', page())
    assert len(ids) == len(set(ids))
    assert {*BUGS, *(f"{b}-{s}" for b in BUGS for s in TREE.studies)} <= {*ids}


def test_the_page_is_light():
    assert len(page().encode()) < 250_000


# The command


@pytest.fixture
def called(capsys, monkeypatch):
    """A function that runs the command and returns its status and its output."""
    monkeypatch.setenv("COLUMNS", "100")
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
    assert said.out.count("schedule 1,234 of 1,000 failed, with 2 holds") == len(
        BUGS
    ) * len(TREE.studies)
    assert "Lost wake-up\n" in said.out


def test_the_command_shows_a_bug_in_one_study(called):
    code, said = called("lost_update", "--study", "trio")
    assert code == 0
    assert "\n+         async with lock:\n" in said.out
    assert "\n2. task Ann: lost.py:18: async def ann() -> None:\n" in said.out
    assert "\n   was held, and the clock went 1 s ahead\n" in said.out
    assert "\nIn schedule 1,234 " in said.out
    assert "\n.nox/trio-3-11/bin/python -m concurrency_study.races lost_update" in (
        said.out
    )
    assert "asyncio" not in said.out


def test_the_command_shows_all_bugs_of_one_study(called):
    _, said = called("--study", "gevent")
    assert said.out.count("\nReplay it:\n") == len(BUGS)


def test_the_command_prints_json(called):
    _, said = called("lost_item", "--study", "trio", "--json")
    (found,) = json.loads(said.out)["lost_item"]
    assert found["fixed"].startswith("async def fixed()")
    assert found["found"]["token"] == "AAIBAA"
    assert found["found"]["failed"]["events"][0]["what"] == "spawn"


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
