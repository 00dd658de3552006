"""The kinds of pages, and the columns on one."""

from __future__ import annotations

import re

from playwright.sync_api import expect

KINDS = [
    *("start", "question", "topic", "pair"),
    *("names", "guide", "glossary", "costs", "questions", "races", "race"),
]


WIDTHS = [360, 768, 1680]
"""Pixels: a phone, a tablet, a screen."""


def headings(page):
    """Return the headings of the visible columns."""
    return page.locator(".study-heading:visible")


def names(page):
    """Return the studies whose columns are visible. A heading begins with the name."""
    return [text.split()[0] for text in headings(page).all_inner_texts()]


def expect_columns(page, studies):
    """Wait until exactly the columns of these studies are visible."""
    begin = [re.compile(rf"^\s*{study}\b") for study in studies]
    expect(headings(page)).to_have_text(begin)


def column(page, study):
    return page.locator(f"input[name=columns][value={study}]")
