"""Is the text fit to be published?"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():  # an archive: all that is there was tracked once
        hidden = (".venv", ".nox", "__pycache__")
        files = (path for path in ROOT.rglob("*") if path.is_file())
        return [f for f in files if not set(f.relative_to(ROOT).parts) & set(hidden)]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / n for n in listed.stdout.split("\0") if n and (ROOT / n).is_file()]


def test_no_path_of_a_machine_and_no_registry_is_named():
    machine = re.compile(r"(?<![\w.])/(root|home|work)/|index-url|files\.pythonhosted")
    for path in tracked():
        if path != Path(__file__):
            found = machine.search(path.read_text("utf-8"))
            assert found is None, f"{path}: {found}"


def test_links_between_our_pages_lead_somewhere():
    for page in tracked():
        if page.suffix == ".md" and "templates" not in page.parts:
            text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_python_file_says_what_it_is():
    for path in tracked():
        text = path.read_text("utf-8") if path.suffix == ".py" else ""
        if text.strip():
            assert re.match(r'(#.*\n)*"""', text), path
