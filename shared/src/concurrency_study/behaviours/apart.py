"""Run one function in this process, for `measure`; it may hang, crash, or get Ctrl-C.

``python -m concurrency_study.behaviours.apart STUDY GROUP FUNCTION WORLD``
"""

from __future__ import annotations

import json
import sys

from .measure import function_of, run


def main(study: str, group: str, name: str, world: str) -> None:
    """Say when the function begins, and then what it returns."""
    function = function_of(study, group, name)
    print("begun", flush=True)
    result = run(function, world, real=True)
    print("said", json.dumps(result, default=list), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
