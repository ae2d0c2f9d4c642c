#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Test the instruction interpreter of simulated GPUs in user space, with LLVM as the judge.

usage: isa.py [-o <folder>] [-S <kernel sources>] [-z <seed>] [-n <instructions>] [-k <word>]

Decoding is compared with LLVM's for each opcode of each family and for random words; programs
are assembled by LLVM, run in one go and saved and loaded between any two instructions, and must
leave in memory what is computed here; random instructions run under AddressSanitizer and UBSan.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import alu
import decode
import llvm
import programs

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import verdict  # noqa: E402

# Percent of the interpreter's lines that programs and random instructions have to reach.
WANTED_LINES = 90


class Results:
    """Results in KTAP."""

    def __init__(self, word):
        self.passed, self.failures, self.word = 0, [], word
        print("KTAP version 1", flush=True)

    def skips(self, name):
        return self.word not in name

    def result(self, name, complaints, note=""):
        number = self.passed + len(self.failures) + 1
        for complaint in complaints[:20]:
            print(f"# {complaint}")
        if complaints:
            self.failures.append((name, complaints))
        else:
            self.passed += 1
        print(f"{'not ok' if complaints else 'ok'} {number} {name}{note and ' # ' + note}",
              flush=True)

    def end(self):
        print(f"1..{self.passed + len(self.failures)}")
        print(f"{self.passed} passed, {len(self.failures)} failed, 0 skipped")
        verdict.leave(self.passed, len(self.failures), 0,
                      [(name, complaints[:20]) for name, complaints in self.failures])
        return 1 if self.failures else 0


def sizes(processor):
    return (64,) if llvm.generation(processor) == 9 else (32, 64)


def execute(out, binary, p, mode, name):
    """Run a program; what is wrong with what it has left."""
    code, before, after = (out / f"{name}.{kind}" for kind in ("code", "before", "after"))
    before.write_bytes(p.memory)
    after.unlink(missing_ok=True)
    run = subprocess.run([binary, "run", hex(llvm.PROCESSORS[p.processor]), str(p.lanes),
                          str(p.waves), str(p.agprs), mode, code, before, after],
                         capture_output=True, text=True, check=False)
    if run.returncode:
        return [f"{mode}: exit status {run.returncode}", *run.stderr.splitlines()[:10]]
    complaints = p.check(after.read_bytes(), run.stdout.splitlines())
    return [f"{mode}: {complaint}" for complaint in complaints]


def run_program(out, results, p, name):
    complaints = []
    try:
        (out / f"{name}.code").write_bytes(p.code())
    except ValueError as error:
        results.result(name, str(error).splitlines())
        return
    # In one go, and with a save and a load between any two instructions.
    for binary, mode in (("isa-asan", "plain"), ("isa-lines", "step")):
        complaints += execute(out, out / binary, p, mode, name)
    if not complaints:
        for kind in ("before", "after"):
            (out / f"{name}.{kind}").unlink()
    results.result(name, complaints)


def test_decoder(out, results, seed):
    for processor in llvm.PROCESSORS:
        for lanes in sizes(processor):
            name = f"decoder-{processor}-wave{lanes}"
            if results.skips(name):
                continue
            complaints, count, agreed, missing = decode.check(
                str(out / "libisa.so"), processor, lanes, seed, 6, 20000)
            complaints += [f"{operation}: never the same as LLVM's"
                           for operation in sorted(missing)]
            results.result(name, complaints, f"{len(agreed)} operations, {count} words")


def test_programs(out, results):
    for processor in llvm.PROCESSORS:
        for lanes in sizes(processor):
            for function, options in programs.PROGRAMS + alu.PROGRAMS:
                options = dict(options)
                if processor not in options.pop("processors", llvm.PROCESSORS):
                    continue
                name = f"{function.__name__}-{processor}-wave{lanes}"
                if results.skips(name):
                    continue
                p = programs.Program(processor, lanes, **options)
                function(p)
                run_program(out, results, p.end(), name)


def test_illegal(out, results):
    for processor in llvm.PROCESSORS:
        for lanes in sizes(processor):
            for index, (text, what) in enumerate(programs.ILLEGAL):
                name = f"illegal-{index}-{processor}-wave{lanes}"
                if results.skips(name):
                    continue
                p = programs.illegal(processor, lanes, text, what)
                if p:
                    run_program(out, results, p, name)


