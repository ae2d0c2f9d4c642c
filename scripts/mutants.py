#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plant one mistake after the other in the driver, and see that a test fails.

The list of mistakes has three lines for each of them:

  <file> | <cell> | <program> | <test>[ | log]: <what is wrong>
  	- <a line of the file>
  	+ <the line that takes its place>

The file belongs to the engine or to the simulator, and has the line exactly
once; white space at the beginning of a line does not matter.  The program runs in
one boot of the cell (see vm/cells) with this test alone.  The mistake is caught if
the test fails; with "log", also if the kernel's log reports trouble.  It survives if
the test passes, is skipped or does not come to its end.

Before the first mistake each test has to pass.  Mistakes are made in a tree of
their own, of which each run begins by making it what it is without any: no other
tree ever has one.
"""

import argparse
import fnmatch
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SELFTESTS = HERE.parent / "tools/testing/selftests/kfd_criu"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SELFTESTS / "vm"))
# pylint: disable=wrong-import-position,import-error
import run
import series

# Where the files are that mistakes are made in.
FILES = ("drivers/gpu/drm/amd/amdkfd/kfd_criu*.[ch]", "drivers/gpu/drm/amd/simgpu/*.[ch]")
# A test of the kselftest harness ends itself before.
PROGRAM_SECONDS = 400


class Error(Exception):
    """What the user has to know."""


class Broken(Exception):
    """Why nothing can be said about one mistake."""


class Mutant:
    """One mistake, and the test that has to fail."""

    def __init__(self, number, lines, where):
        head = re.match(r"([^:]+): (.+)", lines[0])
        fields = [field.strip() for field in head[1].split("|")] if head else []
        self.log = fields[4:] == ["log"]
        if len(lines) != 3 or len(fields) not in (4, 5) or len(fields) == 5 and not self.log or \
                [line.strip()[:1] for line in lines[1:]] != ["-", "+"]:
            raise Error(f"{where}: wants '<file> | <cell> | <program> | <test>: <what>', a line "
                        "with '-' and one with '+'")
        self.number = number
        self.where = where
        self.file, self.cell, self.program, self.test = fields[:4]
        self.what = head[2]
        self.old, self.new = (line.strip()[1:].strip() for line in lines[1:])
        self.path = None            # in the repository

    def locate(self, root):
        """The file of the mistake, which must have the line once."""
        found = [path for pattern in FILES for path in root.glob(pattern)
                 if path.name == self.file]
        if len(found) != 1:
            raise Error(f"{self.where}: no file {self.file} of engine or simulator")
        self.path = found[0].relative_to(root)
        count = [line.strip() for line in found[0].read_text().splitlines()].count(self.old)
        if count != 1:
            raise Error(f"{self.where}: {self.file} has this line {count} times, not once: "
                        f"{self.old}")
        if self.old == self.new:
            raise Error(f"{self.where}: changes nothing")

    def apply(self, text):
        """The text of the file with the mistake."""
        lines = text.split("\n")
        at = [line.strip() for line in lines].index(self.old)
        indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
        lines[at] = indent + self.new if self.new else ""
        return "\n".join(lines)

    def command(self):
        """The program with its arguments, as in vm/cells: KUnit has no single tests."""
        return self.program if self.program.endswith(".sh") else f"{self.program}:-t:{self.test}"


def read_list(path):
    """All mistakes of the list, each with a file that has its line."""
    mutants, lines, start = [], [], 0
    for number, line in enumerate([*path.read_text().splitlines(), "end"], 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            if lines:
                mutants.append(Mutant(len(mutants) + 1, lines, f"{path.name}:{start}"))
            lines, start = [], number
        lines.append(line)
    for mutant in mutants:
        mutant.locate(HERE.parent)
    return mutants


def select(mutants, words):
    """Those that were asked for, by number or by file."""
    if not words:
        return mutants
    patterns = words.split()
    chosen = [mutant for mutant in mutants
              if any(pattern == str(mutant.number) or fnmatch.fnmatchcase(mutant.file, pattern)
                     for pattern in patterns)]
    if not chosen:
        raise Error(f"MUTANT={words} is none of the numbers 1 to {len(mutants)} and matches "
                    "no file of the list")
    return chosen


def call(argv, **env):
    """Output and exit status; whatever ends us ends what was started, too."""
    with subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env={**os.environ, **env},
                          start_new_session=True) as child:
        try:
            output = child.communicate()[0]
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)
            raise
    return output, child.returncode


def build(tree, only):
    """Build the kernel, or its modules; returns what there was to say."""
    output, status = call([SELFTESTS / "vm/build.sh", tree, "out"], ONLY=only)
    if status:
        raise Broken("does not build:\n" + output)
    return output


def boot(tree, results, cell, programs):
    """Run the programs in one boot; returns all results, as the kernel's parser has them."""
    results.mkdir(parents=True, exist_ok=True)
    document = results / "results.ktap"
    document.unlink(missing_ok=True)
    output, _ = call([SELFTESTS / "vmtest.sh", "-n", "-S", tree, "-K", tree, "-r", results,
                      "-c", cell, "-x", programs, "-T", PROGRAM_SECONDS])
    if not document.is_file():
        raise Broken(f"cell {cell} does not run:\n" + output)
    return run.parse(document.read_text().splitlines(), tree)[0]


