"""The index of names: its rows, its addresses, its page and its command."""

from __future__ import annotations

import ast
import json
import re
from itertools import groupby
from pathlib import Path

import pytest
from concurrency_comparisons import cli, names
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.questions import all_asked
from concurrency_comparisons.rendering import linked, templates
from concurrency_study.counterparts import (
    BadCounterpart,
    Code,
    Name,
    imported,
    purposes,
    read,
)

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
ROWS = names.index(TREE)
ASKED = all_asked(TREE, {})
EVERY = [
    (study, used)
    for row in ROWS
    for study, cell in row.cells.items()
    for used in cell.used
]
SITES = {
    "trio": "https://trio.readthedocs.io/en/stable/",
    "anyio": "https://anyio.readthedocs.io/en/stable/api.html#",
    "gevent": "https://www.gevent.org/api/gevent.",
    "distributed": "https://distributed.dask.org/en/stable/api.html#distributed.",
}
"""The documentation of each library that has a site of its own."""
PYTHON = re.compile(r"https://docs\.python\.org/(3/library|3\.12/c-api)/[\w.-]+\.html#")
CODE = """
import asyncio
from queue import Queue as Q, SimpleQueue
from . import kernel
from .kernel import sleep
def f(loop):
    asyncio.gather(a, b, return_exceptions=True)
    Q().get()
    kernel.run(sleep, 3)
    asyncio.get_running_loop().call_later(1, f)
    asyncio.wait({}, timeout=3)
    SimpleQueue()
    raise TimeoutError
"""


@pytest.fixture(scope="module")
def page():
    """The text of the page."""
    return templates.get_template("names.html").render(
        names.page(TREE, TREE.studies),
        asked=ASKED,
        costs=None,
        days=[],
        inline=str,
        link=linked(TREE),
        listed=", ".join,
        preferred=TREE.studies,
        versions={},
    )


# The rows


def test_a_study_with_names_has_one_or_a_reason_for_each_purpose():
    listed = [
        study
        for study, entry in TREE.entries.items()
        if (entry.package / "counterparts.toml").exists()
    ]
    for row in ROWS:
        assert [*row.cells] == listed, row.purpose.key
        for cell in row.cells.values():
            assert bool(cell.used) != bool(cell.counterpart.absent)


def test_each_purpose_has_a_title_of_its_own_and_groups_are_together():
    rows = purposes().values()
    assert len({row.title for row in rows}) == len(rows)
    groups = [group for group, _ in groupby(row.group for row in rows)]
    assert len(groups) == len(set(groups)) < len(rows)
    assert not {row.key for row in rows} & {row.title for row in rows}


def test_a_queue_of_asyncio_shares_a_row_with_a_memory_channel_of_trio():
    (row,) = names.matching(ROWS, "asyncio.Queue")
    assert "asyncio.Queue" in [used.name.name for used in row.cells["asyncio"].used]
    assert "trio.open_memory_channel" in [u.name.name for u in row.cells["trio"].used]
    assert "default_capacity" in row.questions
    assert "pipeline" in row.topics


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[no_such]\nabsent = 'None.'", "no purpose has such a key"),
        ("[sleep]\nnote = 'None.'", "either names or absent"),
        ("[sleep]\nabsent = 'None.'\nnames = []", "either names or absent"),
        ("[sleep]\nabsent = 'None'", "must be a sentence"),
        ("[sleep]\nabsent = 'None.'\nwhy = 'A.'", "unknown key 'why'"),
        ("[sleep]\nnames = [{name = 'a'}]", "missing 1 required .* 'docs'"),
        ("[sleep]\nnames = [{name = 'a', docs = 'b', of = 'c'}]", "argument 'of'"),
        ("sleep = 3", "sleep must be a table"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path, table, message):
    (tmp_path / "counterparts.toml").write_text(table)
    with pytest.raises(BadCounterpart, match=message):
        read("toy", tmp_path)


def test_a_study_from_elsewhere_may_have_no_names(tmp_path):
    assert read("toy", tmp_path) == {}


# What uses a name


