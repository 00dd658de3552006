"""The tables of topics and studies, made from the tree: some rows, and all of them.

README.md has a few rows between two marks. comparisons/TOPICS.md has all.

python comparisons/table.py            write it
python comparisons/table.py --check    fail if it is not fresh
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable
from pathlib import Path

from concurrency_study.registry import Entry, answers_in, entry_of, in_checkout
from concurrency_study.topics import SECTIONS, TOPICS

ROOT = Path(__file__).parent.parent
BEGIN = "<!-- table: made by comparisons/table.py -->"
END = "<!-- end of table -->"
ON_THE_FRONT = ("results_at_end", "results_as_we_go", "race", "timeout", "resource")
"""The topics in the README."""
ALL = "comparisons/TOPICS.md"
HEAD = """\
<!-- made by comparisons/table.py -->

# All topics, and the answers of all studies
"""


def title(topic: str) -> str:
    """Return the topic's question, from the first line of its docstring."""
    path = ROOT / f"shared/src/concurrency_study/topics/{topic}.py"
    line = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0]
    return line.partition(": ")[2].rstrip(".")


def cell(study: Entry, topic: str, up: str) -> str:
    """Return links to all answers of a study to a topic."""
    if topic in study.leaves_out:
        return f"left out: {study.leaves_out[topic]}"
    found = sorted(p for t, p in answers_in(study.package, SECTIONS) if t == topic)
    return " ".join(
        f"[{path.stem.removeprefix(topic).lstrip('_') or 'answer'}]"
        f"({up}{path.relative_to(ROOT).as_posix()})"
        for path in found
    )


def table(topics: Iterable[str], up: str = "") -> str:
    """Return the table of these topics in Markdown; links begin with ``up``."""
    studies = sorted(map(entry_of, in_checkout(ROOT)), key=lambda each: each.order)
    head = f"| topic | {' | '.join(study.name for study in studies)} | proof |"
    rows = [head, "|---" * (len(studies) + 2) + "|"]
    for topic in topics:
        question = f"{up}shared/src/concurrency_study/topics/{topic}.py"
        cells = " | ".join(cell(study, topic, up) for study in studies)
        rows.append(
            f"| [{topic}]({question})<br>{title(topic)} | {cells} "
            f"| [suite]({up}tests/conformance/test_{topic}.py) |"
        )
    return "\n".join(rows)


def texts() -> dict[Path, str]:
    """Return the two pages as they should be."""
    front = ROOT / "README.md"
    text = front.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md lacks the line {BEGIN!r} or {END!r}; put both back")
    return {
        front: f"{before}{BEGIN}\n\n{table(ON_THE_FRONT)}\n\n{END}{after}",
        ROOT / ALL: f"{HEAD}\n{table(TOPICS, up='../')}\n",
    }


def main() -> int:
    """Write the tables, or check them, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    for page, fresh in texts().items():
        if not arguments.check:
            page.write_text(fresh, "utf-8")
        elif not page.exists() or page.read_text("utf-8") != fresh:
            sys.exit(
                f"the table in {page.relative_to(ROOT)} is stale; run "
                "`python comparisons/table.py` to write it again"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
