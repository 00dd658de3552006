"""The site: complete, valid and reproducible. tests/browser checks how it looks."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from itertools import permutations
from pathlib import Path

import pytest
from concurrency_comparisons import site
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.bench import cpu
from concurrency_comparisons.reports import Report, Story, Test
from concurrency_study.behaviours import questions
from concurrency_study.races import BUGS
from concurrency_study.trace import Event

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
TOPICS = [*TREE.topics]
VIRTUAL = [topic for topic in TOPICS if topic not in TREE.real]
PAIRS = [f"{one}-to-{other}" for one, other in permutations(TREE.studies, 2)]
WORDS = (
    *("costs", "glossary", "guide", "names", "questions", "races", "sitemap"),
    "404",
)
VOID = {"base", "br", "img", "input", "link", "meta", "wbr"}
CANNOT = "cannot <stop>: it is `running` & cannot be stopped"


def report(study):
    """Return the report of a full run. Threads cannot pass one test of each topic."""
    tests = [
        Test(topic, test, study, answer.variant, [], outcome, reason, 1)
        for topic in TOPICS
        for number, test in enumerate(TREE.tests(topic))
        for answer in TREE.answers(study, topic)
        for cannot in [(study, number) == ("threads", 1)]
        for outcome, reason in [("cannot", CANNOT) if cannot else ("passed", "")]
    ]
    cannot = [test.test for test in tests if test.outcome == "cannot"][:1]
    stories = [
        Story(topic, test, study, "", 1, None, "first come", happened(topic))
        for topic in VIRTUAL
        for test in ["test_the_example", *cannot]
    ]
    return Report(study, [study], "3.11.7", {"trio": "1.0"}, tests, stories)


def happened(topic):
    return [
        Event(0, topic, "spawn", "task", topic),
        Event(0, "job", "start", "", topic),
        Event(1, "job", "end", "", topic),
        Event(1, topic, "exit", "end", topic),
    ]


@pytest.fixture(scope="module")
def found():
    return {study: report(study) for study in TREE.studies}


@pytest.fixture(scope="module")
def files(found):
    return dict(site.pages(TREE, found))


class Tags(HTMLParser):
    """A parser that expects closed tags in order and unique ids."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.levels: list[int] = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[a] for a in ("href", "src") if a in attributes]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


# Completeness


def test_there_is_a_page_for_every_topic_and_pair_and_a_start(files):
    asked = {f"question-{key}" for key in questions()}
    shown = {f"race-{bug}" for bug in BUGS}
    pages = {"index", "clusters", *WORDS, *TOPICS, *PAIRS, *asked, *shown}
    others = {"style.css", "columns.js", "search.js"}
    others |= {f"{topic}.trace.json" for topic in VIRTUAL}
    assert set(files) == {f"{page}.html" for page in pages} | others


def test_tags_are_closed_ids_are_unique_and_headings_in_order(files):
    for name, text in files.items():
        if name.endswith(".html"):
            tags = parsed(text)
            assert len(tags.ids) == len(set(tags.ids)), name
            assert tags.levels[0] == 1, name
            for before, level in zip(tags.levels, tags.levels[1:], strict=False):
                assert 1 < level <= before + 1, name


def test_links_lead_to_pages_places_and_files_that_exist(files):
    ids = {name: parsed(text).ids for name, text in files.items() if ".html" in name}
    for name in ids:
        for link in parsed(files[name]).links:
            path, _, place = link.partition("#")
            path = path.partition("?")[0]
            if path.startswith(".."):
                assert (ROOT / site.FOLDER / path).resolve().is_file(), link
            elif not link.startswith(("data:", "https:")):
                assert (path or name) in files, link
                assert not place or place in ids[path or name], link


