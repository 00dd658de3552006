"""The pages in Markdown: they match the files and reports, and stale ones are found."""

from __future__ import annotations

import json
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from concurrency_comparisons import cli, figures, markdown, reports
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.bench import cpu
from concurrency_comparisons.questions import of_topic
from concurrency_comparisons.reports import Report, Story, Test
from concurrency_comparisons.subject import Subject
from concurrency_study.inputs import code_of
from concurrency_study.trace import Event

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
TEXT = (
    *("shared/src/concurrency_study", "packages", "tests/conformance"),
    "comparisons/benchmarks",
)
TOPICS = [*TREE.topics]


def outcomes_of(study):
    """All tests of the suite, passed by every answer, but for one."""
    return [
        Test(
            topic=topic,
            test=test,
            world=study,
            variant=answer.variant,
            needs=[],
            outcome="cannot" if (study, number) == ("threads", 1) else "passed",
            reason="cannot be | stopped" if (study, number) == ("threads", 1) else "",
            seconds=1,
        )
        for topic in TOPICS
        for number, test in enumerate(TREE.tests(topic))
        for answer in TREE.answers(study, topic)
    ]


def examples_of(study):
    names = [topic for topic in TOPICS if topic not in TREE.real]
    return [story_of(study, topic, "test_the_example") for topic in names]


def story_of(study, topic, test, *, how="end", seconds=1):
    events = [
        Event(0, topic, "spawn", "task", topic),
        Event(0, "job", "spawn", "task", "job"),
        Event(0, "job(a)", "start", "", "job"),
        Event(1, "say", "call", "'b'", "job"),
        Event(1, "job(a)", "end", "", "job"),
        Event(1, "job", "exit", "end", "job"),
        Event(seconds, topic, "exit", how, topic),
    ]
    return Story(topic, test, study, "", seconds, None, "first come", events)


@pytest.fixture(scope="session")
def found():
    """Reports of all studies, as `reports.read` gives them."""
    return {
        study: Report(
            study=study,
            worlds=[study],
            python="3.11.7",
            libraries={study: "1.0"} if study in ("trio", "gevent", "anyio") else {},
            tests=outcomes_of(study),
            stories=examples_of(study),
        )
        for study in TREE.studies
    }


@pytest.fixture
def subject(found):
    return Subject(TREE, TREE.topics["results_as_we_go"], found)


@pytest.fixture(scope="session")
def made(tmp_path_factory, found):
    root = tmp_path_factory.mktemp("made") / "checkout"
    for folder in TEXT:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    (root / "noxfile.py").touch()
    tree = Tree(root)
    for topic in tree.topics.values():
        markdown.write(Subject(tree, topic, found))
    markdown.tidy(tree)
    return root


@pytest.fixture
def checkout(tmp_path, made, monkeypatch):
    """A checkout with pages, without reports."""
    root = tmp_path / "checkout"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return Tree(root)


