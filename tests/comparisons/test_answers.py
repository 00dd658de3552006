"""The parser of answers: it loses no line and finds the differences."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import dedent, indent

import pytest
from concurrency_comparisons.answers import (
    AnswerFile,
    Line,
    NotFound,
    Tree,
    Unreadable,
    unknown,
)
from concurrency_comparisons.comparison import aligned, rows, shared_lines
from concurrency_comparisons.lines import normal_lines, source_lines
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
ANSWERS = [
    answer
    for topic in TREE.topics
    for study in TREE.studies
    for answer in TREE.answers(study, topic)
]

every_answer = pytest.mark.parametrize(
    "answer", ANSWERS, ids=lambda answer: f"{answer.name}-{answer.topic}"
)


def answer_of(text: str, study: str = "demo", variant: str = "") -> AnswerFile:
    entry = TREE.entries.get(study)
    return AnswerFile(study, "topic", variant, Path("topic.py"), dedent(text), entry)


def numbers(answer: AnswerFile) -> dict[str, list[int]]:
    return {
        name: [line.number for line in part.lines]
        for name, part in answer.parts.items()
    }


def switches(text: str, study: str) -> list[str]:
    body = indent(dedent(text), "    ")
    parts = answer_of(f"async def topic():\n{body}", study).parts
    return [
        line.text.strip()
        for part in parts.values()
        for line in part.lines
        if line.switch
    ]


def assert_nothing_is_lost(answer: AnswerFile) -> None:
    lines = sorted(
        (line.number, line.text)
        for part in answer.parts.values()
        for line in part.lines
    )
    documented = ast.get_docstring(answer.tree, clean=False) is not None
    first = answer.tree.body[0].end_lineno or 0 if documented else 0
    assert lines == list(enumerate(source_lines(answer.text), 1))[first:]


@every_answer
def test_every_line_after_the_docstring_is_in_one_part(answer):
    assert_nothing_is_lost(answer)


@every_answer
def test_the_steps_are_those_of_the_topic(answer):
    steps = TREE.topics[answer.topic].steps
    found = {n: p.title for n, p in answer.parts.items() if n.startswith("step ")}
    assert found
    assert found.items() <= {
        (f"step {number}", text) for number, text in enumerate(steps, 1)
    }


@every_answer
def test_an_answer_has_all_parts_besides_its_steps(answer):
    assert {"imports", "signature", "main guard"} <= answer.parts.keys()
    assert "check(" in "".join(line.text for line in answer.parts["signature"].lines)
    assert "__main__" in answer.parts["main guard"].lines[0].text
    assert answer.title == TREE.topics[answer.topic].title
    assert answer.particular


@every_answer
def test_there_is_a_place_where_another_task_may_run(answer):
    if answer.name != "generators:callbacks":
        answers = [part for name, part in answer.parts.items() if name != "helpers"]
        assert any(line.switch for part in answers for line in part.lines)


@pytest.mark.parametrize("topic", TREE.topics)
def test_rows_hold_every_part_once(topic):
    answers = [answer for answer in ANSWERS if answer.topic == topic]
    found = [name for names in rows(answers) for name in names]
    assert len(found) == len(set(found))
    assert set(found) == {name for answer in answers for name in answer.parts}


def test_a_part_extends_to_the_next():
    answer = answer_of(
        '''\
        """Title.

        Particular.
        """

        import one

        CONSTANT = 1


        # Why it is so.
        def topic():
            check()

            # 1. First.
            def inner():
                pass

            # 2. Second.
            with inner():
                # No step: a comment.
                pass
            return 1


        def helper():
            pass


        if __name__ == "__main__":
            topic()
        '''
    )
    assert (answer.title, answer.particular) == ("Title.", "Particular.")
    assert numbers(answer) == {
        "imports": [5, 6, 7],
        "helpers": [8, 9, 10, 26, 27, 28, 29],
        "signature": [11, 12, 13, 14],
        "step 1": [15, 16, 17, 18],
        "step 2": [19, 20, 21, 22, 23, 24, 25],
        "main guard": [30, 31],
    }
    assert [line.text for line in answer.parts["step 1"].code] == [
        "    def inner():",
        "        pass",
    ]


def test_adjacent_steps_share_their_code():
    answer = answer_of(
        """\
        def topic():
            # 1. First.
            # 3. Third.
            return wait()
        """
    )
    other = answer_of(
        """\
        def topic():
            # 1. First.
            one()

            # 2. Second.
            two()

            # 3. Third.

            # 4. Fourth.
            return wait()
        """
    )
    assert answer.parts["step 1"].shares == "step 3"
    assert answer.parts["step 3"].shares == ""
    assert rows([answer]) == [["signature"], ["step 1", "step 3"]]
    assert other.parts["step 3"].shares == ""  # it neither has code nor shares any
    assert other.parts["step 3"].code == []
    assert rows([answer, other]) == [
        ["signature"],
        ["step 1", "step 2", "step 3"],
        ["step 4"],
    ]


def test_only_a_comment_line_begins_a_step():
    answer = answer_of(
        '''\
        def topic():
            text = """
            # 1. No step.
            """
            return text  # 2. No step, either.


        def helper():
            # 3. A step of something else.
            pass
        '''
    )
    assert [*answer.parts] == ["signature", "helpers"]


def test_only_a_newline_ends_a_line(tmp_path):
    text = "def topic():\n    return 'a\x0cb\u2028c'\n\x0c\nX = 1\n"
    answer = answer_of(text)
    assert_nothing_is_lost(answer)
    assert numbers(answer) == {"signature": [1, 2, 3], "helpers": [4]}


PIECES = st.sampled_from(
    [
        "    # 1. First.",
        "    # 2. Second.",
        "    # a comment",
        "# at the margin",
        "",
        "    pass",
        "    with a:\n        # 1. First.\n        pass",
        '    """text\n    # 2. Second.\n    """',
        "    def inner():\n        yield",
        "def helper():\n    pass",
        "import one",
        "@decorated\nclass Helper:\n    x = 1",
        "CONSTANT = (\n    1,\n)",
        "if __name__ == '__main__':\n    topic()",
    ]
)


