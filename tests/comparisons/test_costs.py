"""The page of costs on the site: complete, in words, and no more than was measured."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from concurrency_comparisons import figures, site
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.bench import contestants, pools
from concurrency_comparisons.bench.costs import Axis, Costs, NoFigures
from concurrency_comparisons.figures import REFERENCE, compared, microseconds
from concurrency_comparisons.questions import all_asked
from concurrency_comparisons.rendering import linked, templates
from concurrency_study.behaviours import questions

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
COSTS = Costs.read(ROOT)
BLOCKS = [*COSTS.blocks]


@pytest.fixture(scope="module")
def page():
    return templates.get_template("costs.html").render(
        costs=COSTS,
        pools=pools.read(ROOT),
        microseconds=microseconds,
        subjects=[SimpleNamespace(topic=topic) for topic in TREE.topics.values()],
        asked=all_asked(TREE, {}),
        inline=site.inline,
        link=linked(TREE),
        versions={},
        days=[],
    )


class Rows(HTMLParser):
    """The rows of the tables of one class: a list of cells, each a list of texts."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.inside = kind, False
        self.rows = []

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.inside = dict(attrs).get("class") == self.kind
        elif tag == "tr" and self.inside:
            self.rows.append([])
        elif tag in ("td", "th") and self.inside:
            self.rows[-1].append([])

    def handle_endtag(self, tag):
        if tag == "table":
            self.inside = False

    def handle_data(self, data):
        if self.inside and data.strip() and self.rows and self.rows[-1]:
            self.rows[-1][-1].append(data.strip())


def rows(page, kind):
    parser = Rows(kind)
    parser.feed(page)
    return parser.rows


def section(page, name):
    """Return the part of the page on one benchmark."""
    _, _, rest = page.partition(f'<h3 id="{name}"')
    return re.split("<h[23] ", rest)[0]


# The page


def test_the_page_is_light_and_has_no_script_of_its_own(page):
    assert len(page.encode()) <= 150_000
    assert "<script" not in page.partition("<main")[2]


def test_the_page_says_when_where_and_with_what_it_was_measured(page):
    about = COSTS.about
    begin = page.partition("<main")[2].partition("</p>")[0]
    assert about["when"] in begin
    assert f"CPython {about['python']}" in begin
    assert about["machine"]["processor"] in begin


def test_the_page_begins_with_answers_that_have_a_figure(page):
    begin = page.partition('id="short"')[2].partition("</dl>")[0]
    answers = re.findall(r"<dt>.*?</dt>\s*<dd>(.*?)</dd>", begin, re.DOTALL)
    assert len(answers) == 10
    figure = r"<b>[\d.,]+( µs| ms| bytes)?</b>|\d × (slower|faster)"
    assert all(re.search(figure, answer) for answer in answers)
    assert COSTS.cost("spawn_and_join", "trio") in answers[0]
    assert COSTS.compared("spawn_and_join", "trio") in answers[0]


@pytest.mark.parametrize("name", BLOCKS)
def test_each_benchmark_has_an_address_a_sentence_a_picture_and_its_code(page, name):
    part = section(page, name)
    assert COSTS.does(name) in part.replace("&#39;", "'")
    counted = [each for each in COSTS.rows(name) if each.counts]
    assert part.count('class="dot"') == len(counted)
    for each in COSTS.rows(name):
        path, line = each.code
        code = path.relative_to(ROOT).as_posix()
        assert f'href="../../{code}#L{line}"' in part
        called = path.read_text("utf-8").split("\n")[line - 1]
        function = COSTS.blocks[name].called + (f"_{each.idiom}" if each.idiom else "")
        assert re.match(rf"(async )?def {function}\(", called)
    for number in COSTS.blocks[name].questions:
        assert site.inline(questions_by_number()[number]) in part


def questions_by_number():
    return {each.number: each.text for each in questions().values()}


