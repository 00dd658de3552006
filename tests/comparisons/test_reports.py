"""Reports: those of a complete run are read, and all others are refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from concurrency_comparisons.reports import (
    Refused,
    newest,
    of_one_python,
    out_of_date,
    read,
)
from concurrency_study.report import SCHEMA
from concurrency_study.topics import TOPICS
from concurrency_study.trace import Event

ROOT = Path(__file__).parents[2]
NAME = "reports/honest-3.11.jsonl"

ANSWER = """
def {topic}(job, say):
    job(1.5)
    say("done", object())
"""

SUITE = """
import pytest

def test_the_example(world):
    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)

    world.run(world.answer, job, world.recorder())
    assert world.returned_at == 1.5

@pytest.mark.needs("stopping the rest")
def test_it_does_magic(world):
    assert world.run(world.answer, lambda seconds: None, print) == "magic"
"""

# Where a study happens to be installed, the run is to see its own alone.
RUN = """
import sys
import concurrency_study.study as study
find = study.find_studies
study.find_studies = lambda: ([s for s in find()[0] if s.name == "honest"], {})
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


INSIDE = "packages/honest/src"


def make_a_study(root: Path, home: str = INSIDE) -> None:
    suite = root / "tests/conformance"
    package = root / home / "honest_study"
    info = root / home / "honest_study-1.dist-info"
    for folder in (suite, package / "concepts", info):
        folder.mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\n")
    for topic in TOPICS:
        (suite / f"test_{topic}.py").write_text(SUITE, "utf-8")
        answer = ANSWER.format(topic=topic)
        (package / f"concepts/{topic}.py").write_text(answer, "utf-8")
    entry = "[tool.concurrency-study]\nworlds = ['threads']\n"
    (package / "pyproject.toml").write_text(entry)
    (package / "__init__.py").write_text("CANNOT = {'stopping the rest': 'no wand'}\n")
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: honest-study\nVersion: 1\n"
        "Requires-Dist: concurrency-study\nRequires-Dist: pytest>=8\n"
    )
    (info / "entry_points.txt").write_text(
        "[concurrency_study.studies]\nhonest = honest_study\n"
    )