@given(before=st.lists(PIECES), after=st.lists(PIECES), doc=st.booleans())
def test_no_line_of_any_text_is_lost(before, after, doc):
    text = '"""Title.\n\nMore."""\n' * doc
    text += "\n".join(piece for piece in before if not piece.startswith("    "))
    text += "\ndef topic():\n    check()\n"
    indented = True
    for piece in after:
        indented = indented and (piece[:1] in " #" or not piece)
        if indented or not piece.startswith("    "):
            text += f"{piece}\n"
    assert_nothing_is_lost(answer_of(text))


def test_keywords_say_where_another_task_may_run():
    text = """
        async with a as b:
            x = 1
        async for c in d:
            await e(
                f
            )
        return [g async for g in h]
    """
    assert switches(text, "trio") == [
        "async with a as b:",
        "async for c in d:",
        "await e(",
        "return [g async for g in h]",
    ]


def test_generators_switch_where_they_yield():
    text = "yield\nx = (yield)\noutlet.send(x)\nsend(x)\n"
    assert switches(text, "generators") == [
        "yield",
        "x = (yield)",
        "outlet.send(x)",
    ]
    assert switches("yield\n", "threads") == []


def test_calls_that_wait_are_known_by_name():
    text = """
    time.sleep(1)
    queue.get()
    get()
    queue.get(block=False)
    done = {}.get_nowait()
    with lock:
        pass
    with open(path) as file:
        pass
    lock = threading.Lock()
    for job in as_completed(jobs):
        pass
    """
    assert switches(text, "threads") == [
        "time.sleep(1)",
        "queue.get()",
        "with lock:",
        "for job in as_completed(jobs):",
    ]


def test_a_loop_over_a_channel_waits():
    text = """
    def stage(inlet: Channel[str], lines: list[str]):
        for line in inlet:
            pass
        for line in lines:
            pass
    with gevent.iwait(jobs) as ended:
        for job in ended:
            pass
    """
    assert switches(text, "gevent") == ["for line in inlet:", "for job in ended:"]


def test_calling_a_function_that_waits_is_a_wait():
    text = """
    def inner():
        gevent.sleep(1)
    def outer():
        inner()
    def starter():
        spawn(inner)
    outer()
    starter()
    """
    assert switches(text, "gevent") == ["gevent.sleep(1)", "inner()", "outer()"]


def test_lines_are_compared_without_the_name_of_the_library():
    one = normal_lines("trio.sleep( 1 )  # why\n", frozenset({"trio"}))
    other = normal_lines("asyncio.sleep(1)\n", frozenset({"asyncio"}))
    assert one == other
    assert normal_lines("x = 'trio'\n", frozenset({"trio"})) != normal_lines(
        "x = 'anyio'\n", frozenset({"anyio"})
    )
    assert normal_lines("# 1. Step.\n# trio\n", frozenset()) == {1: "# 1. Step."}


