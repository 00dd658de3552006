"""The lines of a source: as Python counts them, as they are compared, and as tokens."""

from __future__ import annotations

import io
import re
import tokenize

STEP = re.compile(r"# (\d+)\. (.*)")
ANONYMOUS = "…"
"""The mask for the name of a study's own library in lines that are compared."""
COMMENT = tokenize.COMMENT
_SPACE = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


def normal_lines(text: str, library: frozenset[str]) -> dict[int, str]:
    """Return the lines that are not blank as they are compared, by number.

    A line becomes its tokens with one space between them. The names in ``library`` are
    masked. Comments are left out, except those of steps.
    """
    found: dict[int, list[str]] = {}
    for token in tokens(text):
        if token.type in _SPACE or not token.string.strip():
            continue
        if token.type == COMMENT and not STEP.fullmatch(token.string):
            continue
        masked = token.type == tokenize.NAME and token.string in library
        for offset, piece in enumerate(token.string.splitlines()):
            number = token.start[0] + offset
            found.setdefault(number, []).append(ANONYMOUS if masked else piece)
    return {number: " ".join(pieces) for number, pieces in found.items()}


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """Return the tokens of a source, which must be Python: parse it first."""
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def source_lines(text: str) -> list[str]:
    """Return the lines as Python counts them. A form feed does not end a line."""
    return [line.rstrip("\n") for line in io.StringIO(text)]
