"""The table of topics and studies in README.md, made from the tree.

python comparisons/table.py            write it
python comparisons/table.py --check    fail if it is not fresh
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

from concurrency_study.registry import Entry, answers_in, entry_of, in_checkout
from concurrency_study.topics import SECTIONS, TOPICS

ROOT = Path(__file__).parent.parent
BEGIN = "<!-- table: made by comparisons/table.py -->"
END = "<!-- end of table -->"


def title(topic: str) -> str:
    """Return the topic's question, from the first line of its docstring."""
    path = ROOT / f"shared/src/concurrency_study/topics/{topic}.py"
    line = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0]
    return line.partition(": ")[2].rstrip(".")


def cell(study: Entry, topic: str) -> str:
    """Return links to all answers of a study to a topic."""
    found = sorted(p for t, p in answers_in(study.package, SECTIONS) if t == topic)
    return " ".join(
        f"[{path.stem.removeprefix(topic).lstrip('_') or 'answer'}]"
        f"({path.relative_to(ROOT).as_posix()})"
        for path in found
    )


def table() -> str:
    """Return the table in Markdown."""
    studies = sorted(map(entry_of, in_checkout(ROOT)), key=lambda each: each.order)
    head = f"| topic | {' | '.join(study.name for study in studies)} | proof |"
    rows = [head, "|---" * (len(studies) + 2) + "|"]
    for topic in TOPICS:
        question = f"shared/src/concurrency_study/topics/{topic}.py"
        cells = " | ".join(cell(study, topic) for study in studies)
        rows.append(
            f"| [{topic}]({question})<br>{title(topic)} | {cells} "
            f"| [suite](tests/conformance/test_{topic}.py) |"
        )
    return "\n".join(rows)


def main() -> int:
    """Write the table, or check it, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    page = ROOT / "README.md"
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md lacks the line {BEGIN!r} or {END!r}; put both back")
    fresh = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if arguments.check and fresh != text:
        sys.exit(
            "the table in README.md is stale; run `python comparisons/table.py` to "
            "write it again"
        )
    if not arguments.check:
        page.write_text(fresh, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
