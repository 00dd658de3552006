"""The site in a browser: on a phone, in the dark, without scripts."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from .pages import KINDS, column, expect_columns, headings, names

COMPARISONS = ["topic", "pair"]


def studies(page):
    """Return the studies that can be chosen, in the order of the columns."""
    boxes = page.locator("input[name=columns]")
    return boxes.evaluate_all("boxes => boxes.map((box) => box.value)")


def chosen(page):
    """Return the columns that the address names."""
    query = re.search(r"[?&]columns=([^&#]*)", unquote(page.url))
    return query[1].split(",") if query else []


def pieces(page):
    """Return the number of visible pieces of code."""
    return page.locator("code:visible").count()


# Columns


PREFERRED = ["asyncio", "trio", "threads", "gevent", "anyio", "generators"]


def test_two_columns_are_shown_unless_the_address_says_otherwise(visit):
    page = visit("topic")
    assert names(page) == PREFERRED[:2]
    assert studies(page)[: len(PREFERRED)] == PREFERRED


def test_a_third_column_is_shown_if_its_lines_fit(visit, site):
    shown = {len(names(visit("topic", width=width))) for width in (1000, 2400)}
    assert shown == {2, 3}


def test_no_line_of_code_wraps_on_a_screen_of_1280_pixels(site, new_page):
    page = new_page()
    for name in filter(site.is_topic, site.pages):
        page.goto(site.address + name)
        assert page.evaluate("eyes.wrapped('.comparison .row > .cells .line')") == []


def test_the_address_chooses_columns(visit):
    page = visit("topic", "?columns=asyncio,trio,gevent")
    expect_columns(page, ["asyncio", "trio", "gevent"])
    checked = [s for s in studies(page) if column(page, s).is_checked()]
    assert checked == names(page)


def test_columns_keep_their_order_whatever_the_address_says(visit):
    page = visit("topic", "?columns=gevent,trio,asyncio")
    expect_columns(page, ["asyncio", "trio", "gevent"])


@pytest.mark.parametrize("query", ["?columns=", "?columns=tiro", "?columns=%00<b>,"])
def test_an_address_that_names_no_column_shows_the_default(visit, query):
    page = visit("topic", query)
    expect_columns(page, PREFERRED[:2])


def test_an_unknown_column_in_the_address_hides_no_other(visit):
    page = visit("topic", "?columns=asyncio,tiro,gevent")
    expect_columns(page, ["asyncio", "gevent"])


def test_a_click_shows_a_column_and_hides_it(visit):
    page = visit("topic")
    before = pieces(page)
    column(page, "gevent").click()
    expect_columns(page, [*PREFERRED[:2], "gevent"])
    assert pieces(page) > before
    column(page, "gevent").click()
    expect_columns(page, PREFERRED[:2])
    assert pieces(page) == before


def test_other_answers_of_a_study_are_columns_too(site, new_page):
    page = new_page()
    page.goto(site.address + "results_at_end.html")
    page.get_by_text("Other answers").click()
    page.get_by_role("checkbox", name="asyncio:gather").click()
    expect_columns(page, ["asyncio", "trio", "asyncio:gather"])
    gather = page.locator(".of-asyncio-gather").get_by_text("asyncio.gather(")
    expect(gather.first).to_be_visible()
    assert chosen(page) == ["asyncio", "trio", "asyncio-gather"]


def test_pictures_and_results_follow_the_columns(site, new_page):
    page = new_page()
    page.goto(site.address + "results_at_end.html")
    orphans = page.locator("section:has(#differ) figure", has_text="asyncio:gather")
    stopped = page.locator("section:has(#differ) figure", has_text="threads:map")
    page.locator("section:has(#differ) details").evaluate_all(
        "all => all.map((e) => e.open = true)"
    )
    expect(orphans.first).to_be_visible()
    expect(stopped.first).to_be_hidden()
    column(page, "threads").click()
    column(page, "asyncio").click()
    expect(orphans.first).to_be_hidden()
    expect(stopped.first).to_be_visible()
    expect(
        page.locator("section:has(#why) tr", has_text="asyncio:gather")
    ).to_be_hidden()


def test_reasons_have_a_heading_if_a_column_has_one(site, new_page):
    page = new_page()
    page.goto(site.address + "cpu.html?columns=asyncio,trio")
    heading = page.get_by_role("heading", name="Tests that an answer does not pass")
    expect(heading).to_be_hidden()
    column(page, "generators").click()
    expect(heading).to_be_visible()


def test_a_click_is_kept_in_the_address(visit):
    page = visit("topic", "?columns=asyncio,trio")
    column(page, "gevent").click()
    expect_columns(page, ["asyncio", "trio", "gevent"])
    assert chosen(page) == ["asyncio", "trio", "gevent"]
    page.reload()
    expect_columns(page, ["asyncio", "trio", "gevent"])


def test_the_address_of_a_choice_shows_the_same_to_another_reader(visit, new_page):
    page = visit("topic")
    column(page, "threads").click()
    column(page, "trio").click()
    expect(headings(page).filter(has_text="trio")).to_have_count(0)
    other = new_page()
    other.goto(page.url)
    assert names(other) == names(page) == ["asyncio", "threads"]


def test_the_back_button_returns_to_a_choice(visit, site):
    page = visit("topic")
    column(page, "trio").click()
    expect(headings(page).filter(has_text="trio")).to_have_count(0)
    page.goto(site.address)
    page.go_back()
    expect_columns(page, ["asyncio"])
    assert not column(page, "trio").is_checked()


def test_a_choice_goes_with_the_reader_to_the_next_topic(visit):
    page = visit("topic", "?columns=asyncio,trio")
    column(page, "gevent").click()
    page.get_by_role("navigation").locator("a[rel]:visible").first.click()
    expect_columns(page, ["asyncio", "trio", "gevent"])


def test_the_last_column_does_not_leave_an_empty_page(visit):
    page = visit("topic", "?columns=trio")
    column(page, "trio").click(force=True)
    expect(headings(page)).not_to_have_count(0)


def test_columns_can_be_chosen_in_the_file_itself(site, new_page):
    page = new_page()
    page.goto((site.folder / site.largest("topic")).as_uri() + "?columns=asyncio,trio")
    column(page, "trio").click()
    expect_columns(page, ["asyncio"])
    assert chosen(page) == ["asyncio"]


def test_an_address_of_code_shows_its_column(site, new_page):
    page = new_page()
    place = "#gevent-one_of_three_fails_joinall"
    page.goto(site.address + "question-one_of_three_fails.html" + place)
    expect(page.locator(place)).to_be_in_viewport()
    assert column(page, "gevent").is_checked()


# What readers come for


FIVE = {
    "does gather cancel": ("gather cancel", "one_of_three_fails", "gather: no"),
    "how does a cleanup wait in trio": (
        *("cleanup wait trio", "cleanup_may_wait", "only in a shield"),
    ),
    "which exception is a timeout in gevent": (
        *("gevent timeout exception", "which_except_catches_timeout", "gevent.Timeout"),
    ),
}


@pytest.mark.parametrize("task", FIVE)
def test_a_question_is_answered_on_the_start_page_and_one_click_away(visit, task):
    _, key, answer = FIVE[task]
    page = visit("start")
    row = page.locator("tr", has=page.locator(f'a[href="question-{key}.html"]'))
    expect(row).to_contain_text(answer.partition(": ")[2] or answer)
    row.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text(answer.partition(": ")[2] or answer)


@pytest.mark.parametrize("task", FIVE)
def test_a_question_is_answered_by_one_search(visit, task):
    words, key, _ = FIVE[task]
    page = visit("start")
    page.get_by_role("searchbox").fill(words)
    found = page.locator(".found a")
    expect(found.first).to_be_visible()
    addresses = found.evaluate_all("all => all.slice(0, 3).map((link) => link.href)")
    (place,) = [n for n, at in enumerate(addresses) if f"question-{key}.html" in at]
    found.nth(place).click()
    expect(page).to_have_url(re.compile(f"question-{key}.html"))


def test_of_twenty_questions_nineteen_are_found_by_their_titles(site, visit):
    page = visit("start")
    names = [name for name in site.pages if name.startswith("question-")]
    titles = {}
    for name in names:
        text = (site.folder / name).read_text("utf-8")
        titles[name] = unescape(re.search("<title>(.*)</title>", text)[1])
    found = page.evaluate(SEARCH, list(titles.values()))
    best = dict(zip(titles, found, strict=True))
    missed = {titles[name]: at for name, at in best.items() if name not in at}
    assert len(missed) < len(names) / 20, missed


SEARCH = """
async (questions) => {
  const best = [];
  for (const words of questions) {
    const input = document.querySelector("input[type=search]");
    const found = document.querySelector(".found");
    const shown = new Promise((done) => new MutationObserver((_, watch) => {
      if (found.querySelector("a")) { watch.disconnect(); done(); }
    }).observe(found, { childList: true, subtree: true }));
    input.value = words;
    input.dispatchEvent(new Event("input"));
    await shown;
    const links = [...found.querySelectorAll("a")].slice(0, 5);
    best.push(links.map((link) => new URL(link.href).pathname.slice(1)));
    found.replaceChildren();
  }
  return best;
}
"""
"""Types each question, and returns the first five pages that are found."""


def test_the_counterpart_of_a_name_is_two_clicks_away(visit):
    page = visit("start")
    page.get_by_role("link", name="API index").click()
    page.locator("summary", has_text="asyncio").click()
    names = page.locator("details[open]").get_by_role("link")
    names.filter(has_text=re.compile(r"^asyncio\.Queue$")).click()
    row = page.locator("tr", has=page.locator(":target"))
    expect(row).to_contain_text("trio.open_memory_channel")
    expect(row).to_be_in_viewport()


def test_the_cost_of_a_task_is_one_click_away(visit):
    page = visit("start")
    page.get_by_role("link", name="Costs").click()
    cost = page.get_by_text("What does a task cost?")
    expect(cost).to_be_in_viewport()


def test_pages_are_light(site):
    assert site.weight("index.html") <= 150_000
    questions = [name for name in site.pages if name.startswith("question-")]
    assert {n: site.weight(n) for n in questions if site.weight(n) > 100_000} == {}


def test_a_script_can_be_copied_and_says_so(site, new_page):
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.address + "results_at_end.html")
    button = page.get_by_role("button", name=re.compile("Copy.*: asyncio$"))
    button.click()
    expect(button).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "import asyncio" in text
    assert "asyncio.run(" in text


def test_the_search_is_found_by_a_key_and_left_by_another(visit):
    page = visit("question")
    page.keyboard.press("/")
    box = page.get_by_role("searchbox")
    expect(box).to_be_focused()
    box.fill("shield")
    expect(page.locator(".found a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".found a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".found a")).to_have_count(0)


def test_in_a_folder_there_is_no_search(site, new_page):
    page = new_page()
    page.goto((site.folder / "index.html").as_uri())
    expect(page.locator(".search")).to_be_hidden()


# Without JavaScript


@pytest.mark.parametrize("kind", COMPARISONS)
def test_without_javascript_all_is_there_to_read(visit, kind):
    page, with_it = visit(kind, java_script_enabled=False), visit(kind)
    assert names(page) == names(with_it)
    assert pieces(page) == pieces(with_it) > 0
    assert page.locator("main").inner_text().strip()


def test_without_javascript_a_click_hides_a_column_if_there_is_one_to_click(visit):
    page = visit("topic", java_script_enabled=False)
    expected = names(page)
    for box in page.locator("input[name=columns]:visible:checked").all()[:1]:
        expected.remove(box.get_attribute("value"))
        box.click()
        expect_columns(page, expected)
    expect(page.locator(":is(button, select):visible")).to_have_count(0)


# Room


STEPS = (".comparison", ".study-heading")


LINES = ("table.diff", "thead th")


@pytest.mark.parametrize("width", [768, 1680])
@pytest.mark.parametrize(
    ("kind", "query", "parts"),
    [("topic", "?columns=asyncio,trio", STEPS), ("pair", "", LINES)],
)
def test_column_headings_stay_on_the_screen(visit, kind, query, parts, width):
    page = visit(kind, query, width=width, height=500)
    found = page.evaluate("parts => eyes.headingsAtTheEnd(...parts)", parts)
    assert page.evaluate("scrollY") > 500, "the page is too short to tell"
    assert len(found) >= 2
    assert [heading for heading in found if not heading["seen"]] == []


def test_all_headings_stay_on_a_wide_screen(visit):
    page = visit("topic", "?columns=asyncio,trio,gevent", width=1680, height=500)
    found = page.evaluate("parts => eyes.headingsAtTheEnd(...parts)", STEPS)
    assert len(found) == 3
    assert [heading for heading in found if not heading["seen"]] == []


def test_on_a_phone_a_question_has_the_whole_width(visit):
    page = visit("questions", width=360)
    narrow = page.locator(".questions tbody tr").evaluate_all(
        "all => all.filter((row) => row.cells[0].offsetWidth < 0.9 * row.offsetWidth)"
        ".map((row) => row.innerText)"
    )
    assert narrow == []


def test_on_a_phone_every_piece_of_code_says_whose_it_is(visit):
    page = visit("topic", width=360)
    cells = page.locator(".comparison .cell:has(pre):visible")
    heights = cells.locator("h4").evaluate_all(
        "all => all.map((heading) => heading.getBoundingClientRect().height)"
    )
    assert len(heights) == cells.count() > 0
    assert min(heights) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper_nothing_is_cut_off(visit, kind):
    page = visit(kind, width=718)  # A4 at 96 dots an inch, less margins of 1 cm
    page.emulate_media(media="print")
    assert page.evaluate("eyes.overflows()") == []
    assert page.evaluate("eyes.scrollers()") == [], "paper does not scroll"
    assert page.pdf(format="A4").startswith(b"%PDF")