def study(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code or 0


# The content of a page


def links_in(page):
    return re.findall(r"\]\(([^)]+)\)", page)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_links_to_every_answer_and_to_each_step(found, topic):
    subject = Subject(TREE, TREE.topics[topic], found)
    links = {*links_in(markdown.page(subject))}
    for answer in subject.answers + subject.others:
        file = f"../../../{answer.path.relative_to(ROOT).as_posix()}"
        assert file in links
        for name, part in answer.parts.items():
            if name.startswith("step") and part.code and not answer.variant:
                lines = {line.number for line in part.lines}
                assert any(
                    link.startswith(f"{file}#L") and span_of(link) & lines
                    for link in links
                ), (answer.name, name)


def span_of(link):
    """Return the lines that a link leads to."""
    first, _, last = link.partition("#L")[2].partition("-L")
    return {*range(int(first), int(last or first) + 1)}


@pytest.mark.parametrize("topic", TOPICS)
def test_links_lead_to_files_that_exist(made, found, topic):
    subject = Subject(TREE, TREE.topics[topic], found)
    folder = made / markdown.FOLDER / topic
    for link in links_in(markdown.page(subject)):
        name, _, line = link.partition("#")
        path = (folder / name).resolve()
        if name != "../costs.md":
            assert path.is_file(), link
        if line:
            lines = path.read_text("utf-8").split("\n")
            assert max(span_of(link)) <= len(lines)


def test_the_index_leads_to_every_page_and_to_the_costs(made):
    folder = made / markdown.FOLDER
    links = links_in((folder / markdown.PAGE).read_text("utf-8"))
    assert [*links] == ["costs.md", *(f"{topic}/{markdown.PAGE}" for topic in TOPICS)]


@pytest.mark.parametrize("topic", TREE.real)
def test_a_page_without_a_timeline_says_why(made, found, topic):
    page = markdown.page(Subject(TREE, TREE.topics[topic], found))
    assert "so this page has no timeline" in page
    assert "example.svg" not in page
    assert not (made / markdown.FOLDER / topic / "example.svg").exists()


def test_the_page_of_work_that_computes_shows_what_workers_gain(made, found):
    measured = cpu.read(ROOT)
    assert measured is not None
    page = markdown.page(Subject(TREE, TREE.topics[cpu.TOPIC], found))
    for study, cells in measured.rows:
        assert f"\n| {study} | {' | '.join(cells)} |\n" in page


def test_new_figures_of_work_that_computes_make_its_page_stale(monkeypatch):
    def digest(topic):
        return markdown.made_from(TREE, topic, TREE.studies)

    before = [digest(cpu.TOPIC), digest("race")]
    monkeypatch.setattr(cpu, "read", lambda _: None)
    after = [digest(cpu.TOPIC), digest("race")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True]


def test_the_picture_comes_before_lists_and_tables(subject):
    page = markdown.page(subject)
    assert page.index("](example.svg)") < min(page.index("\n- "), page.index("\n|"))


def test_45_topics_would_take_less_than_3_megabytes():
    folders = [ROOT / markdown.FOLDER / topic for topic in TOPICS]
    sizes = [file.stat().st_size for each in folders for file in each.iterdir()]
    assert sum(sizes) / len(TOPICS) < 3e6 / 45


def test_a_link_to_a_test_leads_to_its_line(subject):
    lines = subject.suite.read_text("utf-8").split("\n")
    for test in subject.tests:
        assert lines[subject.place(test) - 1].startswith(f"def {test}(")
        assert subject.place(f"{test}[1-2]") == subject.place(test)


def figure(seconds, ratio, *, low=0.9, high=1.1):
    return {
        "per_operation_s": seconds,
        "ratio_to_asyncio": ratio,
        "low": low,
        "high": high,
    }


def test_a_page_shows_costs_and_is_stale_when_they_change(checkout, found):
    topic = checkout.topics["results_at_end"]
    page = checkout.root / markdown.FOLDER / "results_at_end/README.md"
    assert "What it costs" not in page.read_text("utf-8")
    small = {
        "asyncio": figure(5e-6, 1, low=1, high=1),
        "trio": figure(6.25e-6, 0.8),
        "uvloop": figure(1e-6, 5),
    }
    large = {
        "asyncio": figure(4e-6, 1, low=1, high=1),
        "anyio-on-trio": figure(0.02, 0.0002, low=0.0001, high=0.0003),
    }
    measured = {
        "spawn": small,
        "results_at_end at 1": small,
        "results_at_end at 10000": large,
    }
    (checkout.root / figures.FILE).write_text(json.dumps(measured), "utf-8")
    assert markdown.stale(checkout) == ["results_at_end/README.md"]
    markdown.write(Subject(checkout, topic, found))
    assert (
        "of 10,000 inputs: asyncio 4.0 µs · anyio-on-trio 20 ms, 5,000 × slower.\n"
    ) in page.read_text("utf-8")
    assert markdown.stale(checkout) == []


def test_unreadable_figures_are_refused_in_one_sentence(checkout, capsys):
    (checkout.root / figures.FILE).write_text("{", "utf-8")
    assert study("pages", "--check") == 1
    assert "nox -s bench" in capsys.readouterr().err


def test_a_step_that_a_study_does_not_need_is_shown_as_absent(subject):
    (row,) = [row for row in subject.rows if row.titles[0].startswith("4.")]
    absent = {cell.answer.study: cell.absent for cell in row.cells}
    assert absent["trio"] == "Not needed."
    assert absent["generators"] == ""
    (line,) = re.findall(r"\n\| 4\. .*", markdown.page(subject))
    assert line.split(" | ")[4] == "not needed"


def test_a_limitation_is_shown_with_its_reason_and_its_test(subject):
    page = markdown.page(subject)
    assert "**threads, threads:as_completed** cannot: be | stopped." in page
    assert reports.spoken(subject.tests[1]) in page
    assert f"{len(subject.tests) - 1} passed, 1 cannot" in page


def test_a_test_counts_once_for_several_worlds_and_fails_in_one(found, subject):
    tests = found["anyio"].tests
    topic = subject.topic.name
    again = [
        replace(test, world="other", outcome="cannot", reason="cannot: why")
        for test in tests
        if (test.topic, test.test) == (topic, subject.tests[0])
    ]
    both = replace(found["anyio"], tests=[*tests, *again])
    there = Subject(TREE, subject.topic, found | {"anyio": both})
    (answer,) = [answer for answer in there.answers if answer.study == "anyio"]
    outcome = there.outcome(answer)
    assert [*outcome.cannot] == [subject.tests[0]]
    assert len(outcome.passed) == len(subject.tests) - 1


def test_worlds_that_differ_are_named_with_the_variant(found):
    """As asyncio's two worlds may: tasks are eager in one of them."""
    topic = TREE.topics["results_at_end"]
    test = TREE.tests("results_at_end")[0]
    stories = [
        replace(story_of(world, topic.name, test, seconds=end), variant=variant)
        for world, end in (("asyncio", 2), ("asyncio-eager", 3))
        for variant in ("", "gather")
    ]
    report = replace(
        found["asyncio"],
        worlds=["asyncio", "asyncio-eager"],
        stories=stories,
        tests=[
            replace(each, outcome="cannot", reason="cannot stop")
            if (each.topic, each.test, each.variant) == (topic.name, test, "gather")
            else each
            for each in found["asyncio"].tests
        ],
    )
    (difference,) = Subject(TREE, topic, {"asyncio": report}).differences
    assert [(figure.label, figure.answers) for figure in difference.figures] == [
        ("asyncio, asyncio:gather", ["asyncio", "asyncio:gather"]),
        ("asyncio-eager, asyncio-eager:gather", ["asyncio", "asyncio:gather"]),
    ]


# The same to the byte


def test_order_of_tests_patch_version_and_chance_do_not_matter(found, subject):
    def shuffled(report):
        chance = random.Random(1)
        tests = chance.sample(report.tests, len(report.tests))
        stories = chance.sample(report.stories, len(report.stories))
        return replace(report, tests=tests, stories=stories, python="3.11.99")

    others = {study: shuffled(report) for study, report in found.items()}
    assert markdown.page(subject) == markdown.page(Subject(TREE, subject.topic, others))


def test_pages_do_not_tell_where_they_were_made(checkout, found, subject):
    shutil.copy(ROOT / figures.FILE, checkout.root / figures.FILE)
    there = Subject(checkout, checkout.topics["results_as_we_go"], found)
    assert markdown.page(there) == markdown.page(subject)
    assert there.picture == subject.picture
    assert str(checkout.root) not in markdown.page(there) + there.picture


# Where they differ


def with_stories(found, stories):
    """results_as_we_go, of which threads cannot the second test, and these stories."""
    reports = {
        study: replace(report, stories=[*report.stories, *stories.get(study, [])])
        for study, report in found.items()
    }
    return Subject(TREE, TREE.topics["results_as_we_go"], reports)


def told_by_all(test, **of_threads):
    return {
        study: [story_of(study, "results_as_we_go", test, **options)]
        for study in TREE.studies
        for options in [of_threads if study == "threads" else {}]
    }


def test_a_limitation_is_shown_beside_the_other_studies(found, subject):
    test = subject.tests[1]
    there = with_stories(found, told_by_all(test, how="error", seconds=60))
    (difference,) = there.differences
    assert difference.test == test
    assert difference.cannot == ["threads", "threads:as_completed"]
    able = ", ".join(study for study in TREE.studies if study != "threads")
    assert {label for label, _ in difference.stories} == {"threads", able}
    page = markdown.page(there)
    assert "## Where they differ" in page
    assert f"### [{reports.spoken(test).capitalize()}](" in page
    assert f"({test.removeprefix('test_')}.svg)" in page


def test_a_story_that_is_too_long_is_not_shown(found, subject):
    stories = told_by_all(subject.tests[1]) | {"threads": []}
    there = with_stories(found, stories)
    assert there.differences == []
    assert markdown.page(there).count(".svg)") == 1


def test_a_test_that_all_pass_is_not_a_difference(found, subject):
    stories = told_by_all(subject.tests[0])
    assert with_stories(found, stories).differences == []


def test_pictures_of_former_differences_are_removed(checkout, found, subject):
    there = with_stories(found, told_by_all(subject.tests[1]))
    made = Subject(checkout, there.topic, there.found)
    markdown.write(made)
    folder = checkout.root / markdown.FOLDER / "results_as_we_go"
    assert len([*folder.glob("*.svg")]) == 2
    assert markdown.stale(checkout) == []
    markdown.write(Subject(checkout, there.topic, found))
    assert [path.name for path in folder.glob("*.svg")] == ["example.svg"]


# Pages without time


def test_a_page_without_time_states_the_order_of_tasks(found):
    def at_once(report):
        stories = [
            replace(
                story,
                seconds=0,
                events=[event._replace(at=0) for event in story.events],
                order="at random" if report.study == "trio" else "first come",
            )
            for story in report.stories
        ]
        return replace(report, stories=stories)

    there = {s: at_once(r) for s, r in found.items() if TREE.answers(s, "pipeline")}
    subject = Subject(TREE, TREE.topics["pipeline"], there)
    assert subject.orders["at random"] == ["trio"]
    page = markdown.page(subject)
    assert "- trio: at random." in page
    assert "- generators, threads, asyncio, gevent and anyio: first come." in page


# Freshness


def test_fresh_pages_are_found_fresh_without_reports(checkout, capsys):
    assert markdown.stale(checkout) == []
    assert study("pages", "--check") == 0
    assert "are up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path",
    [
        "shared/src/concurrency_study/topics/tasks.py",
        "packages/trio/src/trio_study/concepts/tasks.py",
        "tests/conformance/test_tasks.py",
    ],
)
def test_a_changed_file_makes_the_pages_of_its_topic_stale(checkout, path, capsys):
    with (checkout.root / path).open("a") as file:
        file.write("x = 1  # changed\n")
    assert markdown.stale(Tree(checkout.root)) == ["tasks/README.md"]
    assert study("pages", "--check") == 1
    said = capsys.readouterr().err
    assert "tasks/README.md" in said
    assert "run `nox -s compare`" in said
    assert said.count("\n") == 1


