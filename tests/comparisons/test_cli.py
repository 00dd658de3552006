"""The ``study`` command: what each of its commands prints."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from concurrency_comparisons import cli
from concurrency_comparisons.answers import Tree
from concurrency_study.report import FORMAT, OUTCOMES, VERSION, fingerprint

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
TEXT = ("shared/src/concurrency_study/topics", "packages", "tests/conformance")
STUDY = [sys.executable, "-c", "from concurrency_comparisons.cli import main; main()"]
ESCAPE = "\x1b["


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "PAGER", "MANPAGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(ROOT)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout without reports and environments, in which to make some."""
    root = tmp_path / "checkout"
    for folder in TEXT:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    (root / "noxfile.py").touch()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def study(capfd):
    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capfd.readouterr())

    return call


@pytest.fixture
def shown(study):
    """A function that runs a command, expects no complaint, and returns its output."""

    def call(*arguments: str) -> str:
        code, out, complaints = study(*arguments)
        assert (code, complaints) == (0, "")
        return out

    return call


def a_test(name: str, outcome: str = "passed", **fields: object):
    return {
        "record": "test",
        "topic": "tasks",
        "test": name,
        "world": "trio",
        "variant": "",
        "needs": [],
        "outcome": outcome,
        "reason": "",
        "seconds": 1.0,
        **fields,
    }


def an_example(*events: tuple[float, str, str, str, str], **fields: object):
    keys = ("at", "by", "actor", "what", "detail")
    return {
        "record": "story",
        "topic": "tasks",
        "test": "test_the_example",
        "cancelled": None,
        "order": "first come, first served",
        "world": "trio",
        "variant": "",
        "seconds": max((at for at, *_ in events), default=0.0),
        "events": [dict(zip(keys, event, strict=True)) for event in events],
        **fields,
    }


def report(root: Path, study: str, *records, python="3.11.7", **header):
    outcomes = [each["outcome"] for each in records if each["record"] == "test"]
    head = {
        "record": "header",
        "format": FORMAT,
        "version": VERSION,
        "study": study,
        "worlds": [study],
        "fingerprint": fingerprint(root, study),
        "python": python,
        "implementation": "CPython",
        "libraries": {study: "1.2.3"},
        **header,
    }
    foot = {
        "record": "footer",
        "complete": "failed" not in outcomes,
        "tests": len(outcomes),
        **{key: outcomes.count(key) for key in OUTCOMES},
    }
    folder = root / "reports"
    folder.mkdir(exist_ok=True)
    path = folder / f"{study}-{python.rpartition('.')[0]}.jsonl"
    told = "".join(json.dumps(each) + "\n" for each in (head, *records))
    foot["digest"] = f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"
    path.write_text(f"{told}{json.dumps(foot)}\n")


def environment(root: Path, study: str, session: str = "3-11") -> Path:
    """Make the environment that nox makes, with the interpreter that runs this test."""
    python = root / f".nox/{study}-{session}/bin/python"
    python.parent.mkdir(parents=True)
    path = f"{root}/packages/{study}/src:{ROOT}/shared/src"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


# topics


def test_all_topics_are_listed_in_the_order_of_reading(shown):
    out = shown("topics")
    assert re.findall(r"^(\w+)  ", out, re.MULTILINE) == [*TREE.topics]
    assert "asyncio:gather" in out


def test_a_topic_can_be_read_in_full(shown):
    out = shown("topics", "tasks")
    assert squeezed(TREE.topics["tasks"].question) in squeezed(out)
    assert all(step in out for step in TREE.topics["tasks"].steps)


def test_topics_for_machines(shown):
    found = json.loads(shown("topics", "--json"))
    assert [each["name"] for each in found] == [*TREE.topics]
    answers = {each["name"]: each["answers"] for each in found}
    assert "asyncio:gather" in answers["results_at_end"]


# show


