"""Run a script from an empty folder, as one that was pasted: without these packages.

``python -I alone.py SCRIPT PACKAGE...``. A library of a study's own, as the kernel of
generators, is in its package. So that is named by the modules that it may not import.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile

if __name__ == "__main__":
    script, *refused = sys.argv[1:]
    sys.modules.update(dict.fromkeys(refused))  # to import one raises ImportError
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        runpy.run_path(script, run_name="__main__")