def test_a_declaration_of_a_study_makes_all_pages_stale(checkout):
    path = checkout.root / "packages/trio/src/trio_study/__init__.py"
    path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
    assert len(markdown.stale(checkout)) == len(TOPICS)


def test_a_published_answer_makes_the_pages_stale_that_show_it(checkout):
    folder = checkout.root / "packages/trio/src/trio_study/behaviours"
    path = folder / "failing.toml"
    text = path.read_text("utf-8")
    start, table, rest = text.partition("[one_of_three_fails]\n")
    assert 'answer = "yes"' in rest.partition("[")[0]
    changed = rest.replace('answer = "yes"', 'answer = "no"', 1)
    path.write_text(start + table + changed, "utf-8")
    asked = {name for name in TOPICS if 10 in {q.number for q in of_topic(name)}}
    assert asked
    stale = markdown.stale(Tree(checkout.root))
    assert stale == [f"{name}/README.md" for name in TOPICS if name in asked]


def test_a_page_answers_its_questions_in_each_world(found):
    subject = Subject(TREE, TREE.topics["race"], found)
    page = markdown.page(subject)
    (question, *_) = of_topic("race")
    (line,) = re.findall(rf"\n\| {question.number}\. .*", page)
    cells = ["yes", "no", "no / yes", "yes", "no", "yes", "no / yes"]
    assert line.split(" | ")[1:-1] == cells