def outcomes(result, name):
    """How a test of that name ended, in each place and for each parameter."""
    for part in result.subtests:
        # Tests of the harness have their fixture, and its variant, in front.
        if part.name.strip().rsplit(".", 1)[-1] == name:
            yield part.status.name
        else:
            yield from outcomes(part, name)


def said(ended):
    """The same in words."""
    return f"the test ends with {', '.join(sorted(ended)) or 'nothing'}"


def in_log(result):
    """The trouble that the kernel's log reports, as lines."""
    return [line for cell in result.subtests for part in cell.subtests
            if re.match(r"kernel_log\.\d", part.name) and not part.ok_status()
            for line in [part.name, *part.log]]


def without(tree, results, mutants):
    """Run the tests on the driver as it is: returns those that did not pass, and why."""
    cells = {}
    for mutant in mutants:
        programs = cells.setdefault(mutant.cell, {})
        tests = programs.setdefault(mutant.program, [])
        if mutant.test not in tests:
            tests.append(mutant.test)
    useless = {}
    for cell, programs in cells.items():
        commands = [program if program.endswith(".sh") else
                    ":-t:".join([program, *tests]) for program, tests in programs.items()]
        result = boot(tree, results, cell, " ".join(commands))
        for mutant in mutants:
            ended = set(outcomes(result, mutant.test)) if mutant.cell == cell else {"SUCCESS"}
            if ended != {"SUCCESS"}:
                useless[mutant.number] = said(ended)
        trouble = in_log(result)
        if trouble:
            raise Broken(f"the kernel's log of cell {cell} reports\n" + "\n".join(trouble))
    return useless


def judge(result, mutant):
    """Why the mistake was not caught, or None."""
    ended, trouble = set(outcomes(result, mutant.test)), in_log(result)
    if "FAILURE" in ended or (mutant.log and trouble):
        return None
    return said(ended) + (", the kernel's log reports trouble" if trouble else "")


def catch(tree, results, mutant):
    """Make the mistake and take it back: returns why it was not caught, or None."""
    path = tree / mutant.path
    honest, mode = path.read_text(), path.stat().st_mode & 0o777
    try:
        series.replace(path, mutant.apply(honest).encode(), mode)
        output = build(tree, "modules")
        if "warning:" in output:
            raise Broken("compiles with a warning:\n" + output)
        return judge(boot(tree, results, mutant.cell, mutant.command()), mutant)
    finally:
        series.replace(path, honest.encode(), mode)


def lay_tree(args, mutants):
    """The tree of the mistakes, as it is without one."""
    base = series.find_base(args)
    patches = [patch for part in series.load_parts(base).values() for patch in part]
    tree = args.build / "mutants/tree"
    series.sync_tree(tree, base, series.states(patches, base, args.build / "cache")[-1])
    # A run that was interrupted may have left the object file of a mistake.
    for mutant in mutants:
        (tree / mutant.path).touch()
    return tree


def hunt(args):
    """Plant all mistakes that were asked for; returns the exit status."""
    everything = read_list(args.list)
    mutants = select(everything, args.mutant)
    tree = lay_tree(args, everything)
    results = args.build / "mutants/results"
    print(f"# building {len(mutants)} mistakes' kernel without any of them", flush=True)
    try:
        build(tree, "all")
        useless = without(tree, results / "without", mutants)
    except Broken as broken:
        raise Error(f"without a mistake: {broken}") from None
    survived = []
    for mutant in mutants:
        start = time.monotonic()
        try:
            why = useless.get(mutant.number)
            why = f"{why} without a mistake" if why else \
                catch(tree, results / str(mutant.number), mutant)
        except Broken as broken:
            why = str(broken)
        test = f"{mutant.cell} {mutant.program} {mutant.test}"
        seconds = f"({time.monotonic() - start:.0f} s)"
        if why is None:
            print(f"ok {mutant.number} caught by {test}: {mutant.what} {seconds}", flush=True)
            continue
        head, *more = why.splitlines()
        survived.append((f"{test}: {mutant.what}", [head, *more]))
        print("\n".join(f"# {line}" for line in more) + "\n" * bool(more) +
              f"not ok {mutant.number} survived: {mutant.what}: {test}: {head} {seconds}",
              flush=True)
    failed = len(survived)
    run.leave(len(mutants) - failed, failed, 0, survived)
    print(f"{len(mutants) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def stop(_number, _frame):
    """A signal is an interrupt like that of the terminal: what was started ends, too."""
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ksrc", required=True, help="kernel tree or source tarball")
    parser.add_argument("--build", type=Path, default=HERE.parent / "build")
    parser.add_argument("--list", type=Path, default=HERE / "mutants", help="of mistakes")
    parser.add_argument("--mutant", default="", help="numbers, or patterns of file names")
    args = parser.parse_args()
    args.build = args.build.resolve()
    signal.signal(signal.SIGTERM, stop)
    try:
        return hunt(args)
    except (Error, run.Error, series.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
