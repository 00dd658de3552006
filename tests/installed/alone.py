"""Run a script from an empty folder, as one that was pasted: without these packages.

``python -I alone.py SCRIPT PACKAGE...``. A package is refused in the processes that the
script starts as well: they get its path, in which a module that fails comes first. A
library of a study's own, as the kernel of generators, is in its package. So that is
named by the modules that it may not import, and only the script itself is refused them.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    script, *refused = sys.argv[1:]
    sys.modules.update(dict.fromkeys(refused))  # to import one raises ImportError
    with TemporaryDirectory() as failing, TemporaryDirectory() as empty:
        for name in refused:
            if "." not in name:
                text = f"raise ImportError({f'{name} is not here'!r})\n"
                Path(failing, f"{name}.py").write_text(text, "utf-8")
        sys.path.insert(0, failing)
        os.environ["PYTHONPATH"] = failing
        os.chdir(empty)
        runpy.run_path(script, run_name="__main__")