def test_answers_are_shown_side_by_side_by_step(shown):
    out = shown("show", "results_as_we_go", "trio", "gevent")
    assert re.search(r"^trio +│ gevent$", out, re.MULTILINE)
    titles = [out.index(step) for step in TREE.topics["results_as_we_go"].steps]
    assert titles == sorted(titles)
    assert "results_as_we_go, snooze" not in out  # the program: --whole


def test_a_step_that_is_not_needed_is_shown_as_absent(shown):
    out = shown("show", "results_as_we_go", "gevent")
    step = out.partition("1. A job")[2].partition("2. Start")[0]
    assert "-- not needed" in step


def test_the_topics_to_look_at_next_come_last(shown):
    last = shown("show", "race", "trio").splitlines()[-1]
    assert last == "See also: hedge, results_as_we_go, timeout"


def test_adjacent_steps_are_shown_once(shown):
    assert "-- together with step 3" in shown("show", "results_at_end", "threads:map")


def test_places_where_another_task_may_run_are_marked(shown):
    out = shown("show", "results_as_we_go", "trio")
    assert "»     handle(await results.receive())" in out
    assert "      nursery.start_soon(job, item)" in out


def test_without_a_study_all_are_shown(shown):
    out = shown("show", "tasks")
    assert all(re.search(rf"\b{study}\b", out) for study in TREE.studies)


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
@pytest.mark.parametrize("topic", ["pipeline", "results_at_end"])
def test_nothing_is_wider_than_the_terminal(shown, monkeypatch, topic, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (("show", topic, "--whole"), ("diff", topic, "threads", "trio")):
        out = shown(*arguments)
        assert max(map(len, out.splitlines())) <= columns


@pytest.mark.parametrize("topic", TREE.topics)
def test_nothing_is_clipped(shown, monkeypatch, topic):
    monkeypatch.setenv("COLUMNS", "40")
    for name in (name for name in TREE.studies if TREE.answers(name, topic)):
        out = squeezed(shown("show", topic, name, "--whole").replace("»", ""))
        for part in TREE.answer(name, topic).parts.values():
            assert squeezed("".join(line.text for line in part.code)) in out


def test_answers_for_machines(shown):
    found = json.loads(shown("show", "tasks", "trio", "anyio", "--json"))
    trio, _ = found["answers"]
    assert trio["path"] == "packages/trio/src/trio_study/concepts/tasks.py"
    lines = [line for part in trio["parts"] for line in part["lines"]]
    (nursery,) = [line for line in lines if "trio.open_nursery" in line["text"]]
    assert (nursery["switch"], nursery["shared"]) == (True, False)
    assert [line["shared"] for line in lines if "import trio" in line["text"]] == [True]


# diff


def test_lines_that_differ_only_in_the_name_of_the_library_are_alike(shown):
    out = shown("diff", "results_as_we_go", "trio", "anyio")
    assert re.search(r"^import trio +≈ import anyio$", out, re.MULTILINE)
    assert re.search(r"^for _ in inputs: +=", out, re.MULTILINE)
    assert re.search(r"nursery.start_soon\(job, item\) +\|     group.start_soon", out)


def test_lines_of_only_one_answer_are_marked(shown):
    out = shown("diff", "asyncio", "results_at_end", "asyncio:gather")
    assert re.search(r"> CANNOT = ", out)
    assert re.search(r"^    jobs = .* <$", out, re.MULTILINE)


def test_an_answer_does_not_differ_from_itself(shown):
    found = json.loads(shown("diff", "trio", "trio", "tasks", "--json"))
    assert {line["mark"] for row in found for line in row["lines"]} == {"="}


# run


def test_an_answer_runs_as_if_python_had_been_called(shown, checkout):
    environment(checkout, "threads")
    assert shown("run", "results_as_we_go", "threads") == "0.5 s\n1.0 s\n1.5 s\n"


def test_another_answer_can_be_run(shown, checkout):
    environment(checkout, "threads")
    lines = "0.5 s\n1.0 s\n1.5 s\n"
    topic = "results_as_we_go"
    assert shown("run", topic, "threads", "--variant", "as_completed") == lines
    assert shown("run", topic, "threads:as_completed") == lines


def test_lines_are_stamped_with_their_seconds(shown, checkout):
    environment(checkout, "threads")
    out = shown("run", "results_as_we_go", "threads", "--stamps")
    found = re.findall(r"^ *([\d.]+) s  [━ ]{20}  (.*)$", out, re.MULTILINE)
    assert [line for _, line in found] == ["0.5 s", "1.0 s", "1.5 s"]
    for seconds, line in found:  # it may be late, but not early
        assert float(seconds) >= float(line.removesuffix(" s")) - 0.01


@pytest.mark.parametrize("option", ["--stamps", "--no-stamps"])
def test_an_answer_reads_the_input_of_the_command(checkout, option):
    environment(checkout, "threads")
    done = subprocess.run(
        [*STUDY, "run", "event_loop", "threads", option],
        input="10\nexit\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].endswith("fib(10) = 55")


@pytest.mark.parametrize("option", ["--stamps", "--no-stamps"])
def test_the_command_returns_the_status_of_the_answer(study, checkout, option):
    python = environment(checkout, "threads")
    python.write_text("#!/bin/sh\nexit 7\n")
    assert study("run", "tasks", "threads", option)[0] == 7
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    assert study("run", "tasks", "threads", option)[0] == 128 + 9


@pytest.mark.parametrize("option", ["--stamps", "--no-stamps"])
def test_an_answer_that_is_interrupted_has_the_last_word(checkout, option):
    python = environment(checkout, "threads")
    python.write_text(
        "#!/bin/sh\ntrap 'echo farewell; exit 9' INT\necho ready\n"
        "while :; do sleep 0.1; done\n"
    )
    with subprocess.Popen(
        [*STUDY, "run", "tasks", "threads", option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as child:
        assert child.stdout
        assert child.stdout.readline().endswith("ready\n")
        os.killpg(child.pid, signal.SIGINT)
        out, complaints = child.communicate()
    assert out.endswith("farewell\n")
    assert (child.returncode, complaints) == (9, "")


def test_the_newest_python_runs_it(shown, checkout):
    environment(checkout, "threads", "3-9").write_text("#!/bin/sh\necho old\n")
    environment(checkout, "threads", "3-13").write_text("#!/bin/sh\necho new\n")
    assert shown("run", "tasks", "threads") == "new\n"


def test_a_study_that_is_not_installed_cannot_run(study, checkout):
    code, out, complaint = study("run", "tasks", "threads")
    assert (code, out) == (1, "")
    assert "nox -s threads" in complaint


# matrix


def test_without_reports_the_command_says_what_to_run(study, checkout):
    for arguments in (("matrix",), ("matrix", "tasks"), ("timeline", "tasks")):
        code, out, complaint = study(*arguments)
        assert (code, out) == (1, "")
        assert complaint.count("\n") == 1
        assert "run `nox -s compare`" in complaint


def test_the_matrix_counts_outcomes_and_gives_reasons(study, checkout):
    report(
        checkout,
        "trio",
        a_test("test_one"),
        a_test("test_two"),
        a_test("test_three", "cannot", reason="cannot fly: no wings"),
    )
    code, out, complaint = study("matrix")
    assert code == 0
    assert "no report of gevent; run `nox -s gevent`" in complaint
    assert "trio cannot fly: no wings" in out
    assert re.search(r"^ tasks +2 \(1\)$", out, re.MULTILINE)
    assert re.search(r"^ chaining +-$", out, re.MULTILINE)
    assert "trio: Python 3.11.7, trio 1.2.3" in out


def test_the_matrix_of_a_topic_shows_each_test_in_its_order(study, checkout):
    names = TREE.tests("tasks")[:3]
    records = [a_test(name) for name in reversed(names)]
    report(checkout, "trio", *records)
    report(checkout, "asyncio", a_test(names[0], "cannot", reason="cannot: why"))
    _, out, _ = study("matrix", "tasks")
    spoken = [name.removeprefix("test_").replace("_", " ") for name in names]
    where = [out.index(name[:30]) for name in spoken]
    assert where == sorted(where)
    assert re.search(rf"^ {spoken[0][:9]}.* cannot +passed$", out, re.MULTILINE)


def test_where_answers_differ_each_is_named(study, checkout):
    cannot = a_test("test_it", "cannot", variant="map", reason="cannot: why")
    report(checkout, "trio", a_test("test_it"), cannot)
    _, out, _ = study("matrix", "tasks")
    assert re.search(r"^ it +not map$", out, re.MULTILINE)
    assert "trio:map cannot: why" in out


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_the_matrix_fits_with_all_studies(shown, checkout, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    cannot = {"variant": "as_completed", "reason": "cannot: why"}
    for name in TREE.studies:
        exceptional = name in ("threads", "asyncio")
        records = [a_test(test) for test in TREE.tests("tasks")]
        records += [a_test(records[0]["test"], "cannot", **cannot)] * exceptional
        report(checkout, name, *records)
    out = shown("matrix")
    assert max(map(len, out.splitlines())) <= columns
    assert all(name in out for name in (*TREE.studies, *TREE.topics))
    out = shown("matrix", "tasks")
    assert max(map(len, out.splitlines())) <= columns
    assert all(name in out for name in (*TREE.studies, "as_completed", "passed"))
    assert not re.search(r"\b(passe|canno)$", out, re.MULTILINE)


def test_a_report_of_another_text_is_refused(study, checkout):
    report(checkout, "trio", a_test("test_one"))
    report(checkout, "asyncio", a_test("test_one"))
    path = checkout / "packages/trio/src/trio_study/concepts/tasks.py"
    path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
    code, out, complaint = study("matrix")
    assert code == 0
    assert "trio" not in out
    assert re.search(r"study: reports/trio-3.11.jsonl .*`nox -s trio`", complaint)


def test_the_newest_python_whose_report_is_good_counts(study, checkout):
    report(checkout, "trio", a_test("test_one"), python="3.9.1")
    report(checkout, "trio", a_test("test_one"), python="3.11.7")
    report(checkout, "trio", python="3.13.0", fingerprint="sha256:" + 64 * "0")
    found = json.loads(study("matrix", "--json")[1])
    assert found["trio"]["python"] == "3.11.7"
    assert [test["test"] for test in found["trio"]["tests"]] == ["test_one"]


# timeline


EVENTS = (
    (0.0, "tasks", "tasks", "spawn", "task"),
    (0.0, "job", "job", "spawn", "task"),
    (0.0, "job", "job(1)", "start", ""),
    (0.0, "job", "job(1)", "sleep", "1 s"),
    (0.0, "job no. 2", "job no. 2", "spawn", "task"),
    (0.0, "job no. 2", "job(2)", "start", ""),
    (0.0, "job no. 2", "job(2)", "sleep", "2 s"),
    (1.0, "job", "job(1)", "wake", ""),
    (1.0, "job", "job(1)", "end", ""),
    (1.0, "job", "job", "exit", "end"),
    (1.0, "tasks", "report", "call", "'one'"),
    (2.0, "job no. 2", "job(2)", "error", "ValueError('two')"),
    (2.0, "job no. 2", "job no. 2", "exit", "error"),
    (2.0, "tasks", "tasks", "exit", "end"),
)


def test_a_timeline_has_a_lane_for_each_actor(study, checkout):
    report(checkout, "trio", an_example(*EVENTS))
    _, out, _ = study("timeline", "tasks")
    lanes = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    one, two, main = (lanes[f"{n} (task)"] for n in ("job(1)", "job(2)", "tasks"))
    assert re.search(r"├─+┤$", one)
    assert re.search(r"├─+✗$", two)
    assert re.search(r"├─+●─+┤$", main)
    assert len(one) < len(two) == len(main) <= 80
    assert one.index("┤") == main.index("●")
    assert "1 s  tasks calls report('one')" in out
    assert "2 s  job no. 2 job(2) fails with ValueError('two')" in out


def test_studies_share_the_axis_of_time(study, checkout):
    for name, end in (("trio", 4.0), ("asyncio", 2.0)):
        life = (0.0, "a", "a", "spawn", "task"), (end, "a", "a", "exit", "end")
        report(checkout, name, an_example(*life))
    _, out, _ = study("timeline", "tasks")
    early, late = re.findall(r"├─+┤$", out, re.MULTILINE)
    assert abs(len(late) / len(early) - 2) < 0.1


def test_a_timeline_in_which_no_time_passes_shows_the_order(shown, checkout):
    events = [(0.0, *event) for _, *event in EVENTS]
    report(checkout, "trio", an_example(*events))
    out = shown("timeline", "tasks", "trio")
    assert "all at 0 s, in the order in which it happened" in out
    begins = [out.index(f"{name} (task)") for name in ("tasks", "job(1)", "job(2)")]
    assert begins == sorted(begins)
    assert re.search(r"^job\(1\) \(task\) +├.*┤$", out, re.MULTILINE)
    report(checkout, "trio", an_example())
    assert shown("timeline", "tasks", "trio")


def test_a_timeline_as_a_trace_for_viewers(shown, checkout):
    report(checkout, "trio", an_example(*EVENTS))
    events = json.loads(shown("timeline", "tasks", "--trace", "trio"))["traceEvents"]
    names = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
    assert names == ["tasks (task)", "job(1) (task)", "job(2) (task)"]


def test_a_study_with_several_worlds_has_a_timeline_for_each(shown, checkout):
    report(
        checkout,
        "anyio",
        an_example(world="anyio-on-asyncio"),
        an_example(world="anyio-on-trio"),
        worlds=["anyio-on-asyncio", "anyio-on-trio"],
    )
    found = json.loads(shown("timeline", "tasks", "anyio", "--json"))
    assert [*found] == ["anyio (anyio-on-asyncio)", "anyio (anyio-on-trio)"]


def test_a_report_without_the_example_is_an_error(study, checkout):
    report(checkout, "trio", an_example(*EVENTS))
    code, _, complaint = study("timeline", "chaining", "trio")
    assert code == 1
    assert "no report holds the example of 'chaining'" in complaint


# every command


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "taks"), "study: no topic 'taks'; did you mean 'tasks'?"),
        (("show", "tasks", "tiro"), "study: no study 'tiro'; did you mean 'trio'?"),
        (("show", "tasks", "trio:x"), "study: trio has only one answer to 'tasks'"),
        (
            ("diff", "asyncio:gahter", "trio", "results_at_end"),
            "study: no variant 'gahter'; did you mean 'gather'?",
        ),
        (("run", "tasks", "zzz"), "study: no study 'zzz'; there are generators,"),
        (("matrix", "taks"), "study: no topic 'taks'"),
        (("timeline", "tasks", "tiro"), "study: no study 'tiro'"),
        (("topics", "taks"), "study: no topic 'taks'"),
        (("sohw",), "study: no such command 'sohw'"),
        (("show",), "study: missing argument 'TOPIC"),
        (("show", "trio"), "study: name a topic as well; there are countdown,"),
        (("show", "tasks", "race"), "study: name one topic, not tasks and race"),
        (("diff", "tasks", "trio"), "study: name two answers beside tasks"),
        (("diff", "tasks", "trio", "--x"), "study: no such option: --x; see"),
    ],
)
def test_a_mistyped_name_gets_a_suggestion(study, arguments, complaint):
    code, out, complaints = study(*arguments)
    assert (code, out) == (2, "")
    assert complaint in complaints


def test_root_names_the_checkout(study, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = study("topics")
    assert code == 2
    assert "--root" in complaint
    assert "tasks" in shown("--root", str(ROOT), "topics")
    assert study("--root", str(tmp_path), "topics")[0] == 2


def test_a_broken_file_is_named_in_the_error(study, checkout):
    path = checkout / "packages/trio/src/trio_study/concepts/tasks.py"
    path.write_text("def tasks(:\n")
    code, out, complaint = study("show", "tasks")
    assert (code, out) == (1, "")
    assert "concepts/tasks.py" in complaint


def test_without_a_command_there_is_help(study):
    _, out, complaints = study()
    for command in ("topics", "show", "diff", "run", "matrix", "timeline"):
        assert re.search(rf"^  {command}  +\w.*[^.]\.$", out + complaints, re.MULTILINE)


def in_a_terminal(*arguments: str, **environment: str) -> str:
    """Return what a command writes to a terminal of 80 columns and 24 rows."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (24, 80))
    with subprocess.Popen(
        [*STUDY, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        env=os.environ | {"TERM": "xterm"} | environment,
    ):
        os.close(its)
        with open(ours, "rb", buffering=0) as terminal:
            written = b""
            # Reading raises OSError once the command has closed the terminal.
            with contextlib.suppress(OSError):
                while some := terminal.read(4096):
                    written += some
    return written.decode()


def test_a_terminal_gets_colours_and_a_pager(monkeypatch):
    monkeypatch.delenv("COLUMNS")
    out = in_a_terminal("show", "tasks", PAGER="sed s/^/paged:/")
    lines = out.splitlines()
    assert all(line.startswith("paged:") for line in lines)
    coloured = re.compile(r"\x1b\[[0-9;]*m")
    assert coloured.search(out)
    assert max(len(coloured.sub("", line)) for line in lines) <= 80 + len("paged:")
    assert "paged:" not in in_a_terminal("show", "tasks", "--no-pager")


def test_no_color_turns_colours_off():
    out = in_a_terminal("show", "tasks", "--no-pager", NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:[0-9;]*;)?[349][0-9][;m]", out)


def test_a_pipe_gets_no_colours(shown):
    assert ESCAPE not in shown("show", "tasks")


def test_a_terminal_sees_when_each_line_came(checkout):
    environment(checkout, "threads")
    out = in_a_terminal("run", "results_as_we_go", "threads", NO_COLOR="1")
    assert re.search(r"\d\.\d\d s  ━+ +0\.5 s", out)


def test_a_closed_pipe_is_not_an_error():
    with subprocess.Popen(
        [*STUDY, "show", "tasks"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        assert child.stderr.read() == b""


def test_an_encoding_without_the_marks_is_not_an_error():
    done = subprocess.run(
        [*STUDY, "diff", "trio", "anyio", "tasks"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"~ import anyio" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("study ma", ["matrix"]),
        ("study show results", ["results_at_end", "results_as_we_go"]),
        ("study show tasks t", ["threads", "trio"]),
        ("study diff asy", ["asyncio"]),
    ],
)
def test_the_shell_completes_names(words, expected):
    done = subprocess.run(
        STUDY,
        capture_output=True,
        env=os.environ
        | {
            "_STUDY_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        text=True,
    )
    assert done.stdout.split() == expected


def test_topic_and_answers_may_come_in_any_order(shown):
    one = shown("diff", "tasks", "trio", "anyio")
    assert shown("diff", "trio", "tasks", "anyio") == one
    assert shown("diff", "trio", "anyio", "tasks") == one
    assert shown("show", "trio", "tasks") == shown("show", "tasks", "trio")


def test_the_version_is_printed(shown):
    assert re.fullmatch(r"study \d+\.\d+\.\d+\n", shown("--version"))


def test_ctrl_c_in_a_run_prints_no_traceback(checkout):
    environment(checkout, "threads")
    for option in ("--stamps", "--no-stamps"):
        command = [*STUDY, "run", "blocking_calls", "threads", option]
        with subprocess.Popen(
            command,
            cwd=checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        ) as running:
            assert running.stdout.readline()
            os.killpg(running.pid, signal.SIGINT)
            _, complaint = running.communicate(timeout=300)
        assert complaint == ""
        assert running.returncode == 130