@pytest.mark.parametrize(
    ("name", "near", "used"),
    [
        ("asyncio.gather", (), True),
        ("asyncio.gather(return_exceptions=True)", (), True),
        ("asyncio.gather(return_exceptions=False)", (), False),
        ("asyncio.gather(..., b)", (), True),
        ("asyncio.gather(..., a)", (), False),
        ("asyncio.gather()", (), False),
        ("asyncio.wait(..., timeout=...)", (), True),
        ("asyncio.wait(..., return_when=...)", (), False),
        ("asyncio.get_running_loop()", (), True),
        ("queue.Queue.get", (), True),
        ("queue.SimpleQueue.get", (), True),
        ("queue.LifoQueue.get", (), False),
        ("queue.LifoQueue.get", ("queue.Queue",), True),
        ("loop.call_later", ("asyncio.get_running_loop",), True),
        ("loop.call_at", ("asyncio.get_running_loop",), False),
        ("kernel.run", (), True),
        ("kernel.sleep", (), True),
        ("TimeoutError", (), True),
        ("ValueError", (), False),
    ],
)
def test_code_uses_a_name_or_does_not(name, near, used):
    tree = ast.parse(CODE)
    code = Code(tree, imported(tree))
    assert code.uses(Name(name, "", near=near)) is used


# Addresses


@pytest.mark.parametrize(
    ("study", "used"), EVERY, ids=[f"{study} {used.name.name}" for study, used in EVERY]
)
def test_a_name_leads_to_its_place_in_the_documentation_of_its_library(study, used):
    docs, path = used.name.docs, used.name.path
    library, _, rest = path.partition(".")
    if used.file:
        assert rest.partition(".")[0] in used.file.read_text("utf-8")
        return
    assert docs.startswith(SITES.get(library, "")) or library not in SITES
    assert PYTHON.match(docs) or library in SITES
    last = docs.partition("#")[2].rpartition(".")[2]
    assert last
    assert last in path.split(".")


# The page


def test_each_name_has_a_place_on_the_page_and_a_link_to_its_documentation(page):
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for _, used in EVERY:
        assert used.name.name.replace(" ", "") in ids
        assert used.file or f'href="{used.name.docs}"' in page


def test_the_list_of_all_names_is_in_order_and_leads_to_rows(page):
    ids = re.findall(r'id="([^"]+)"', page)
    for study in TREE.studies:
        found = names.alphabetical(ROWS, study)
        assert [*found] == sorted(found, key=str.lower)
        assert {place for places in found.values() for place in places} <= {*ids}


def test_each_name_leads_to_a_question_a_topic_or_an_example(page):
    for study, used in EVERY:
        assert used.questions or used.topics or used.example, (study, used.name)
    for row in ROWS:
        for key in row.questions:
            assert f'href="{ASKED[key].page}"' in page


def test_a_question_that_speaks_of_the_name_comes_first():
    (row,) = names.matching(ROWS, "asyncio.shield")
    (used,) = row.cells["asyncio"].used
    assert "shared_result_waiter_cancelled" in used.about
    assert used.about == [*used.questions][: len(used.about)]


def test_the_page_is_light(page):
    assert len(page.encode()) < 42_000 * len(TREE.studies)


def test_a_long_name_may_break_after_dots_and_between_words():
    assert names.breakable("a.b_c") == "a.<wbr>b_c"
    assert "memory_<wbr>object" in names.breakable("anyio.create_memory_object_stream")
    assert "Receive<wbr>Stream" in names.breakable("MemoryObjectReceiveStream.receive")
    assert names.breakable("a.wait(..., b=<c>)") == "a.<wbr>wait(..., b=&lt;c&gt;)"


# The command


@pytest.fixture
def called(capsys, monkeypatch):
    """A function that runs the command and returns its status and its output."""
    monkeypatch.setattr(names, "index", lambda tree: ROWS)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["--root", str(ROOT), "names", *arguments])
        return ended.value.code, capsys.readouterr()

    return call


@pytest.mark.parametrize(
    "word", ["asyncio.Queue", "open_memory_channel", "queue.queue"]
)
def test_the_command_prints_the_counterparts_of_a_name(called, word):
    code, said = called(word)
    assert code == 0
    assert "A queue between tasks\n" in said.out
    assert "trio: trio.open_memory_channel. Returns two ends" in said.out


def test_the_command_finds_words_of_purposes(called):
    _, said = called("barrier for")
    assert "threads: threading.Barrier\n" in said.out
    assert "trio: Count the arrivals." in said.out


def test_the_command_prints_json(called):
    _, said = called("gather", "--json")
    (row,) = [row for row in json.loads(said.out) if row["key"] == "gather"]
    assert "anyio.gather" in row["studies"]["anyio"]["names"]


def test_the_command_refuses_an_unknown_word(called):
    code, said = called("no such")
    assert code == 2
    assert "no name or purpose has 'no such'" in said.err
