"""Every page of the site, visited once: links, headings, pictures, room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from .pages import KINDS, WIDTHS


@dataclass
class Visited:
    """The findings on a page, collected when all pages were visited."""

    overflows: dict[int, list[str]]
    links: list[str]
    ids: list[str]
    pictures: list[dict]
    levels: list[int]
    title: str
    language: str | None
    asked: list[str]
    outside: list[str]
    complaints: list[str]


pytestmark = pytest.mark.xdist_group("visited")  # one visit serves them all


@pytest.fixture(scope="module")
def visited(site, listen):
    """Every page of the site, loaded once."""
    found = {}
    context, heard = listen()
    page = context.new_page()
    widths = [*WIDTHS]
    for name in site.pages:
        overflows = {}
        page.goto(site.address + name)
        widths.reverse()  # the next page begins with the width at which this one ends
        # Pairs are many, heavy and alike: each is looked at with one width.
        for width in widths[:1] if "-to-" in name else widths:
            page.set_viewport_size({"width": width, "height": 800})
            overflows[width] = page.evaluate("eyes.overflows()")
        found[name] = Visited(
            overflows=overflows,
            links=page.evaluate("eyes.links()"),
            ids=page.evaluate("eyes.ids()"),
            pictures=page.evaluate("eyes.pictures()"),
            levels=page.evaluate("eyes.levels()"),
            title=page.title(),
            language=page.locator("html").get_attribute("lang"),
            **{kind: list(what) for kind, what in vars(heard).items()},
        )
        for what in vars(heard).values():
            what.clear()
    context.close()
    return found


def faults(visited, fault):
    """Pages that have a fault, and which."""
    return {name: found for name, page in visited.items() if (found := fault(page))}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(visited, width):
    assert faults(visited, lambda page: page.overflows.get(width)) == {}


def test_there_are_pages_of_all_kinds(site, visited):
    assert next(iter(visited)) == "index.html"
    assert {site.largest(kind) for kind in KINDS} <= set(visited)


def test_timelines_have_title_and_description(visited, site):
    assert visited[site.largest("topic")].pictures
    for name, page in visited.items():
        for picture in page.pictures:
            assert picture["role"] in ("img", "graphics-document"), name
            assert picture["title"], name
            assert picture["description"], name
            assert picture["clipped"] == [], name


def test_every_topic_has_a_timeline(visited, site):
    topics = {n: p for n, p in visited.items() if site.is_topic(n)}
    assert [name for name, page in topics.items() if not page.pictures] == []


def test_pages_name_themselves_and_their_language(visited):
    titles = [page.title for page in visited.values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)
    assert {page.language for page in visited.values()} == {"en"}


def test_headings_leave_out_no_level(visited):
    def wrong(page):
        steps = list(zip(page.levels, page.levels[1:], strict=False))
        jumps = [step for step in steps if step[1] > step[0] + 1]
        return jumps or page.levels[:1] != [1] or page.levels.count(1) != 1

    assert faults(visited, wrong) == {}


def test_ids_are_unique(visited):
    assert faults(visited, lambda p: {i for i in p.ids if p.ids.count(i) > 1}) == {}


def test_the_browser_requests_nothing_from_elsewhere(visited):
    assert faults(visited, lambda page: page.outside) == {}
    assert all(page.asked for page in visited.values())


def test_the_browser_has_no_complaint(visited):
    assert faults(visited, lambda page: page.complaints) == {}


def test_links_lead_somewhere(visited, site):
    """Links lead to pages and anchors of the site or to files of the checkout."""

    def leads(name, link):
        link = link.removeprefix(site.address)  # a script may have completed it
        if urlsplit(link).scheme or urlsplit(link).netloc:
            return urlsplit(link).scheme in ("https", "mailto", "data")
        file, fragment = urldefrag(urljoin((site.folder / name).as_uri(), link))
        path = Path(unquote(urlsplit(file).path))
        if not path.exists():
            return False
        if path.name in visited and path.parent == site.folder:
            return not fragment or unquote(fragment) in visited[path.name].ids
        line = re.fullmatch("L([0-9]+)", fragment)
        return not line or int(line[1]) <= len(path.read_bytes().splitlines())

    def broken(name):
        return {link for link in visited[name].links if not leads(name, link)}

    assert {name: found for name in visited if (found := broken(name))} == {}


def test_every_page_can_be_reached_from_the_start(visited, site):
    reached, todo = set(), ["index.html"]
    while todo:
        name = todo.pop()
        if name in visited and name not in reached:
            reached.add(name)
            todo += [
                urlsplit(link.removeprefix(site.address)).path
                for link in visited[name].links
            ]
    assert reached == set(visited) - {"404.html"}
