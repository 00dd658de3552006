"""Measure every behaviour of the installed studies, and print the answers as JSON.

``python -m concurrency_study.behaviours [FUNCTION...]``
"""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

from ..report import libraries_of
from ..study import installed_studies
from .measure import all_measured
from .published import read


def main(functions: list[str]) -> list[dict[str, Any]]:
    """Measure these functions, or all, of each installed study."""
    told: list[dict[str, Any]] = []
    for study in installed_studies():
        rows = read(study.name, study.folder)
        chosen = [row for row in rows if not functions or row.function in functions]
        told.append(
            {
                "study": study.name,
                "python": platform.python_version(),
                "libraries": libraries_of(study),
                "answers": all_measured(chosen, study.worlds),
            }
        )
    return told


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)