def digests(root):
    tree = Tree(root)
    return {
        topic: markdown.made_from(tree, topic, [*tree.entries]) for topic in tree.topics
    }


def changed(root, path, text):
    """Return the topics whose pages become stale when a line is appended to a file."""
    before = digests(root)
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(text)
    after = digests(root)
    return {topic for topic in before if before[topic] != after[topic]}


WORLDS = "shared/src/concurrency_study/worlds"


def test_a_changed_world_makes_exactly_the_pages_stale_that_depend_on_it(checkout):
    (checkout.root / "packages/trio/src/trio_study/concepts/tasks.py").unlink()
    (checkout.root / "packages/anyio/src/anyio_study/concepts/tasks.py").unlink()
    assert changed(checkout.root, f"{WORLDS}/trio.py", "x = 1\n") == {*TOPICS} - {
        "tasks"
    }
    assert changed(checkout.root, f"{WORLDS}/gevent.py", "x = 1\n") == {*TOPICS}


def test_a_changed_module_that_all_worlds_import_makes_all_pages_stale(checkout):
    path = "shared/src/concurrency_study/trace.py"
    assert changed(checkout.root, path, "x = 1\n") == {*TOPICS}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("comparisons/src/concurrency_comparisons/markdown.py", "# why\n"),
        ("comparisons/src/concurrency_comparisons/markdown.py", "x = 1\n"),
        (f"{WORLDS}/trio.py", '\n# why\n\n"""Why."""\n'),
        ("shared/src/concurrency_study/referees/server.py", "x = 1\n"),
        ("tests/conformance/conftest.py", "# why\n"),
    ],
)
def test_text_that_decides_nothing_makes_no_page_stale(checkout, path, text):
    (checkout.root / path).parent.mkdir(parents=True, exist_ok=True)
    assert changed(checkout.root, path, text) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('x = "a  # b"\n', 'x = "a  # c"\n'),
        ('x = """a\n\n# b\n"""\n', 'x = """a\n# b\n"""\n'),
        ("x = 1\n", "if x: x = 1\n"),
    ],
)
def test_text_inside_strings_counts_as_code(before, after):
    assert code_of(before) != code_of(after)