def test_shared_lines_are_those_that_another_has():
    one = answer_of("def topic():\n    trio.sleep(1)\n    own()\n    own()\n", "trio")
    other = answer_of("def topic():\n\n    anyio.sleep(1)\n    more()\n", "anyio")
    assert shared_lines([one, other]) == {"trio": {1, 2}, "anyio": {1, 3}}
    assert shared_lines([one]) == {"trio": set()}


def test_studies_are_in_the_order_of_the_registry_and_then_by_name(tmp_path):
    (tmp_path / "noxfile.py").touch()
    for name, order in {"zero": "", "trio": 2, "alpha": "", "later": 9}.items():
        package = tmp_path / f"packages/{name}"
        (package / f"src/{name}_study").mkdir(parents=True)
        if order:
            entry = f"[tool.concurrency-study]\norder = {order}\n"
            (package / "pyproject.toml").write_text(entry)
    assert Tree(tmp_path).studies == ["trio", "later", "alpha", "zero"]


def test_the_recommended_answer_comes_first():
    variants = [answer.variant for answer in TREE.answers("asyncio", "results_at_end")]
    assert variants == ["", "gather", "wait"]
    answer = TREE.answer("asyncio:gather", "results_at_end")
    assert answer.name == "asyncio:gather"
    assert answer.module == "asyncio_study.use_cases.results_at_end_gather"


def test_a_file_answers_the_topic_with_the_longest_name_that_fits(tmp_path):
    (tmp_path / "noxfile.py").touch()
    questions = tmp_path / "shared/src/concurrency_study/topics"
    room = tmp_path / "packages/trio/src/trio_study/concepts"
    questions.mkdir(parents=True)
    room.mkdir(parents=True)
    (questions / "__init__.py").write_text(
        "SECTIONS = {'concepts': ('tasks', 'tasks_late')}\nREAL = ()\n"
    )
    for topic in ("tasks", "tasks_late"):
        (questions / f"{topic}.py").write_text(
            '"""T: t."""\nNEIGHBOURS = ()\nNATIVE = ()\nSTEPS = ()\n'
        )
    for stem in ("tasks", "tasks_late", "tasks_late_too", "tasksandmore"):
        (room / f"{stem}.py").touch()
    tree = Tree(tmp_path)
    assert [a.path.stem for a in tree.answers("trio", "tasks")] == ["tasks"]
    assert [a.variant for a in tree.answers("trio", "tasks_late")] == ["", "too"]


def test_a_checkout_is_found_from_within():
    assert Tree.above(ROOT / "packages/trio/src").root == ROOT


def test_a_missing_checkout_is_an_error(tmp_path):
    with pytest.raises(NotFound, match="--root"):
        Tree.above(tmp_path)
    with pytest.raises(NotFound, match="not a checkout"):
        Tree(tmp_path)


def test_an_unknown_name_suggests_a_similar_one():
    assert unknown("study", "tiro", ["asyncio", "trio"]) == (
        "no study 'tiro'; did you mean 'trio'?"
    )
    assert unknown("study", "zzz", ["asyncio", "trio"]) == (
        "no study 'zzz'; there are asyncio, trio"
    )
    for study, topic in (("tiro", "tasks"), ("trio", "taks"), ("asyncio:x", "tasks")):
        with pytest.raises(NotFound):
            TREE.answer(study, topic)


def test_an_unreadable_file_is_named_in_the_error():
    with pytest.raises(Unreadable, match=r"topic\.py"):
        _ = answer_of("def topic(:\n").parts
    with pytest.raises(Unreadable, match="no function 'topic'"):
        _ = answer_of("def other():\n    pass\n").parts
    with pytest.raises(Unreadable, match="no function 'topic'"):
        _ = answer_of("").parts


def test_no_study_is_imported():
    imported = {
        alias.name
        for path in (ROOT / "comparisons/src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (
            node.names
            if isinstance(node, ast.Import)
            else [ast.alias(node.module or "")]
        )
    }
    libraries = {"asyncio", "trio", "gevent", "anyio"}
    assert not {name for name in imported if name.endswith("_study")} - {
        "concurrency_study"
    }
    assert not {name.partition(".")[0] for name in imported} & libraries


# Lines side by side


def lines(*texts):
    return [
        Line(number, text, False, text.strip().replace("trio", "…"))
        for number, text in enumerate(texts, 1)
    ]


def test_lines_beside_one_another_are_marked_by_what_changes():
    left = lines("import trio", "same", "old", "gone")
    right = lines("import …", "same", "new", "more")
    changes = aligned(left, right)
    assert [change.mark for change in changes] == ["≈", "=", "|", "|"]
    assert [c.mark for c in aligned(left[:1], [])] == ["<"]
    assert [c.mark for c in aligned([], right[:1])] == [">"]
