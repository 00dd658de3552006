"""Is the prose plain English? Words and shapes that were hard to read stay out.

Read are comments, strings, docstrings and the names of tests in Python files, and the
text of every page and template. Code is not: a name may be a word that prose avoids.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_text import ROOT, tracked

QUESTION = r"(?![^.]*\?)"
REFUSED = {
    "whoever": r"\bwhoever\b",
    "nobody, somebody": r"\b(no|some)body\b",
    "anew": r"\banew\b",
    "is no X": r"(?<!\bthere )\b(is|are|was|were) no "
    r"(?!(longer|more|less|fewer|later|earlier|older|worse|better|faster|slower)\b)\w",
    "what is no X": r"\bwhat is no\b",
    "by lot": r"\bby lot\b",
    "so many": r"\bso (many|much|long) (?!that\b|as\b)\w",
    "no news": r"\bno news\b",
    "the doomed": r"\b(the|a|is|are|was|each) doomed\b",
    "goes on": r"\b(goes|go|went|gone|going) on\b",
    "stands": r"\bstands? (in|at|for|there|beside|last|first|on)\b",
    "is told": r"\b(is|are|was|were|be) told\b",
    "a sentence that begins with Who": rf"(^|[.;:!?] +)Who {QUESTION}",
}
"""Patterns that no line of prose may match, whatever the case of its letters."""
BEGINNINGS = re.compile(rf"(What|Whether|Where|Who|How|That of) {QUESTION}")
"""A docstring begins with a verb or a noun phrase, or asks a whole question."""
PAGES = {".md", ".j2", ".html", ".js", ".toml"}
CODE = {
    "tests/fuzz/mutants.py",
    "tests/kernel/features.py",
    "tests/mutants/planted/*.py",
}
"""Files whose strings are code. Only comments, docstrings and dict keys are read."""
OURS = Path(__file__)


def prose(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield each line of prose: its number, its text, and if it begins a docstring."""
    text = path.read_text("utf-8")
    if path.suffix in PAGES:
        code = False
        for number, line in enumerate(text.splitlines(), 1):
            code ^= line.startswith("```")
            if not code:
                yield number, line, False
    elif path.suffix == ".py":
        holds_code = any(path.relative_to(ROOT).match(pattern) for pattern in CODE)
        begins: set[int] = set()
        keys: set[tuple[int, int]] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                begins.add(node.lineno)
            if isinstance(node, ast.Dict):
                keys |= {(key.lineno, key.col_offset) for key in node.keys if key}
            name = getattr(node, "name", None)
            if isinstance(name, str) and name.startswith("test_"):
                yield node.lineno, name[5:].replace("_", " "), False
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            named = token.start in keys or token.start[0] in begins
            if holds_code and kind != "COMMENT" and not named:
                continue
            if kind in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
                for i, line in enumerate(token.string.splitlines()):
                    number = token.start[0] + i
                    yield number, line.strip("# \"'"), not i and number in begins


def refused(path: Path) -> Iterator[str]:
    """Yield the lines that have to be written in another way, and why."""
    for number, line, begins in prose(path):
        where = f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for what, pattern in REFUSED.items():
            if re.search(pattern, line, re.IGNORECASE):
                yield f"{where}  ({what})"
        if begins and BEGINNINGS.match(line):
            yield f"{where}  (a docstring begins with a verb or a noun phrase)"


def test_the_prose_has_no_refused_word_or_shape():
    skipped = ROOT / "comparisons/pages"  # made from the rest
    files = [p for p in tracked() if p != OURS and not p.is_relative_to(skipped)]
    found = [line for path in files for line in refused(path)]
    assert not found, f"{len(found)} lines:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('"""What it is."""\n', 1),
        ('"""What is it?"""\n', 0),
        ("def test_nobody_waits(): ...\n", 1),
        ("x = 'a report is no page'  # made anew\n", 2),
        ("# there is no page, and it is no longer here\n", 0),
        ("nobody = doomed\n", 0),
    ],
)
def test_the_words_are_found_where_people_read_them(tmp_path, monkeypatch, text, count):
    monkeypatch.setitem(refused.__globals__, "ROOT", tmp_path)
    (tmp_path / "some.py").write_text(text, "utf-8")
    assert len(list(refused(tmp_path / "some.py"))) == count


def test_strings_of_code_are_not_read_but_keys_and_comments_are(tmp_path, monkeypatch):
    monkeypatch.setitem(refused.__globals__, "ROOT", tmp_path)
    path = tmp_path / "tests/mutants/planted/some.py"
    path.parent.mkdir(parents=True)
    path.write_text("X = {'nobody waits': 'doomed = True'}  # anew\n", "utf-8")
    assert len(list(refused(path))) == 2