def test_another_version_of_the_form_makes_all_pages_stale(checkout, monkeypatch):
    monkeypatch.setattr(markdown, "VERSION", markdown.VERSION + 1)
    assert len(markdown.stale(checkout)) == len(TOPICS)


GOLDEN = Path(__file__).with_name("golden.txt")
QUESTION = '''"""Demo: wait, then say so.

For those who wait.

    demo(job, say)

- Says so.
"""
NEIGHBOURS = ("race",)
NATIVE = ("job",)
STEPS = ("Wait.", "Say so.")
'''
ANSWER = '''"""Demo: wait, then say so.

Particular to {name}.
"""

from __future__ import annotations

import {name}


async def demo(job, say):
    # 1. Wait.
    await {name}.wait(job)

    # 2. Say so.
    say("done")


if __name__ == "__main__":
    print("demo")
'''


def test_the_form_of_a_page_is_the_one_of_this_version(tmp_path):
    """If it should fail: raise `markdown.VERSION`, remove golden.txt, run again."""
    (tmp_path / "noxfile.py").touch()
    texts = {
        "shared/src/concurrency_study/topics/__init__.py": (
            'SECTIONS = {"concepts": ("demo",)}\nREAL = ()\n'
        ),
        "shared/src/concurrency_study/topics/demo.py": QUESTION,
        "tests/conformance/test_demo.py": "def test_the_example(): ...\n",
    }
    for name in ("one", "two"):
        texts |= {
            f"packages/{name}/pyproject.toml": (
                f"[tool.concurrency-study]\nlibraries = [{name!r}]\n"
            ),
            f"packages/{name}/src/{name}_study/__init__.py": f'"""{name}: one."""\n',
            f"packages/{name}/src/{name}_study/concepts/demo.py": ANSWER.format(
                name=name
            ),
        }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    tree = Tree(tmp_path)
    run = {
        name: Report(
            study=name,
            worlds=[name],
            python="3.11.7",
            libraries={name: "1.0"},
            tests=[
                Test("demo", "test_the_example", name, "", [], "passed", "", seconds=1)
            ],
            stories=[story_of(name, "demo", "test_the_example")],
        )
        for name in ("one", "two")
    }
    page = markdown.page(Subject(tree, tree.topics["demo"], run))
    body = f"version {markdown.VERSION}\n" + page.split("\n", 2)[2]
    if not GOLDEN.exists():
        GOLDEN.write_text(body, "utf-8")
    assert body == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize("name", ["README.md", "example.svg"])
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_page_edited_or_gone_is_stale(checkout, name, change):
    path = checkout.root / markdown.FOLDER / "tasks" / name
    if change == "gone":
        path.unlink()
    else:
        path.write_text(path.read_text("utf-8").replace("job", "jub"), "utf-8")
    assert markdown.stale(checkout) == ["tasks/README.md"]


