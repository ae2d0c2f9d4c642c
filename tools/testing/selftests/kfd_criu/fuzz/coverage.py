#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print which lines and branches of the driver a corpus of images has reached.

usage: coverage.py <program> <profile> <percent of lines that are wanted>

The program is one that was built with clang's source-based coverage, the profile
what llvm-profdata made of its runs.  Exit status 1 if there are less lines.

The file "unreached" beside this one has the reasons for lines that no image can reach,
see unreached.py.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from unreached import Reasons, explain, ratio


def export(program, profile, *options):
    argv = ["llvm-cov", "export", program, f"-instr-profile={profile}", *options]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.decode()


def silent(lcov):
    """Lines that can run and did not, of each file of the driver."""
    for section in lcov.split("end_of_record"):
        name = re.search(r"^SF:(.*)", section, re.M)
        if name and "/amdkfd/" in name[1]:
            yield name[1], [int(line) for line in re.findall(r"^DA:(\d+),0\b", section, re.M)]


def main():
    program, profile, wanted = sys.argv[1:]
    summary = json.loads(export(program, profile, "-summary-only"))["data"][0]
    rows = [(entry["filename"], entry["summary"]) for entry in summary["files"]
            if "/amdkfd/" in entry["filename"]]
    rows.append(("all of them", {
        kind: {key: sum(row[kind][key] for _, row in rows) for key in ("count", "covered")}
        for kind in ("lines", "branches")}))
    print(f"{'':24}{'lines':>16}{'branches':>18}")
    for name, row in rows:
        cells = [ratio(row[kind]["covered"], row[kind]["count"])
                 for kind in ("lines", "branches")]
        print(f"{os.path.basename(name):24}{cells[0]:>16}{cells[1]:>18}")
    known = Reasons(HERE / "unreached")
    for name, lines in silent(export(program, profile, "-format=lcov")):
        for where, why, _ in explain(name, lines, known):
            print(f"not reached: {where}: {why or 'no image so far'}")
    total = rows[-1][1]["lines"]
    return 100 * total["covered"] < float(wanted) * total["count"]


if __name__ == "__main__":
    sys.exit(main())