def installed(root: Path, home: str) -> dict[str, str]:
    """An environment in which the study is installed."""
    paths = [str((root / home).resolve()), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(
    root: Path, *arguments: str, home: str = INSIDE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-c", RUN, "-q", "-p", "no:cacheprovider"),
            *("-p", "concurrency_study.suite"),
            *("--study", "honest", "--report", NAME, *arguments),
            *("--complete", "tests/conformance", "tests/conformance"),
        ],
        cwd=root,
        env=installed(root, home),
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    make_a_study(root)
    done = run(root)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def root(made, tmp_path):
    """A checkout with a made-up study, and the report of a run of it."""
    return shutil.copytree(made, tmp_path / "root")


@pytest.fixture
def report(root):
    return root / NAME


def records(report):
    return [json.loads(line) for line in report.read_text("utf-8").split("\n")[:-1]]


def rewrite(report, found):
    """Write a report with these records, and a digest that fits them."""
    report.write_text("".join(json.dumps(r) + "\n" for r in found), "utf-8")
    if "digest" in found[-1]:
        reseal(report)


def reseal(report):
    """Have the digest in the footer fit the lines above it as they are now."""
    *told, foot = report.read_text("utf-8").removesuffix("\n").split("\n")
    above = "".join(line + "\n" for line in told)
    digest = f"sha256:{hashlib.sha256(above.encode()).hexdigest()}"
    foot = json.dumps(json.loads(foot) | {"digest": digest})
    report.write_text(f"{above}{foot}\n", "utf-8")


def refusal(report):
    """The one sentence with which a report is refused, here and among all."""
    root = report.parents[1]
    with pytest.raises(Refused) as one:
        read(report, root)
    with pytest.raises(Refused) as among_all:
        newest(root, "honest")
    assert str(among_all.value) == str(one.value)
    text = str(one.value)
    assert text.startswith(NAME + " ")
    assert text.endswith("; run `nox -s honest` to make a new one")
    assert "\n" not in text
    return text


def test_a_report_tells_who_ran_on_what(report, root):
    found = read(report, root)
    assert found.study == "honest"
    assert found.worlds == ["threads"]
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.libraries == {"pytest": pytest.__version__}


def test_a_report_tells_what_became_of_each_test(report, root):
    tests = read(report, root).tests
    assert {(t.topic, t.test) for t in tests} == {
        (topic, test)
        for topic in TOPICS
        for test in ("test_the_example", "test_it_does_magic")
    }
    for test in tests:
        assert (test.world, test.variant) == ("threads", "")
        if test.test == "test_the_example":
            assert (test.outcome, test.needs, test.seconds) == ("passed", [], 1.5)
        else:
            assert (test.outcome, test.needs) == ("cannot", ["stopping the rest"])
            assert "no wand" in test.reason


def test_a_report_tells_what_happened_in_the_examples(report, root):
    examples = read(report, root).examples
    assert sorted(example.topic for example in examples) == sorted(TOPICS)
    for example in examples:
        assert (example.world, example.variant, example.seconds) == ("threads", "", 1.5)
        assert example.cancelled is None
        assert "first come, first served" in example.order
        answer = example.topic
        assert example.events[:3] == [
            Event(0.0, answer, "spawn", "thread", answer),
            Event(0.0, "job(1.5)", "start", "", answer),
            Event(0.0, "job(1.5)", "sleep", "1.5 s", answer),
        ]
        told = [event.what for event in example.events[3:]]
        assert told == ["wake", "end", "call", "exit"]


def test_a_report_tells_the_story_of_a_limitation(report, root):
    stories = read(report, root).stories
    magic = [story for story in stories if story.test == "test_it_does_magic"]
    assert sorted(story.topic for story in magic) == sorted(TOPICS)
    for story in magic:
        assert [event.what for event in story.events] == ["spawn", "exit"]


def a_race(**fields):
    event = {"at": 1.5, "actor": "Ann", "what": "hold", "detail": "held", "by": "Ann"}
    return {
        "record": "race",
        "bug": "lost_item",
        "world": "threads",
        "report": "AssertionError: no job\nschedule 3 failed, with 1 hold:",
        "token": "AgA",
        "fixed": "200 schedules explored, none failed.",
        "usual": [],
        "failed": [event],
        **fields,
    }


def test_a_report_tells_which_races_were_found(report, root):
    found = records(report)
    rewrite(report, [*found[:-1], a_race(), found[-1]])
    (race,) = read(report, root).races
    assert (race.bug, race.token) == ("lost_item", "AgA")
    assert race.error == "AssertionError: no job"
    assert race.found == "schedule 3 failed, with 1 hold"
    assert race.failed.seconds == 1.5
    assert race.failed.events == [Event(1.5, "Ann", "hold", "held", "Ann")]
    jsonschema.validate(a_race(), json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"report": 3},
        {"token": None},
        {"more": 1},
        {"usual": {}},
        {"failed": [{"at": 0}]},
    ],
)
def test_a_race_of_another_form_is_refused(report, wrong):
    found = records(report)
    rewrite(report, [*found[:-1], a_race(**wrong), found[-1]])
    assert refusal(report)


def test_addresses_are_masked_because_they_differ_in_every_run(report, root):
    for example in read(report, root).examples:
        assert "<object object at 0x…>" in example.events[-2].detail


def test_lines_end_where_json_lines_end(report, root):
    changed = json.dumps(records(report), ensure_ascii=False)
    rewrite(report, json.loads(changed.replace("no wand", "no\u2028wänd")))
    text = report.read_text("utf-8")
    report.write_text(text.replace("\\u2028", "\u2028"), "utf-8")
    reseal(report)
    reasons = {test.reason for test in read(report, root).tests}
    assert any("no\u2028wänd" in reason for reason in reasons)


