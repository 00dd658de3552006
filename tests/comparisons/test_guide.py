"""The guide and the glossary: every claim has a proof, every term can be found."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from concurrency_comparisons import guides, site
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.reports import Report
from concurrency_study import glossary, guide
from concurrency_study.guide import BadText, Proof

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
PAGES = ("guide.html", "glossary.html")
KNOWN = {"question": {"fails"}, "topic": {"race"}, "cost": {"switch"}}
CLAIM = '[[{}]]\nclaim = "It waits."\nproof = ["question:fails"]\n'
GUIDE = 'summary = "For all."\n' + "".join(map(CLAIM.format, guide.SECTIONS))
SHIELD = '[shield]\nmeans = "It keeps a cancellation out."\n'
NEEDED = {
    *("ready queue", "wait queue", "scheduled", "preemption", "cancellation"),
    *("shield", "expired", "checkpoint", "back-pressure", "deadline", "leak"),
    *("level-triggered cancellation", "edge-triggered cancellation"),
    *("worker thread", "study", "topic", "answer", "way", "world", "referee"),
}
"""The words of the field, and of this project, that its texts use unexplained."""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "some.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def pages():
    found = {
        study: Report(study, [study], "3.11.7", {}, [], []) for study in TREE.studies
    }
    files = iter(site.pages(TREE, found))
    return {name: next(t for n, t in files if n == name) for name in PAGES}


# What is published


def test_each_study_has_a_guide_of_half_a_page():
    found = guides.guides(TREE)
    assert [*found] == [
        name for name in TREE.studies if (ROOT / "packages" / name).is_dir()
    ]
    for study, each in found.items():
        assert 4 <= len(each.use) <= 6, study
        assert 4 <= len(each.avoid) <= 6, study
        assert 3 <= len(each.know) <= 5, study
        claims = [claim.claim for claim in (*each.use, *each.avoid, *each.know)]
        assert sum(len(claim.split()) for claim in claims) < 350, study


def test_the_table_of_needs_has_ten_rows_at_most():
    assert 1 <= len(guides.choices(TREE)) <= 10


def test_the_page_shows_each_claim_with_links_to_its_proofs(pages):
    page = pages["guide.html"]
    for study, each in guides.guides(TREE).items():
        section = page.partition(f'id="{study}"')[2].partition("</section>")[0]
        items = re.findall("<li>(.*?)</li>", section, re.DOTALL)
        claims = [*each.use, *each.avoid, *each.know]
        assert len(items) == len(claims)
        for item, claim in zip(items, claims, strict=True):
            assert shown(item).startswith(claim.claim.replace("`", ""))
            assert re.findall('href="(.*?)"', item) == [*map(address, claim.proof)]


def test_the_page_shows_each_need_with_links_to_its_proofs(pages):
    page = pages["guide.html"]
    rows = re.findall("<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    for row, choice in zip(rows, guides.choices(TREE), strict=True):
        assert choice.need.replace("`", "") in shown(row)
        assert choice.then.replace("`", "") in shown(row)
        assert re.findall('href="(.*?)"', row) == [*map(address, choice.proof)]


def test_the_glossary_explains_the_words_that_texts_use():
    terms = guides.terms(TREE)
    assert {term.name for term in terms} >= NEEDED
    for term in terms:
        assert set(term.also) <= set(TREE.studies), term.name
        assert term.means.count(". ") <= 1, f"{term.name}: two sentences at most"
        assert not term.source or term.source.startswith("https://"), term.name


def test_the_glossary_page_has_each_term_under_its_letter(pages):
    page = pages["glossary.html"]
    for term in guides.terms(TREE):
        letter = page.partition(f'id="letter-{term.letter.lower()}"')[2]
        entry = letter.partition("</section>")[0].partition(f'id="{term.anchor}"')[2]
        assert term.means.replace("`", "") in shown(entry)
        links = re.findall('href="(.*?)"', entry.partition("</dd>")[0])
        assert links[1:] == [
            *(f"#{glossary.anchor(name)}" for name in term.see),
            *map(address, term.proof),
            *[term.source][: bool(term.source)],
        ]


def shown(text):
    """Return the text that a reader sees of some HTML."""
    return unescape(" ".join(re.sub(r"<[^>]*>", "", text).split()))


def address(proof):
    return {
        "question": f"question-{proof.name}.html",
        "topic": f"{proof.name}.html",
        "cost": f"costs.html#{proof.name}",
    }[proof.kind]


# Mistakes


def test_a_guide_is_read_with_its_proofs(written):
    found = guide.read(written(GUIDE), KNOWN)
    claim = guide.Claim("It waits.", (Proof("question", "fails"),))
    assert found == guide.Guide("For all.", (claim,), (claim,), (claim,))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("For all.", " ", "summary must be a text that is not empty"),
        ("summary", "sumary", "unknown key 'sumary'"),
        ("[[know]]", "[[known]]", "unknown key 'known'"),
        (CLAIM.format("know"), "", r"at least one entry \[\[know\]\]"),
        ("It waits.", "", r"\[\[use\]\] number 1: claim must be a text"),
        ('"question:fails"', "", r"\[\[use\]\] number 1: it has no proof"),
        ('["question:fails"]', '"race"', "proof must be a list of texts"),
        ("question:fails", "fails", "must begin with one of question:, topic:, cost:"),
        ("question:fails", "question:fail", "'question:fail': no question has that"),
        ("question:fails", "cost:race", "'cost:race': no cost has that name"),
        ("claim =", "claims =", "unknown key 'claims'; the keys are claim, proof"),
        ("proof = [", "proof = ", "Invalid|Unclosed|Expected"),
    ],
)
def test_a_mistake_in_a_guide_is_an_error_that_names_the_file(
    written, old, new, message
):
    path = written(GUIDE.replace(old, new))
    with pytest.raises(BadText, match=message) as raised:
        guide.read(path, KNOWN)
    assert str(raised.value).startswith(f"{path}: ")


def test_an_entry_that_is_not_a_table_is_an_error_that_names_the_file(written):
    path = written('summary = "For all."\nuse = [1]\n')
    with pytest.raises(BadText, match=rf"{path}: \[\[use\]\] number 1: it must be a"):
        guide.read(path, KNOWN)


def test_a_need_without_proof_is_an_error_that_names_the_file(written):
    path = written('[[choice]]\nneed = "speed"\nthen = "trio"\nproof = []\n')
    with pytest.raises(BadText, match=rf"{path}: \[\[choice\]\] number 1: .* no proof"):
        guide.read_choices(path, KNOWN)


def test_a_term_may_have_other_names_proofs_and_a_source(written):
    text = (
        '[scope]\nmeans = "A block."\nalso = { trio = "`CancelScope`" }\n'
        'see = ["shield"]\nproof = ["topic:race"]\nsource = "https://a.b/c"\n'
    )
    one, other = glossary.read(written(text + SHIELD), KNOWN)
    assert one.also == {"trio": "`CancelScope`"}
    assert one.see == ("shield",)
    assert one.proof == (Proof("topic", "race"),)
    assert one.source == "https://a.b/c"
    assert (other.letter, other.anchor, other.source) == ("S", "shield", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHIELD + 'see = ["scope"]', r"\[shield\]: see names 'scope'"),
        (SHIELD + 'see = ["shield"]', r"\[shield\]: see names 'shield'"),
        (SHIELD + '[race]\nmeans = "x"', r"\[race\] must come before \[shield\]"),
        (SHIELD + '["shield "]\nmeans = "x"', r"\[shield \] has the same address"),
        (SHIELD + 'proof = ["topic:shield"]', "'topic:shield': no topic has that name"),
        (SHIELD + "also = 1", "also must be a table of names by study"),
        (SHIELD + "also = { trio = 1 }", "trio must be a text that is not empty"),
        (SHIELD + 'source = ""', "source must be a text that is not empty"),
        (SHIELD + 'mean = "x"', "unknown key 'mean'"),
        ("[shield]", r"\[shield\]: means must be a text"),
        ("shield = 1", r"\[shield\]: it must be a table"),
    ],
)
def test_a_mistake_in_the_glossary_is_an_error_that_names_the_file(
    written, text, message
):
    path = written(text)
    with pytest.raises(BadText, match=message) as raised:
        glossary.read(path, KNOWN)
    assert str(raised.value).startswith(f"{path}: ")
