#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run several commands of the Makefile, one after the other, and sum up their verdicts.

A menu is a fixed list of steps: no step is chosen by the clock or by the result
of another one.  Each command leaves its verdict in the file that the environment
variable KFD_CRIU_VERDICT names, a JSON object:

  passed, failed, skipped   numbers of results
  failures                  list of [name, [line, ...]]
  notes                     lines that a reader has to know though nothing failed
  base                      version of the base kernel

A command that leaves no verdict has failed, whatever its exit status says.
"""

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build"
# Lines of one failure that the summary repeats.
LINES = 60
# What a step has of its verdict.
RESULTS = ("passed", "failed", "skipped", "failures", "notes", "base")

# On two cores the menu "ci" is to end within 40 minutes; with an empty compiler cache it takes
# half an hour longer, for three kernels.  The debug kernel runs the cells that have no like on
# the plain one (failed allocations, races), and one that has.
CI = (
    ("static checks", ["check"]),
    ("patches apply", ["check-series", "BUILD=0"]),
    ("tests", ["test"]),
    ("tests, stock kernel", ["test", "KERNEL=stock", "CELL=hws", "TEST=*criu*"]),
    ("debug kernel", ["test", "DEBUG=1", "CELL=faults races fuzz kunit gfx11-943"]),
    ("images in user space", ["fuzz", "RUNS=1000000"]),
    ("generations", ["test", "MATRIX=1",
                     "CELL=9.4.2/no* 9.4.3?CPX/HWS* 10.3.0/no* 12.0.0/HWS*"]),
)
NIGHTLY = (
    ("check", ["check"]),
    ("series", ["check-series"]),
    ("test", ["test"]),
    ("stock", ["test", "KERNEL=stock"]),
    ("debug", ["test", "DEBUG=1"]),
    ("kcsan", ["test", "KCSAN=1", "CELL=races*"]),
    ("matrix", ["test", "MATRIX=1"]),
    ("matrix-stock", ["test", "MATRIX=1", "KERNEL=stock"]),
    ("fuzz-ioctl", ["test", "DEBUG=1", "CELL=fuzz", "IMAGES=100000"]),
    ("fuzz", ["fuzz", "RUNS=10000000"]),
    ("isa", ["isa"]),
    ("bench", ["bench"]),
    ("mutants", ["mutants"]),
)


def soak(hours, runs):
    """The long forms: a program on a debug kernel is given four times its time limit."""
    longer = ["SOAK=1", f"TIMEOUT={hours * 900}"]
    return (
        ("images", ["fuzz", f"RUNS={runs}"]),
        ("faults", ["test", "DEBUG=1", *longer, "CELL=faults*"]),
        ("fuzz", ["test", "DEBUG=1", *longer, "CELL=fuzz"]),
        ("races", ["test", "DEBUG=1", *longer, "CELL=races*"]),
        ("kcsan", ["test", "KCSAN=1", *longer, "CELL=races*"]),
        ("scale", ["test", "DEBUG=1", *longer, "CELL=scale"]),
    )


class Error(Exception):
    """What the user has to know."""


class Step:
    """One command, and what came of it."""

    def __init__(self, name, goals):
        self.name = name
        self.goals = goals
        self.seconds = 0.0
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.notes = []
        self.ran = False
        self.before = None          # when it ran, if that was in an earlier run
        self.base = None

    def command(self):
        return "make " + " ".join(f"'{word}'" if re.search(r"[\s*?]", word) else word
                                  for word in self.goals)

    def fail(self, text):
        self.failed += 1
        self.failures.append([self.command(), [text]])

    def run(self, verdict, environment):
        """Run it with its output as ours; a signal to us ends it, too."""
        verdict.unlink(missing_ok=True)
        start = time.monotonic()
        self.ran = True
        with subprocess.Popen(["make", "--no-print-directory", *self.goals], cwd=REPO,
                              stdin=subprocess.DEVNULL, start_new_session=True,
                              env={**environment, "KFD_CRIU_VERDICT": str(verdict)}) as make:
            try:
                status = make.wait()
            except BaseException:
                os.killpg(make.pid, signal.SIGTERM)
                try:
                    make.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(make.pid, signal.SIGKILL)
                self.seconds = time.monotonic() - start
                self.fail("interrupted")
                raise
        self.seconds = time.monotonic() - start
        self.judge(verdict, status)

    def keep(self, path, version):
        """What came of it, for a run that goes on where this one ends."""
        path.write_text(json.dumps({"version": version, "when": time.strftime("%F %R"),
                                    "command": self.command(), "seconds": self.seconds,
                                    **{key: getattr(self, key) for key in RESULTS}}) + "\n")

    def resume(self, path, version):
        """Take over what an earlier run of the same version has kept; False if there is none."""
        try:
            kept = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return False
        if (kept["version"], kept["command"]) != (version, self.command()):
            return False
        self.ran, self.before, self.seconds = True, kept["when"], kept["seconds"]
        for key in RESULTS:
            setattr(self, key, kept[key])
        return True

    def judge(self, verdict, status):
        """Take over what the command says of itself, unless its end contradicts it."""
        try:
            said = json.loads(verdict.read_text())
            self.passed, self.failed, self.skipped = (
                int(said[key]) for key in ("passed", "failed", "skipped"))
        except FileNotFoundError:
            self.fail(f"left no verdict, exit status {status}")
            return
        except (ValueError, KeyError, TypeError):
            self.fail(f"left a broken verdict, exit status {status}")
            return
        self.failures = said.get("failures", [])
        self.notes = said.get("notes", [])
        self.base = said.get("base")
        if status and not self.failed:
            self.fail(f"exit status {status}, though nothing failed")
        elif not status and not self.passed and not self.failed:
            self.fail("nothing ran")


def summary(steps, seconds):
    """The last lines, and a verdict that is the sum."""
    print(f"\n=== {seconds / 60:.0f} minutes")
    width = max(len(step.name) for step in steps)
    print(f"{'':{width}}  passed  failed  skipped  minutes")
    for step in steps:
        if step.ran:
            print(f"{step.name:{width}}  {step.passed:6}  {step.failed:6}  {step.skipped:7}  "
                  f"{step.seconds / 60:7.1f}" + (f"  on {step.before}" if step.before else ""))
        else:
            print(f"{step.name:{width}}  did not run")
    bases = sorted({step.base for step in steps if step.base})
    if bases:
        print(f"base kernel: {', '.join(bases)}")
    notes = [f"{step.name}: {note}" for step in steps for note in step.notes]
    if notes:
        print("\nTo be known:")
        print("\n".join(f"  {note}" for note in notes))
    broken = [(step, name, lines) for step in steps for name, lines in step.failures]
    if broken:
        print("\nFailures:")
    for step, name, lines in broken:
        print(f"  {step.name}: {name}")
        for line in lines[-LINES:]:
            print(f"    {line}")
    sums = [sum(getattr(step, key) for step in steps) for key in ("passed", "failed", "skipped")]
    print("{} passed, {} failed, {} skipped".format(*sums), flush=True)
    return sums


def version():
    """The commit that is checked out; None if files differ from it, or without git."""
    done = subprocess.run(["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
                          cwd=REPO, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    found = done.stdout.strip()
    return None if done.returncode or found.endswith("-dirty") else found


def choose(args):
    """The menu that was asked for, or parts of it."""
    if args.menu == "soak":
        for number in (args.runs, args.hours):
            if not re.fullmatch(r"[1-9]\d*", number):
                raise Error(f"'{number}' is not a number of images or of hours")
        menu = soak(int(args.hours), args.runs)
    else:
        menu = CI if args.menu == "ci" else NIGHTLY
    names = [name for name, _ in menu]
    for part in args.parts:
        if part not in names:
            raise Error(f"'{part}' is none of {', '.join(names)}")
    return [Step(name, goals) for name, goals in menu if not args.parts or name in args.parts]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("menu", choices=("ci", "nightly", "soak"))
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these steps of the menu")
    parser.add_argument("--resume", action="store_true", help="leave out steps that an earlier run "
                        "of the same commit has ended, and count their results")
    parser.add_argument("--build", type=Path, default=BUILD, help="where verdicts are kept")
    parser.add_argument("--runs", default="50000000", help="soak: images in user space")
    parser.add_argument("--hours", default="4", help="soak: time limit of one program")
    args = parser.parse_intermixed_args()
    try:
        steps = choose(args)
        commit = version()
        if args.resume and not commit:
            raise Error("only a clean checkout of a commit can go on where an earlier run ended")
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    environment = dict(os.environ)
    if args.menu == "ci":
        # A change is not to be red because of random numbers that it is the first to meet: other
        # seeds are tried by make nightly.
        environment["SEED"] = "1"
    elif not environment.get("SEED"):
        environment["SEED"] = str(secrets.randbelow(2**31 - 1) + 1)
    print(f"=== {args.menu}, random numbers: SEED={environment['SEED']}")
    folder = args.build / args.menu
    folder.mkdir(parents=True, exist_ok=True)
    # CI, a terminal and timeout(1) end a run in different ways.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = time.monotonic()
    interrupted = False
    try:
        for number, step in enumerate(steps, 1):
            print(f"\n=== {step.command()} ({number}/{len(steps)}, "
                  f"{(time.monotonic() - start) / 60:.0f} min)", flush=True)
            path = folder / f"{re.sub(r'[^a-z0-9]+', '-', step.name)}.json"
            kept = path.with_suffix(".kept")
            if args.resume and step.resume(kept, commit):
                print(f"ended on {step.before}, in an earlier run")
                continue
            kept.unlink(missing_ok=True)
            step.run(path, environment)
            if commit:
                step.keep(kept, commit)
    except KeyboardInterrupt:
        interrupted = True
    passed, failed, _ = summary(steps, time.monotonic() - start)
    return 1 if failed or interrupted or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
