#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Leave the verdict of a run of tests for the program that started the run.

usage: verdict.py PASSED FAILED SKIPPED [NAME FILE]...

The environment variable KFD_CRIU_VERDICT names the file; without the variable
nothing is left.  Each NAME is a test that failed, and its FILE has the lines
that say why.  The file is a JSON object with the numbers "passed", "failed" and
"skipped", the list "failures" of [name, [line, ...]], the list "notes" of lines
that a reader has to know though nothing failed, and "base", the version of the
base kernel or null.  A command of two parts calls this twice: numbers are added
to those that the file has, and lists grow.
"""

import json
import os
import sys
from pathlib import Path


def leave(passed, failed, skipped, failures=(), notes=(), base=None):
    """Add one verdict; @failures: pairs of a name and a list of lines."""
    path = os.environ.get("KFD_CRIU_VERDICT")
    if not path:
        return
    path = Path(path)
    try:
        before = json.loads(path.read_text())
    except FileNotFoundError:
        before = {}
    verdict = {
        "passed": before.get("passed", 0) + passed,
        "failed": before.get("failed", 0) + failed,
        "skipped": before.get("skipped", 0) + skipped,
        "failures": [*before.get("failures", []),
                     *([name, list(lines)] for name, lines in failures)],
        "notes": [*before.get("notes", []), *notes],
        "base": base or before.get("base"),
    }
    # Whoever is killed half way leaves no half of a verdict.
    new = path.with_suffix(".new")
    new.write_text(json.dumps(verdict, indent=1) + "\n")
    new.replace(path)


def main():
    words = sys.argv[1:]
    if len(words) < 3 or not len(words) % 2 or not all(word.isdigit() for word in words[:3]):
        print(__doc__.splitlines()[2], file=sys.stderr)
        return 2
    failures = [(name, Path(file).read_text(errors="replace").splitlines())
                for name, file in zip(words[3::2], words[4::2])]
    leave(*map(int, words[:3]), failures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