def test_pages_of_former_topics_and_forms_are_stale_and_removed(checkout):
    folder = checkout.root / markdown.FOLDER
    page, picture = (folder / "tasks" / name for name in ("README.md", "example.svg"))
    former = folder / "former"
    former.mkdir()
    shutil.copy(page, former)
    shutil.copy(page, folder / "tasks.md")
    shutil.copy(picture, folder / "tasks-stops.svg")
    names = ["former/README.md", "tasks-stops.svg", "tasks.md"]
    assert markdown.stale(checkout) == names
    markdown.tidy(checkout)
    assert markdown.stale(checkout) == []
    assert not former.exists()


def test_files_from_elsewhere_are_never_removed(checkout, found):
    folder = checkout.root / markdown.FOLDER
    (folder / "former").mkdir()
    notes = [folder / n for n in ("notes.md", "former/drawn.svg", "tasks/drawn.svg")]
    for note in notes:
        note.write_text("by hand", "utf-8")
    assert markdown.stale(checkout) == []
    markdown.write(Subject(checkout, checkout.topics["tasks"], found))
    markdown.tidy(checkout)
    assert all(note.exists() for note in notes)


def test_a_changed_list_of_topics_makes_the_index_stale(checkout):
    (checkout.root / markdown.FOLDER / "README.md").write_text("", "utf-8")
    assert markdown.stale(checkout) == ["README.md"]


# Reports


@pytest.mark.parametrize("command", ["pages", "site"])
def test_without_reports_one_sentence_says_what_to_run(checkout, capsys, command):
    assert study(command) == 1
    said = capsys.readouterr().err
    assert "run `nox -s compare`" in said
    assert said.count("\n") == 1


@pytest.fixture
def reads(monkeypatch, found, checkout):
    """Reports that are there, by name; False: refused."""

    def there(**names):
        (checkout.root / "reports").mkdir()
        for name in names:
            (checkout.root / f"reports/{name}.jsonl").touch()

        def read(path, root):
            if not names.get(path.stem):
                raise reports.Refused(f"{path.name} is stale; run `nox -s x`")
            name, _, python = path.stem.rpartition("-")
            return replace(found[name], python=f"{python}.1")

        monkeypatch.setattr(reports, "read", read)

    return there


def test_reports_are_taken_from_the_newest_python_that_has_all(checkout, reads):
    reads(**{f"{s}-{p}": True for s in TREE.studies for p in ("3.9", "3.11", "3.13")})
    pythons = {
        each.python
        for each in reports.of_one_python(checkout.root, TREE.studies).values()
    }
    assert pythons == {"3.13.1"}


def test_reports_are_taken_from_the_python_that_is_asked_for(checkout, reads, capsys):
    reads(**{f"{s}-{p}": True for s in TREE.studies for p in ("3.11", "3.13")})
    pythons = {
        each.python
        for each in reports.of_one_python(checkout.root, TREE.studies, "3.11").values()
    }
    assert pythons == {"3.11.1"}
    assert study("pages", "--python", "3.12") == 1
    assert "no reports of Python 3.12" in capsys.readouterr().err


def test_one_newer_report_does_not_hide_a_complete_set(checkout, reads):
    reads(**{f"{s}-3.11": True for s in TREE.studies} | {"trio-3.13": False})
    pythons = {
        each.python
        for each in reports.of_one_python(checkout.root, TREE.studies).values()
    }
    assert pythons == {"3.11.1"}


def test_one_stale_report_is_refused_and_named(checkout, reads, capsys):
    reads(**{f"{s}-3.11": s != "gevent" for s in TREE.studies})
    assert study("pages") == 1
    assert "gevent-3.11.jsonl is stale" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pages", "site"])
def test_the_command_writes_and_says_where(checkout, reads, capsys, command):
    for file in ("costs.json", "costs.about.json"):
        shutil.copy(ROOT / "comparisons" / file, checkout.root / "comparisons")
    reads(**{f"{s}-3.11": True for s in TREE.studies})
    assert study(command) == 0
    said = capsys.readouterr()
    assert f"comparisons/{command}" in said.out
    assert said.err == ""
    if command == "pages":
        assert markdown.stale(checkout) == []
