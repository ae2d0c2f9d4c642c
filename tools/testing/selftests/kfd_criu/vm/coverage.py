#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How much of the engine the tests of one run have reached.

Each machine of a debug run leaves an archive of the counters that GCC's gcov
keeps in the kernel.  They are added up, and printed as lines and branches of
each file.  Branches are those of the machine code: what the checkers of the
debug kernel ask for behind each access is not among them, conditions inside of
macros such as list walks and tracepoints are.

The file "unreached" beside this one has the reasons for lines that no test
reaches, or not each time, see unreached.py.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
# pylint: disable=wrong-import-position
from unreached import Reasons, explain, share

ENGINE = "drivers/gpu/drm/amd/amdkfd"


class Error(Exception):
    """What the user has to know."""


def call(*argv, **options):
    """Run a program; what it says is of interest only if it fails."""
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        raise Error(f"{argv[0]} failed: {done.stdout.decode(errors='replace').strip()}")


def add_up(archives, folder):
    """Counters of all archives in one folder."""
    total = None
    for number, archive in enumerate(archives):
        part = folder / f"part{number}"
        part.mkdir()
        with open(archive, "rb") as stream:
            call("cpio", "--extract", "--quiet", stdin=stream, cwd=part)
        if not any(part.iterdir()):
            continue
        if total is None:
            total = part
            continue
        merged = folder / f"sum{number}"
        call("gcov-tool", "merge", "-o", merged, total, part)
        total = merged
    return total


def read(counters, objects, folder):
    """What gcov says of the counters: documents, one for each source file."""
    for counter in sorted(counters.glob("*.gcda")):
        notes = objects / ENGINE / counter.with_suffix(".gcno").name
        if not notes.is_file():
            raise Error(f"{notes} is missing, which the build of the kernel makes")
        (counters / notes.name).write_bytes(notes.read_bytes())
        call("gcov", "--json-format", "--branch-probabilities", counter, cwd=folder)
    for path in sorted(folder.glob("*.gcov.json.gz")):
        yield json.loads(gzip.decompress(path.read_bytes()))


def count(documents):
    """{file: ({line: ran}, [branch ran])} of the engine's own files."""
    result = {}
    for document in documents:
        for source in document["files"]:
            name = os.path.basename(source["file"])
            if not name.startswith("kfd_criu") or name == "kfd_criu_trace.h":
                continue
            lines, branches = result.setdefault(name, ({}, {}))
            for line in source["lines"]:
                number = line["line_number"]
                # A function of a header stands in several files.
                lines[number] = lines.get(number, 0) + line["count"]
                for place, branch in enumerate(line["branches"]):
                    key = number, place
                    branches[key] = branches.get(key, 0) + branch["count"]
    return result


def report(found, source):
    """Table and list as text, the percentage of lines, and the places without a reason."""
    text = [f"{'':26}{'lines':>18}{'branches':>18}"]
    all_lines, all_branches = [], []
    for name in sorted(found):
        lines, branches = found[name]
        all_lines += lines.values()
        all_branches += branches.values()
        text.append(f"{name:26}{share(lines.values()):>18}{share(branches.values()):>18}")
    text.append(f"{'all of them':26}{share(all_lines):>18}{share(all_branches):>18}")
    known, missing, unknown = Reasons(HERE / "unreached"), [], []
    for name in sorted(found):
        silent = [number for number, ran in found[name][0].items() if not ran]
        for where, why, code in explain(source / ENGINE / name, silent, known):
            missing.append(f"not reached: {where}: {why or 'no reason is known: ' + code}")
            unknown += missing[-1:] if why is None else []
    sources = {name: (source / ENGINE / name).read_text() for name in found}
    missing += [f"vm/unreached: {entry}" for entry in known.unused(sources)]
    percent = 100 * sum(1 for ran in all_lines if ran) / max(len(all_lines), 1)
    return text, missing, percent, unknown


def measure(archives, objects, source):
    """The same, of the archives of a run; None if amdgpu was not there."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        counters = add_up(archives, folder)
        if counters is None:
            return None
        output = folder / "gcov"
        output.mkdir()
        return report(count(read(counters, objects, output)), source)