def test_a_report_is_found_by_study(report, root):
    assert newest(root, "honest") == read(report, root)
    assert of_one_python(root, ["honest"]) == {"honest": read(report, root)}


def test_without_reports_none_are_found(tmp_path):
    for _ in range(2):
        with pytest.raises(Refused, match="no report of honest; run `nox -s honest`"):
            newest(tmp_path, "honest")
        with pytest.raises(Refused, match="found no reports in the folder reports"):
            of_one_python(tmp_path, ["honest"])
        (tmp_path / "reports").mkdir(exist_ok=True)


def test_the_newest_python_counts(report, root):
    found = records(report)
    for version in ("3.9.20", "3.100.0", "3.13.1"):
        found[0]["python"] = version
        rewrite(root / f"reports/honest-{version}.jsonl", found)
    assert newest(root, "honest").python == "3.100.0"


def test_a_stale_report_of_an_older_python_is_ignored(report, root):
    found = records(report)
    found[0] |= {"python": "3.9.20", "fingerprint": "sha256:" + "0" * 64}
    rewrite(root / "reports/honest-3.9.jsonl", found)
    assert newest(root, "honest") == read(report, root)


def test_a_report_is_made_again_if_text_python_or_versions_differ(report, root):
    assert out_of_date(root, ["honest"], "3.11") == []
    assert out_of_date(root, ["honest"], "3.13") == ["honest"]
    pytest_version = read(report, root).libraries["pytest"]
    pins = root / "constraints.txt"
    pins.write_text(f"pytest=={pytest_version}\n")
    assert out_of_date(root, ["honest"], "3.11") == []
    pins.write_text("pytest==0.1\n")
    assert out_of_date(root, ["honest"], "3.11") == ["honest"]
    pins.unlink()
    answer = root / INSIDE / f"honest_study/concepts/{TOPICS[0]}.py"
    text = answer.read_text("utf-8")
    answer.write_text(text + "# changed\n")
    assert out_of_date(root, ["honest"], "3.11") == ["honest"]
    answer.write_text(text)
    assert out_of_date(root, ["honest"], "3.11") == []


def test_a_report_that_was_cut_in_half_is_refused(report):
    text = report.read_bytes()
    report.write_bytes(text[: len(text) // 2])
    assert "cut short" in refusal(report) or "no footer" in refusal(report)


@pytest.mark.parametrize("kept", [1, 2, -1])
def test_a_report_without_footer_is_refused(report, kept):
    rewrite(report, records(report)[:kept])
    assert "no footer, so the run that wrote it has not ended" in refusal(report)


@pytest.mark.parametrize(
    "path",
    [
        "packages/honest/src/honest_study/concepts/tasks.py",
        "tests/conformance/test_tasks.py",
    ],
)
def test_a_report_of_another_text_is_refused(report, root, path):
    with (root / path).open("a") as file:
        file.write("x = 1  # changed\n")
    assert "is out of date" in refusal(report)


@pytest.mark.parametrize("key", ["tests", "passed", "cannot", "differs", "failed"])
def test_counts_that_were_edited_are_refused(report, key):
    found = records(report)
    found[-1][key] += 1
    rewrite(report, found)
    assert "holds other tests" in refusal(report)


def test_a_removed_test_is_noticed(report):
    found = records(report)
    found.remove(next(r for r in found if r["record"] == "test"))
    rewrite(report, found)
    assert "holds other tests" in refusal(report)


def test_an_unknown_outcome_is_refused(report):
    found = records(report)
    next(r for r in found if r["record"] == "test")["outcome"] = "fine"
    rewrite(report, found)
    assert "holds other tests" in refusal(report)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"outcome": "cannot"', '"outcome": "passed"'),
        ('"at": 1.5', '"at": 1.25'),
        ("no wand", "no time"),
        ('"python": "3.', '"python": "4.'),
        ('{"record": "test"', '{ "record": "test"'),
    ],
)
def test_a_report_edited_by_hand_is_refused(report, old, new):
    text = report.read_text("utf-8")
    assert old in text
    count = text.count(old) if "outcome" in old else 1
    text = text.replace(old, new, count)
    if "outcome" in old:  # a careful forger would also change the counts
        foot = json.loads(text.split("\n")[-2])
        counts = {"passed": foot["passed"] + count, "cannot": foot["cannot"] - count}
        text = text.replace(json.dumps(foot), json.dumps(foot | counts))
    report.write_text(text, "utf-8")
    assert "was changed after the run that wrote it" in refusal(report)