def test_no_page_uses_the_network(files):
    for name, text in files.items():
        # Only a click leads there, or a person who pastes the script.
        text = re.sub(r'<a [^>]*href="https?:.*?</a>', "", text, flags=re.DOTALL)
        text = re.sub(
            r'<script type="text/plain".*?</script>', "", text, flags=re.DOTALL
        )
        text = re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)  # code to read
        addresses = set(re.findall(r"https?://[^\s\"')]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name
        assert "@import" not in text
        assert "url(" not in text


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_shows_every_line_of_every_recommended_answer(files, topic):
    shown = {line.strip() for line in plain(files[f"{topic}.html"]).split("\n")}
    answers = [answer for s in TREE.studies for answer in TREE.answers(s, topic)[:1]]
    assert len(answers) > 5
    for answer in answers:
        lines = [line for part in answer.parts.values() for line in part.code]
        assert {line.text.strip() for line in lines} <= shown


def plain(text):
    """Return the text that a reader sees on a page, without the marks."""
    text = re.sub(r"<b class=\"switch\".*?</b>", "", text)
    text = re.sub(r"<[^>]*>", "", text)
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"')):
        text = text.replace(name, sign)
    return text.replace("&amp;", "&")


@pytest.mark.parametrize("topic", TREE.real)
def test_a_topic_in_real_time_says_why_it_has_no_timeline(files, topic):
    assert "so this page has no timeline" in files[f"{topic}.html"]
    assert f"{topic}.trace.json" not in files[f"{topic}.html"]


def test_the_topic_of_work_that_computes_shows_what_workers_gain(files):
    found = cpu.read(ROOT)
    assert found is not None
    section = files[f"{cpu.TOPIC}.html"].partition('id="workers"')[2]
    rows = re.findall('<tr><th scope="row">.*</tr>', section.partition("</table>")[0])
    cells = [[plain(cell) for cell in re.findall("<t[dh].*?</t[dh]>", r)] for r in rows]
    assert cells == [[study, *figures] for study, figures in found.rows]
    assert [name for name, text in files.items() if 'id="workers"' in text] == [
        f"{cpu.TOPIC}.html"
    ]


def test_a_topic_links_to_the_topics_to_look_at_next(files):
    (links,) = re.findall(r"See also: (.*)</p>", files["race.html"])
    assert re.findall(r'href="(\w+)\.html"', links) == [*TREE.topics["race"].neighbours]


def test_text_from_a_report_is_escaped(files):
    for name in ("tasks.html", "threads-to-trio.html"):
        assert "<stop>" not in files[name]
        assert "&lt;stop&gt;: it is <code>running</code> &amp; cannot" in files[name]


def test_versions_are_on_every_page_without_the_patch_of_python(files):
    for name, text in files.items():
        if name.endswith(".html"):
            assert "Python 3.11, trio 1.0" in plain(text), name
            assert "3.11.7" not in text, name


def test_a_topic_counts_what_passed_and_what_cannot(files):
    total = len(TREE.tests("tasks"))
    section = files["tasks.html"].partition('id="why"')[2].partition("</table>")[0]
    rows = section.split("<tr")
    (threads,) = [row for row in rows if "threads</a>" in row]
    assert f"<td>{total - 1}</td>" in threads
    assert "1 cannot" in threads
    (trio,) = [row for row in rows if ">trio</a>" in row]
    assert f"<td>{total}</td>" in trio
    assert "cannot" not in trio


def test_the_start_page_leads_to_each_topic_and_ends_with_the_counts(files, found):
    text = files["index.html"]
    for topic in TOPICS:
        assert f'<a href="{topic}.html">{topic}</a>' in text
    counts = text.partition('id="proof"')[2]
    assert f"<td>{len(found['trio'].tests):,}</td>" in counts
    assert "passed" not in text.partition('id="proof"')[0]


def test_the_questions_say_why_a_study_answers_none(found, monkeypatch):
    why = "They have not been asked yet."
    left_out = {**TREE.entries["dask"].leaves_out, "questions": why}
    entry = dataclasses.replace(TREE.entries["dask"], leaves_out=left_out)
    monkeypatch.setitem(TREE.entries, "dask", entry)
    files = dict(site.pages(TREE, found))
    assert f"dask answers none of them. {why}" in files["questions.html"]
    assert f"dask answers none of the questions. {why}" in files["trio-to-dask.html"]
    assert 'data-study="dask"' not in files["questions.html"]


def test_a_published_site_links_to_published_files_and_has_a_sitemap(found):
    source, url = "https://code.example/blob/main", "https://study.example"
    files = dict(site.pages(TREE, found, source=source, url=url))
    for name, text in files.items():
        if name.endswith(".html"):
            links = parsed(text).links
            assert not [link for link in links if link.startswith("..")], name
    file = "packages/trio/src/trio_study/use_cases/race.py"
    assert f'href="{source}/{file}"' in files["race.html"]
    places = re.findall("<loc>(.*)</loc>", files["sitemap.xml"])
    pages = {f"{url}/{name}" for name in files if name.endswith(".html")}
    apart = {f"{url}/{name}.html" for name in ("index", "404", "sitemap")}
    assert set(places) == (pages | {f"{url}/"}) - apart


def test_every_page_has_a_description_and_a_title_of_its_own(files):
    pages = {name: text for name, text in files.items() if name.endswith(".html")}
    for tag in (r"<title>(.+)</title>", r'name="description" content="([^"]+)"'):
        heads = {name: text.partition("</head>")[0] for name, text in pages.items()}
        found = {name: re.findall(tag, head) for name, head in heads.items()}
        assert [name for name, texts in found.items() if len(texts) != 1] == []
        assert len({texts[0] for texts in found.values()}) == len(pages)


def test_every_heading_has_an_address_in_its_section(files):
    for name, text in files.items():
        if name.endswith(".html"):
            bare = re.findall(r"<h2(?! id=)[^>]*>", text)
            assert bare == [], name


def test_a_line_at_which_others_may_run_is_marked_in_words_too(files):
    mark = 'aria-label="another task may run here:"'
    count = sum(
        line.switch
        for study in TREE.studies
        for answer in TREE.answers(study, "tasks")
        for part in answer.parts.values()
        for line in part.code
    )
    assert files["tasks.html"].count(mark) == count > 0


def test_the_call_is_shown_without_types():
    answer = TREE.answer("trio", "race")
    assert site.bare(answer.parts["signature"].code) == "async def race(functions):"


# The same each time


def test_a_site_made_again_is_the_same(files, found):
    assert dict(site.pages(TREE, found)) == files


def test_writing_a_site_removes_the_old_files(tmp_path, files):
    for folder in ("packages", site.FOLDER):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "noxfile.py").touch()
    (tmp_path / site.FOLDER / "former.html").touch()
    start = site.write(Tree(tmp_path), files.items())
    assert start.read_text("utf-8") == files["index.html"]
    assert {path.name for path in start.parent.iterdir()} == set(files)


# Pairs


def test_words_are_the_names_used_of_what_is_imported():
    answer = TREE.answer("trio", "results_as_we_go")
    words = site.borrowed(answer.tree)
    assert {"trio.open_nursery", "trio.sleep"} <= words
    assert not [word for word in words if "concurrency_study" in word]
    assert not [word for word in words if "Callable" in word]


def test_a_pair_lists_what_only_one_study_can_do(files):
    text = plain(files["threads-to-trio.html"])
    assert "threads cannot: <stop>" in text
    assert "Nothing: the same tests pass" in plain(files["asyncio-to-trio.html"])


# Texts


def test_a_docstring_has_paragraphs_code_and_lists():
    text = "One `name`\nand on.\n\n    call(<x>)\n\n- ``a`` is\n  one\n- b"
    assert site.prose(text) == (
        "<p>One <code>name</code> and on.</p>\n"
        "<pre><code>call(&lt;x&gt;)</code></pre>\n"
        "<ul>\n<li><code>a</code> is one</li>\n<li>b</li>\n</ul>\n"
    )


# Colours


def colours(block):
    named = re.findall(r"--([\w-]+):(#[0-9a-f]+);", block)
    return {name: luminance(value.removeprefix("#")) for name, value in named}


def luminance(colour):
    """Return the relative luminance as WCAG 2 defines it."""
    colour = "".join(2 * c for c in colour) if len(colour) == 3 else colour
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(files, scheme):
    block = re.findall(r":root\{(.*?)\}", files["style.css"], re.DOTALL)[scheme]
    found = colours(block)
    grounds = {name: found.pop(name) for name in ("paper", "cell", "left", "right")}
    del found["rule"]  # the colour of a line, not of text
    tints = {name: found.pop(name) for name in "abcd"}
    assert len(found) == 12
    for name, text in found.items():
        for ground, behind in (grounds | tints if name == "ink" else grounds).items():
            high, low = max(text, behind), min(text, behind)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, ground)