def test_the_table_compares_every_contestant_with_every_other(page):
    head, *body = rows(page, "costs")[: len(BLOCKS) + 1]
    names = [cell[0] for cell in head[1:]]
    assert names == COSTS.contestants
    choice = (
        page.partition("</head>")[2].partition("against")[2].partition("</fieldset>")[0]
    )
    assert re.findall(r'<input type="radio"[^>]*> ([\w-]+)', choice) == names
    assert choice.count("checked") == 1
    for name, (title, *cells) in zip(BLOCKS, body, strict=True):
        assert title == [COSTS.title(name)]
        for contestant, (label, cost, *words) in zip(names, cells, strict=True):
            assert label == contestant
            if words:
                assert cost == COSTS.cost(name, contestant)
                assert words == [COSTS.compared(name, contestant, n) for n in names]
            else:
                assert cost == "not measured"
                assert contestant not in COSTS.figures[name]


def test_topics_are_compared_at_their_largest_size(page):
    body = rows(page, "costs")[len(BLOCKS) + 2 :]
    assert [cells[0] for cells in body] == [[topic] for topic in COSTS.topics]
    asyncio = {cells[0][0]: cells[1][1] for cells in body}
    for topic, sizes in COSTS.topics.items():
        name = f"{topic} at {sizes[-1]}"
        assert asyncio[topic] == COSTS.cost(name, "asyncio", sizes[-1])


# The words


def test_the_reference_of_all_figures_is_exact():
    for name in COSTS.figures:
        figure = COSTS.figure(name, "asyncio")
        assert {key: figure[key] for key in REFERENCE} == REFERENCE


@pytest.mark.parametrize("name", COSTS.figures)
def test_no_difference_is_claimed_where_intervals_overlap(name):
    known = [one for one in COSTS.contestants if COSTS.figure(name, one)]
    for one in known:
        for other in known:
            words = COSTS.compared(name, one, other)
            mine, its = COSTS.figure(name, one), COSTS.figure(name, other)
            overlap = mine["low"] <= its["high"] and its["low"] <= mine["high"]
            if one == other:
                assert words == "the reference"
            else:
                assert (words == figures.UNDECIDED) == overlap
                assert words == compared(mine, its)


def test_something_that_was_not_measured_is_compared_with_nothing():
    assert COSTS.compared("echo_1", "tinyio") == "not measured"
    assert COSTS.compared("echo_1", "trio", "tinyio") == "not measured"
    assert COSTS.cost("echo_1", "tinyio") == "not measured"
    assert any("tinyio" in note for note in COSTS.notes("echo_1"))


# The pictures


@pytest.mark.parametrize("name", BLOCKS)
def test_a_dot_is_within_its_interval_and_rows_are_in_order(name):
    found = COSTS.rows(name)
    places = [each.at[2] for each in found]
    assert places == sorted(places)
    for each in found:
        low, high, dot = each.at
        assert 0 <= low <= dot <= high <= 100


def test_an_axis_has_a_label_for_each_power_of_ten():
    assert Axis(-7, -3).labels == [
        *((0.0, "0.1 µs"), (25.0, "1 µs"), (50.0, "10 µs"), (75.0, "100 µs")),
        (100.0, "1 ms"),
    ]
    assert Axis(2, 4, memory=True).labels == [
        *((0.0, "100 B"), (50.0, "1 KB"), (100.0, "10 KB"))
    ]
    assert Axis(-7, -3).at(1e-9) == 0


# The benchmarks


def test_every_benchmark_has_words_for_readers_and_leads_somewhere():
    for one in (*contestants.CORE, *contestants.MORE):
        assert one.title
        assert one.does.endswith(".")
        assert {*one.topics} <= {*TREE.topics}
        assert {*one.questions} <= {*questions_by_number()}
        assert one.topics or one.questions


# Checkouts without figures


@pytest.fixture
def checkout(tmp_path):
    for name in ("costs.json", "costs.about.json"):
        target = tmp_path / "comparisons" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "comparisons" / name, target)
    return tmp_path


def test_without_figures_there_are_no_costs(checkout):
    assert Costs.measured(checkout)
    (checkout / figures.FILE).unlink()
    assert Costs.measured(checkout) is None


def test_damaged_figures_are_refused(checkout):
    path = checkout / "comparisons/costs.about.json"
    about = json.loads(path.read_text())
    about["benchmarks"].pop("switch")
    path.write_text(json.dumps(about))
    with pytest.raises(NoFigures, match=r"no notes on switch.*nox -s bench"):
        Costs.measured(checkout)
    path.write_text("{")
    with pytest.raises(NoFigures, match="are not what the bench writes"):
        Costs.measured(checkout)
