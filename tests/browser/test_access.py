"""The site for those who see it otherwise, or use it by the keyboard."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .pages import KINDS, column, headings

# Accessibility


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_accessible(visit, kind, scheme):
    page = visit(kind, color_scheme=scheme)
    # The sections of a page are made alike, and axe is slow for each of them.
    page.evaluate("eyes.shorten('.change', 2)")
    options = {"resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    assert [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:5]
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_dark_is_dark_and_light_is_light(visit, kind):
    page = visit(kind)
    page.emulate_media(color_scheme="light")
    assert page.evaluate("eyes.brightness()") > 0.8
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("eyes.brightness()") < 0.2


def test_the_letters_of_pictures_can_be_read_light_and_dark(visit):
    page = visit("topic")
    expect(page.locator("svg text")).not_to_have_count(0)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("eyes.faintLetters()") == [], scheme


def test_the_matrix_is_a_table_with_headings(visit):
    page = visit("start")
    table = page.get_by_role("table").first
    assert table.get_by_role("columnheader").count() >= 6
    assert table.get_by_role("rowheader").count() >= 1
    assert all(text.strip() for text in table.get_by_role("cell").all_inner_texts())


# Keyboard


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_key_reaches_a_link_past_the_head(visit, kind):
    page = visit(kind)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_attribute("href", re.compile("^#."))
    expect(skip).to_be_in_viewport()
    target = skip.get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(target) + "$"))
    page.keyboard.press("Tab")
    assert page.evaluate(
        "id => document.querySelector(id).contains(document.activeElement)", target
    )


def test_the_keyboard_alone_chooses_columns(visit):
    page = visit("topic")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("eyes.focus()")["column"] == "trio":
            break
    expect(column(page, "trio")).to_be_focused()
    page.keyboard.press("Space")
    expect(headings(page).filter(has_text="trio")).to_have_count(0)
    expect(column(page, "trio")).to_be_focused()
    page.keyboard.press("Space")
    expect(headings(page).filter(has_text="trio")).not_to_have_count(0)


ON_A_PHONE = ["start", "question", "topic", "pair", "race"]
"""The kinds of pages that change most on a narrow screen."""


@pytest.mark.parametrize(
    ("kind", "width"),
    [*((kind, 1280) for kind in KINDS), *((kind, 360) for kind in ON_A_PHONE)],
)
def test_the_focus_is_seen_wherever_it_goes_and_gets_out_again(visit, kind, width):
    page = visit(kind, width=width, height=700)
    seen = []
    for _ in range(2500):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("eyes.focus()"))
        around = len(seen) > 1 and seen[-1]["what"] == seen[0]["what"]
        if around or seen[-1]["nothing"]:
            seen.pop()
            break
    else:
        pytest.fail(f"no way out after {seen[-1]['what']}")
    assert len(seen) > 1
    assert [e["what"] for e in seen if not e["marked"]] == [], "not marked"
    assert [e["what"] for e in seen if e["hidden"]] == [], "under something else"