def test_random(out, results, seed, instructions):
    for processor, version in llvm.PROCESSORS.items():
        name = f"random-{processor}"
        if results.skips(name):
            continue
        run = subprocess.run([out / "isa-asan", "fuzz", hex(version), str(seed),
                              str(instructions)], capture_output=True, text=True, check=False)
        lines = run.stdout.splitlines() + run.stderr.splitlines()
        # Some more for the lines that only a refused instruction reaches.
        subprocess.run([out / "isa-lines", "fuzz", hex(version), str(seed),
                        str(instructions // 5)], capture_output=True, check=False)
        results.result(name, lines[:20] if run.returncode else [],
                       lines[0] if not run.returncode else "")


def tell_speed(out, results):
    """Wave instructions per second; nothing depends on it."""
    for processor in llvm.PROCESSORS:
        for lanes in sizes(processor):
            if results.skips(f"speed-{processor}-wave{lanes}"):
                continue
            p = programs.Program(processor, lanes)
            p.asm("""
                v_mov_b32 v2, 0
                loop:
                v_add_u32 v2, v2, v0
                v_xor_b32 v3, v2, v0
                v_mul_lo_u32 v4, v2, v3
                v_lshlrev_b32 v5, 3, v4
                s_add_u32 s12, s12, 1
                s_lshl_b32 s13, s12, 3
                s_xor_b32 s14, s13, s12
                s_cmp_lg_u32 s12, 0
                s_cbranch_scc1 loop
            """)
            code = out / "speed.code"
            code.write_bytes(p.end().code())
            run = subprocess.run([out / "isa", "speed", hex(llvm.PROCESSORS[processor]),
                                  str(lanes), code, "2000000"], capture_output=True, text=True,
                                 check=True)
            print(f"# {processor} wave{lanes}: {int(run.stdout):,} wave instructions per second")


def test_coverage(out, results):
    """Lines of the interpreter that were reached; what decides is the sum."""
    reached = total = 0
    complaints = []
    for data in sorted(out.glob("lines-simgpu_*.gcda")):
        run = subprocess.run(["gcov", "-t", "-o", out, data], capture_output=True, text=True,
                             check=True, cwd=out)
        lines = re.findall(r"^ *([^:\s]+):\s*([1-9]\d*):(.*)$", run.stdout, re.M)
        missing = [line for count, line, _ in lines if count == "#####"]
        there = [line for count, line, _ in lines if count != "-"]
        reached += len(there) - len(missing)
        total += len(there)
        print(f"# {data.stem.removeprefix('lines-')}.c: {len(there) - len(missing)} of "
              f"{len(there)} lines{', not ' if missing else ''}{' '.join(missing[:40])}")
    if not total or 100 * reached < WANTED_LINES * total:
        complaints = [f"{reached} of {total} lines, {WANTED_LINES} % wanted"]
    results.result("coverage", complaints, f"{reached} of {total} lines")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("-S", dest="source", type=Path, default=HERE.parents[4])
    parser.add_argument("-o", dest="out", type=Path)
    parser.add_argument("-z", dest="seed", type=int, default=1)
    parser.add_argument("-n", dest="instructions", type=int, default=20000)
    parser.add_argument("-k", dest="word", default="", help="only tests with this in their name")
    options = parser.parse_args()
    source = options.source.resolve()
    out = (options.out or source / "out-isa").resolve()
    out.mkdir(parents=True, exist_ok=True)
    for data in out.glob("*.gcda"):
        data.unlink()
    results = Results(options.word)
    start = time.monotonic()
    build = subprocess.run(["make", "-s", "-C", HERE, f"S={source}", f"O={out}"],
                           capture_output=True, text=True, check=False)
    if build.returncode:
        results.result("build", build.stderr.splitlines())
        return results.end()
    try:
        test_decoder(out, results, options.seed)
        test_programs(out, results)
        test_illegal(out, results)
    except llvm.Missing as error:
        print(f"isa.py: {error}; Debian has it in: llvm-{llvm.VERSION}", file=sys.stderr)
        results.result("llvm", [str(error)])
        return results.end()
    test_random(out, results, options.seed, options.instructions)
    if not options.word:
        test_coverage(out, results)
    tell_speed(out, results)
    print(f"# seed {options.seed}, {time.monotonic() - start:.0f} s")
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