@pytest.mark.parametrize("version", [0, 3, "3", None])
def test_another_version_of_the_format_is_refused(report, version):
    found = records(report)
    found[0]["version"] = version
    rewrite(report, found)
    assert f"has version {version!r} of the format, not 6" in refusal(report)


@pytest.mark.parametrize("text", ["", "\n", "not JSON\n", "[]\n", "{}\n", "[" * 99999])
def test_a_file_that_is_not_a_report_is_refused(report, text):
    report.write_text(text)
    assert refusal(report)


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"\0", b'{"record": "other"}\n'])
def test_a_report_with_something_else_in_it_is_refused(report, damage):
    first, rest = report.read_bytes().split(b"\n", 1)
    report.write_bytes(first + b"\n" + damage + rest)
    assert refusal(report)


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity", "1e999", '"1.5"'])
def test_an_invalid_instant_is_refused(report, number):
    text = report.read_text("utf-8")
    report.write_text(text.replace('"at": 1.5', f'"at": {number}'), "utf-8")
    assert refusal(report)


def test_a_field_too_many_or_too_few_is_refused(report):
    found = records(report)
    for change in ({"more": 1}, {}):
        test = dict(next(r for r in found if r["record"] == "test"))
        if not change:
            del test["reason"]
        rewrite(report, [found[0], test | change, *found[1:]])
        assert "has a test with other fields" in refusal(report)


def test_a_report_of_a_partial_run_is_refused(root):
    assert run(root, "-k", "example").returncode == 1
    assert "tests failed or were left out" in refusal(root / NAME)


def test_a_report_of_a_failed_run_is_refused(root):
    package = root / "packages/honest/src/honest_study"
    (package / "concepts/tasks.py").write_text("def tasks(job, say):\n    pass\n")
    assert run(root).returncode == 1
    assert "tests failed or were left out" in refusal(root / NAME)


def test_a_missing_report_is_refused(root):
    with pytest.raises(Refused, match=r"trio-3\.13\.jsonl cannot be read"):
        read(root / "reports/trio-3.13.jsonl", root)


def test_every_line_is_as_the_schema_says(made):
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for root in (made, ROOT):
        for path in (root / "reports").glob("*.jsonl"):
            try:
                read(path, root)
            except Refused:
                assert root == ROOT, "of yesterday's format, maybe"
                continue
            for record in records(path):
                validator.validate(record)


def test_a_study_in_another_distribution_has_its_report_in_the_matrix(tmp_path):
    root, home = tmp_path / "root", "../elsewhere"
    root.mkdir()
    make_a_study(root, home)
    (root / "packages").mkdir()
    (root / "noxfile.py").touch()
    topics = "shared/src/concurrency_study/topics"
    shutil.copytree(ROOT / topics, root / topics)
    done = run(root, home=home)
    assert done.returncode == 0, done.stdout + done.stderr

    def matrix():
        command = "from concurrency_comparisons.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", command, "matrix"],
            cwd=root,
            env=installed(root, home),
            capture_output=True,
            text=True,
        )

    assert "honest: Python 3." in matrix().stdout, matrix().stderr
    with (root / home / "honest_study/concepts/tasks.py").open("a") as file:
        file.write("# changed\n")
    assert "honest-3.11.jsonl is out of date" in matrix().stderr
