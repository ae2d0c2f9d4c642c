#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the test machine once for each cell, and judge what comes back.

A cell is a line of the file "cells": parameters of amdgpu, and the programs
to run.  Output of the programs arrives through one virtio port, the verdict
of the machine through another, the kernel's log through the serial line.
All of it becomes one KTAP document, which the kernel's own parser counts.

Lines of the same name are one cell of several boots, each of which finds the
file /carry that the one before left: it comes out through a third port, as an
archive that goes behind the next initramfs.
"""

import argparse
import contextlib
import ctypes
import fnmatch
import functools
import inspect
import io
import json
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from verdict import leave

# In the kernel's log, each of these fails the run.
TROUBLE = re.compile(
    r"BUG:|WARNING:|\bOops\b|KASAN:|UBSAN:|Kernel panic|general protection fault|"
    r"possible (circular locking|recursive locking|irq lock inversion)|"
    r"inconsistent lock state|suspicious RCU usage|bad unlock balance|held lock freed|"
    r"lock held when returning to user space|possible deadlock|ODEBUG:|"
    r"unable to handle|kernel BUG at|soft lockup|blocked for more than|rcu.*detected stalls|"
    r"refcount_t:|list_(add|del) corruption|"
    r"Out of memory: Killed process|segfault at|"
    # what the simulated hardware found wrong with the driver's requests
    r"simgpu: (HIQ|MQD|MES|MAP_QUEUES|PTE)|simgpu: \S+: ring stopped")
# KCSAN finds races of the base kernel, too: only what the engine's files do is a failure.
KCSAN = re.compile(r"BUG: KCSAN: (?:data-race|assert: race) in (.*)")
# The engine's files, below the output folder of a kernel.
OURS = "drivers/gpu/drm/amd/amdkfd/kfd_criu*.o"
# A result: its name, and the reason of a skip.
RESULT = re.compile(r"\s*(?:not )?ok \d+(?: -)?(?: (?!# SKIP)(.*?))?(?:\s+# SKIP ?(.*))?$")
# A report that is longer than this says no more.
REPORT_LINES = 60
# Percent of the lines of the engine that all tests of a debug run have to reach.
COVERAGE = 95
# Debug kernels take longer for everything.
DEBUG_FACTOR = 4
# What QEMU takes beside the memory of the machine, and what the host keeps for itself.
QEMU_BYTES, HOST_BYTES = 512 << 20, 1 << 30
HEARTBEAT = 20


class Error(Exception):
    """What the user has to know."""


class Cell:
    """One line of the table: one boot."""

    def __init__(self, line, known):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3:
            raise Error(f"cells: three fields expected in '{line}'")
        self.name, self.parameters, patterns = fields
        self.title = self.name      # unlike any other boot's
        self.before = None          # the boot whose file this one finds
        self.carries = False        # is there one after it?
        self.kernel = None          # label of the kernel, None: the one under test
        self.plain = False          # is it not worth the time on a debug kernel?
        self.debug = False          # or has it nothing to do on any other?
        match = re.match(r"([a-z ]+):\s*(.*)", self.parameters)
        if match:
            words, self.parameters = match[1].split(), match[2]
            self.plain, self.debug = "plain" in words, "debug" in words
            self.kernel = next((word for word in words if word not in ("plain", "debug")), None)
        self.env = {}               # for the programs
        self.programs = []          # each with its arguments, as in a command line
        self.take(patterns, known)

    def take(self, patterns, known):
        """Add the programs, and the environment, that a line names."""
        for pattern in patterns.split():
            if re.match(r"[A-Z_]+=", pattern):
                self.env.update([pattern.split("=", 1)])
                continue
            pattern, *arguments = pattern.split(":")
            if pattern.startswith("!"):
                self.programs = [name for name in self.programs
                                 if not fnmatch.fnmatchcase(name, pattern[1:])]
                continue
            for name in known:
                command = " ".join([name, *arguments])
                if fnmatch.fnmatchcase(name, pattern) and command not in self.programs:
                    self.programs.append(command)


def read_cells(path, known):
    """All lines of the table, boots of one cell behind each other."""
    cells = [Cell(line, known) for line in path.read_text().splitlines()
             if line.strip() and not line.startswith("#")]
    for before, cell in zip(cells, cells[1:]):
        if cell.name == before.name:
            cell.before, before.carries = before, True
            if not before.before:
                before.title += ".1"
            cell.title = f"{cell.name}.{int(before.title.rsplit('.', 1)[1]) + 1}"
    return cells


class Program:
    """Output and end of one program."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.status = None          # exit status, or what happened instead
        self.start = time.monotonic()
        self.seconds = 0.0

    def finish(self, status):
        self.status = status
        self.seconds = time.monotonic() - self.start

    def counts(self):
        """Results so far: passed, failed, skipped.  For the eye, not for the verdict."""
        passed = failed = skipped = 0
        for line in self.lines:
            if re.match(r"not ok \d", line):
                failed += 1
            elif re.match(r"ok \d", line):
                if re.search(r"# SKIP\b", line):
                    skipped += 1
                else:
                    passed += 1
        return passed, failed, skipped

    def results(self):
        """Each result that came: the name, and why it was skipped or None.

        A program that skips as a whole is one result without a name.
        """
        found = []
        for line in self.lines:
            match = RESULT.match(line)
            if match:
                name = re.sub(r"\s+# .*", "", match[1] or "")
                found.append((name or match[2] or "", match[2]))
        if not found and (self.status == 4 or self.plan_skip() is not None):
            found.append(("", self.whole_skip()))
        return found

    def plan_skip(self):
        """The reason of a plan of no tests; None without one."""
        for line in self.lines:
            match = re.match(r"1\.\.0 # SKIP ?(.*)", line)
            if match:
                return match[1] or "no reason given"
        return None

    def whole_skip(self):
        """Why the whole program was skipped."""
        return self.plan_skip() or next((re.sub(r"^(# )?SKIP:? ?", "", line)
                                         for line in self.lines if "SKIP" in line), "exit status 4")

    def last_test(self):
        """The test that was begun last, as the harness names it; empty without one."""
        for line in reversed(self.lines):
            if re.match(r"#\s+RUN\b", line):
                return re.sub(r"^#\s+RUN\s+|\s*\.\.\.$", "", line)
        return ""

    def did_run(self):
        """Was there anything but skips?"""
        passed, failed, skipped = self.counts()
        return bool(passed or failed or (not skipped and self.status != 4))

    def ktap(self, number, indent):
        """This program as one result of its cell, with its own results below."""
        pad = indent + "    "
        body, plan, results, skip = [], None, 0, self.plan_skip()
        started = False
        for line in self.lines:
            if re.match(r"(KTAP|TAP) version \d+$", line) and not started:
                started = True
                continue
            if not started:
                body.append(f"{pad}# {line}")
                continue
            match = re.match(r"1\.\.(\d+)", line)
            if match and plan is None:
                plan = int(match[1])
                continue
            if re.match(r"(not )?ok \d+", line):
                results += 1
                # What ksft_test_result_skip() prints has no name, without which KUnit loses it.
                line = re.sub(r"^(ok \d+) # SKIP (.+)", r"\1 \2 # SKIP", line)
                body.append(pad + line)
            elif re.match(r"\s+(KTAP version|# Subtest:|1\.\.\d|(not )?ok \d|#)", line) or \
                    line.startswith("#"):
                body.append(pad + line)
            else:
                body.append(f"{pad}# {line}")
        if results == 0 and (self.status == 4 or (skip is not None and self.status == 0)):
            return [*(line[4:] for line in body),
                    f"{indent}ok {number} {self.name} # SKIP {self.whole_skip()}"]
        failed = any(re.match(rf"{pad}not ok", line) for line in body)
        # A program that ends badly behind good results fails by a result of its own.
        bad_end = None
        if self.status == "timeout":
            bad_end = "time limit" + (f" in {self.last_test()}" if self.last_test() else "")
        elif not isinstance(self.status, int):
            bad_end = f"{self.status} during this program"
        elif self.status > 128:
            bad_end = f"killed by signal {self.status - 128}"
        elif self.status not in (0, 4) and not failed:
            bad_end = f"exit status {self.status}"
        # Good exit status or not: without a result nobody knows what it has tried.
        if not started or (plan is None and results == 0):
            return [*(line[4:] for line in body),
                    f"{indent}not ok {number} {self.name} # {bad_end or 'no results'}"]
        if plan is None:
            plan = results
        if bad_end:
            # What the plan still promised did not run; one failure stands for all.
            body.append(f"{pad}# {self.name}: {bad_end}; {results} of {plan} results came")
            body.append(f"{pad}not ok {results + 1} {self.name}.end # {bad_end}")
            plan = results + 1
            failed = True
        return [f"{pad}KTAP version 1", f"{pad}# Subtest: {self.name}", f"{pad}1..{plan}", *body,
                f"{indent}{'not ok' if failed or results < plan else 'ok'} {number} {self.name}"]


def functions(folder):
    """Names of all functions of the engine's files, which KCSAN has to watch."""
    files = sorted(folder.glob(OURS))
    if not files:
        raise Error(f"no object files {OURS} in {folder}")
    names = set()
    for file in files:
        listing = subprocess.run(["nm", file], check=True, text=True, stdout=subprocess.PIPE).stdout
        found = re.findall(r"^[0-9a-f]+ [tT] ([^.\s]+)", listing, re.M)
        if found and " U __tsan_" not in listing:
            raise Error(f"KCSAN does not watch {file.name}")
        names.update(found)
    return names


def data_races(console, ours):
    """What KCSAN reports: title, whole report, and what the engine has to do with it.

    A title has the functions that access the memory, one or two: if none of them
    is the engine's, one may be called by it, perhaps without a lock.
    """
    lines = console.splitlines()
    for at, line in enumerate(lines):
        match = KCSAN.search(line)
        if not match:
            continue
        end = next((stop for stop in range(at + 1, min(len(lines), at + REPORT_LINES))
                    if "=========" in lines[stop]), at + REPORT_LINES)
        title = re.sub(r"\+0x\w+/0x\w+| \[\w+\]", "", match[1])
        calls = re.findall(r"(\w+)[\w.]*\+0x\w+/0x", "\n".join(lines[at + 1:end]))
        if ours & {name.split(".")[0] for name in title.split(" / ")}:
            whose = "engine"
        else:
            whose = "called by the engine" if ours & set(calls) else "base"
        yield title, "\n".join(lines[at:end]), whose


def reports(console):
    """Pieces of a kernel log that report trouble."""
    lines = console.splitlines()
    found, skip_to = [], 0
    for at, line in enumerate(lines):
        if at < skip_to or not TROUBLE.search(line) or "Command line:" in line or \
                KCSAN.search(line):
            continue
        if found and "Kernel panic" in line:
            # The end of what has been reported already.
            continue
        end = min(len(lines), at + REPORT_LINES)
        for stop in range(at + 1, end):
            if "---[ end " in lines[stop]:
                end = stop + 1
                break
        found.append("\n".join(lines[at:end]))
        skip_to = end
    return found


def unknown_leaks(text, label, known):
    """Objects of a kmemleak report, without those that a line of known-leaks tells about."""
    objects = [part for part in re.split(r"^(?=unreferenced object)", text, flags=re.M)
               if part.strip()]
    patterns = []
    for line in known.splitlines():
        line = line.split("#")[0].strip()
        if line:
            kernel, pattern, _ = (field.strip() for field in line.split(" | ", 2))
            if kernel in ("any", label):
                patterns.append(re.compile(pattern))
    unknown = [part for part in objects if not any(p.search(part) for p in patterns)]
    return unknown, len(objects) - len(unknown)


class Skips:
    """The file of skips that are known, each with its reason."""

    def __init__(self, path):
        self.entries = []
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split(" | ", 2)]
            if len(fields) != 3 or len(fields[1].split()) not in (1, 2):
                raise Error(f"{path.name}: 'cell | program test | reason' expected in '{line}'")
            cell, words = fields[0], []
            match = re.match(r"([a-z ]+):\s*(.*)", cell)
            if match:
                words, cell = match[1].split(), match[2]
            program, test = (*fields[1].split(), "")[:2]
            # Names of the matrix have a comma and a blank in them.
            cells = re.split(r",(?! )", cell)
            self.entries.append((words, cells, program, test, fields[2], line))

    def judge(self, cell, words, program):
        """What is wrong with the skips of a program that has ended by itself, in words.

        @words: what the kernel is, as in the file: ours or stock, debug or plain.  Of a program
        with arguments, which may choose among its tests, no skip is missed.
        """
        name, *arguments = program.name.split()
        entries = [entry for entry in self.entries if set(entry[0]) <= words and
                   any(fnmatch.fnmatchcase(cell, pattern) for pattern in entry[1]) and
                   fnmatch.fnmatchcase(name, entry[2])]
        used = set()
        results = program.results()
        for test, reason in results:
            if reason is None:
                continue
            known = [entry for entry in entries if fnmatch.fnmatchcase(test, entry[3]) and
                     fnmatch.fnmatchcase(reason, entry[4])]
            used.update(entry[5] for entry in known)
            if not known:
                yield f"not in vm/skips: {cell} | {f'{name} {test}'.strip()} | {reason}"
        for entry in entries:
            if entry[5] not in used and not arguments and entry[3] != "*":
                yield f"skipped no more, or for another reason: {entry[5]}"


@functools.cache
def host_tsc_khz():
    """The rate of the counter that an emulated CPU has for its TSC, which is the host's.

    The kernel measures the rate while it boots. On a busy machine it may stand still while it
    does, and is wrong by a factor of a hundred; nothing that has a time limit works then.
    None if the host has no such counter, or one whose rate changes.
    """
    try:
        flags = re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        return None
    if platform.machine() != "x86_64" or not flags or \
            not {"constant_tsc", "nonstop_tsc"} <= set(flags[1].split()):
        return None
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    # rdtsc; shl $32, %rdx; or %rdx, %rax; ret
    page.write(b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3")
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def sample():
        """Time in ns and counter, of many tries the one that was interrupted least."""
        found = []
        for _ in range(1000):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            ticks = rdtsc()
            after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
            found.append((after - before, (before + after) // 2, ticks))
        return min(found)[1:]

    start, first = sample()
    time.sleep(0.3)
    end, last = sample()
    return round((last - first) * 1e6 / (end - start))


class Screen:
    """Progress: a line that is rewritten on a terminal, else one now and then.

    Machines that run side by side share it.
    """

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.last = time.monotonic()
        self.lock = threading.Lock()

    def line(self, text):
        with self.lock:
            if self.live:
                print("\r\033[K", end="")
            print(text, flush=True)
            self.last = time.monotonic()

    def status(self, text):
        with self.lock:
            now = time.monotonic()
            if self.live:
                if now - self.last > 0.5:
                    width = shutil.get_terminal_size().columns - 1
                    print("\r\033[K" + text[:width], end="", flush=True)
                    self.last = now
            elif now - self.last > HEARTBEAT:
                print(text, flush=True)
                self.last = now


class Machine:
    """One boot."""

    def __init__(self, args, cell, title, screen):
        self.args = args
        self.cell = cell
        self.title = title
        self.screen = screen
        self.programs = []
        self.current = None
        self.trouble = []           # (test name, text) that fails the cell
        # What the base kernel does with GPUs that it can't checkpoint is worth a
        # look, but nobody has to answer for it.
        self.told = args.grid and (cell.kernel or args.label) == "stock"
        self.notes = []
        self.remarks = []           # for whoever reads the summary
        self.leaks = []
        self.races = Counter()      # what KCSAN reported: (whose, title)
        self.watched = 0            # accesses that it looked at for that
        self.partial = ""
        folder = args.results
        name = re.sub(r"[/,]", "-", cell.title)
        self.console = folder / f"{name}.console"
        self.results = folder / f"{name}.results"
        self.verdict = folder / f"{name}.verdict"
        self.carry = folder / f"{name}.carry"
        self.coverage = folder / f"{name}.gcda"
        self.ended = None
        self.stop = threading.Event()
        self.seconds = 0.0
        self.label = cell.kernel or args.label
        self.kernel, self.initramfs = args.kernel, args.initramfs
        if self.label != args.label:
            self.kernel, self.initramfs = args.other_kernel, args.other_initramfs

    def limits(self):
        factor = DEBUG_FACTOR if self.args.debug or self.args.kcsan else 1
        program = self.args.timeout * factor
        return program, program * len(self.cell.programs) + 60

    def plan(self):
        program_limit, cell_limit = self.limits()
        values = {
            "CELL": self.cell.title,
            "LOAD": "0" if self.cell.parameters == "-" else "1",
            "MODULE_PARAMETERS": "" if self.cell.parameters == "-" else self.cell.parameters,
            "PROGRAMS": " ".join(command.replace(" ", ":") for command in self.cell.programs),
            "PROGRAM_TIMEOUT": str(program_limit),
            "CELL_TIMEOUT": str(cell_limit),
            "CARRY": str(int(self.cell.carries)),
            "KMEMLEAK": "1" if self.args.debug else "0",
            "COVERAGE": "1" if self.args.debug else "0",
            "INTERACTIVE": "1" if self.args.shell else "0",
        }
        exports = {"KFD_CRIU_DEBUG": str(int(self.args.debug or self.args.kcsan)),
                   **self.cell.env, **dict(pair.split("=", 1) for pair in self.args.env)}
        if self.args.icount:
            exports["KFD_BENCH_ALONE"] = "1"
        lines = [f"{name}='{value}'" for name, value in values.items()]
        lines += [f"export {name}='{value}'" for name, value in exports.items()]
        return "\n".join(lines) + "\n"

    def initrd(self):
        """The common archive with this cell's plan behind it, and what the last boot left."""
        # pylint: disable=import-outside-toplevel
        sys.path.insert(0, str(HERE))
        sys.dont_write_bytecode = True
        from initramfs import Cpio
        plan = io.BytesIO()
        cpio = Cpio(plan)
        cpio.file("etc/plan", self.plan().encode())
        cpio.close()
        path = self.console.with_suffix(".initrd")
        with open(path, "wb") as target, open(self.initramfs, "rb") as source:
            shutil.copyfileobj(source, target)
            target.write(plan.getvalue())
            if self.cell.before:
                target.write(self.carried())
        return path

    def carried(self):
        """The archive of the boot before; empty if there is none."""
        path = self.args.results / f"{self.cell.before.title}.carry"
        return path.read_bytes() if path.is_file() else b""

    def command(self):
        accel = "kvm" if self.args.kvm else "tcg"
        # A process that CRIU 3.17 stops in the middle of AVX instructions on an emulated CPU goes
        # on with zeros in the upper halves of its registers.
        # A CPU that says it is fast at string instructions is given them for each copy, and an
        # emulated one executes them byte by byte.
        cpu = "host,family=25" if self.args.kvm else "max,family=25,-avx,-erms,-fsrm"
        cpus, clock = self.args.cpus, []
        cmdline = ["panic=-1", "oops=panic", "panic_on_warn=1", "loglevel=7",
                   # An emulated CPU on a busy machine may stand still for seconds.
                   "watchdog_thresh=60", "rcupdate.rcu_cpu_stall_timeout=200",
                   "sysctl.kernel.hung_task_timeout_secs=600",
                   "rdinit=/init", "console=ttyS0",
                   f"memmap={self.args.reserve}"]
        if self.args.icount:
            # Each instruction is a nanosecond, and time without any is skipped.
            cpus, clock = 1, ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm", "-seed", "1"]
            cmdline += ["tsc=reliable", "tsc_early_khz=1000000", "norandmaps"]
        elif not self.args.kvm and host_tsc_khz():
            cmdline += ["tsc=reliable", f"tsc_early_khz={host_tsc_khz()}"]
        if self.label == "ours" and not (self.args.debug or self.args.kcsan or self.args.icount):
            # Most of what a row waits for is grace periods of RCU.  Where races are looked for,
            # they are as long as they are; and with short ones, the worker that ends a process of
            # KFD and the task that exits meet, which the stock kernel does not always survive:
            # see last_vms_close_at_once.
            cmdline.append("rcupdate.rcu_expedited=1")
        if self.args.shell or self.args.kcsan:
            # A shell is for looking at what went wrong, and a report of KCSAN is a warning, too.
            cmdline = [word for word in cmdline if not word.startswith("panic_on_warn")]
        if self.args.kcsan:
            # Where it stops an access, it keeps interrupts off: a clock may look wrong then.
            cmdline.append("tsc=nowatchdog")
        argv = [self.args.qemu, "-nodefaults", "-no-user-config", "-display", "none",
                "-machine", f"q35,accel={accel}", "-cpu", cpu, "-m", self.args.memory,
                "-smp", str(cpus), *clock, "-no-reboot",
                "-kernel", str(self.kernel), "-initrd", str(self.initrd()),
                "-append", " ".join(cmdline)]
        if self.args.shell:
            return [*argv, "-chardev", "stdio,id=con,mux=on,signal=off", "-serial", "chardev:con",
                    "-mon", "chardev=con"]
        return [*argv, "-monitor", "none", "-serial", f"file:{self.console}",
                "-device", "virtio-serial-pci",
                "-chardev", f"file,id=results,path={self.results}",
                "-device", "virtserialport,chardev=results,name=results",
                "-chardev", f"file,id=verdict,path={self.verdict}",
                "-device", "virtserialport,chardev=verdict,name=verdict",
                *(["-chardev", f"file,id=carry,path={self.carry}",
                   "-device", "virtserialport,chardev=carry,name=carry"]
                  if self.cell.carries else []),
                *(["-chardev", f"file,id=coverage,path={self.coverage}",
                   "-device", "virtserialport,chardev=coverage,name=coverage"]
                  if self.args.debug else [])]

    def feed(self, text):
        """Take in what the programs wrote since the last time."""
        lines = (self.partial + text).split("\n")
        self.partial = lines.pop()
        for line in lines:
            self.take(line.rstrip("\r"))

    def take(self, line):
        if not line.startswith("#@ "):
            if self.current and (line or self.current.lines):
                self.current.lines.append(line)
                if self.args.story and line.startswith("# "):
                    self.screen.line(line[1:])
            return
        words = line.split(" ", 2)
        what, rest = words[1], words[2] if len(words) > 2 else ""
        if what == "start":
            self.current = Program(rest)
            self.programs.append(self.current)
        elif what == "end" and self.current:
            self.finish(int(rest.rsplit(" ", 1)[1]))
        elif what == "timeout" and self.current:
            self.finish("timeout")
        elif what == "stuck":
            self.trouble.append((f"{rest}.stuck", f"{rest} could not be killed"))
        elif what == "fatal":
            self.trouble.append(("machine", rest))
        elif what == "leak":
            self.leaks.append(rest)
        elif what == "watched":
            self.watched = int(rest)
        elif what == "note":
            self.notes.append(rest)

    def finish(self, status):
        program = self.current
        while program.lines and not program.lines[-1]:
            program.lines.pop()
        program.finish(status)
        passed, failed, skipped = program.counts()
        parts = [f"{passed} ok"] if passed else []
        parts += [f"{failed} FAILED"] if failed else []
        parts += [f"{skipped} skipped"] if skipped else []
        if status == "timeout":
            parts.append(f"TIME LIMIT {program.last_test()}".rstrip())
        elif not isinstance(status, int):
            parts.append(str(status).upper())
        elif status not in (0, 4) and not failed:
            parts.append(f"EXIT STATUS {status}")
        elif not parts:
            parts.append("skipped" if status == 4 else "ok")
        self.screen.line(f"{self.title} {program.name}: {', '.join(parts)} "
                         f"({program.seconds:.1f}s)")
        self.current = None

    def run(self):
        for path in (self.console, self.results, self.verdict, self.carry, self.coverage):
            path.unlink(missing_ok=True)
        if self.cell.before and not self.carried():
            self.trouble.append(("carry", f"{self.cell.before.title} left nothing to go on with"))
            return
        code, qemu_log = self.boot()
        # An emulator that crashes under a kernel that boots says nothing of any test.  Once.
        if code < 0 and not self.ended and not self.programs and not self.stop.is_set():
            text = f"QEMU crashed with signal {-code} before the first program: booted again"
            self.screen.line(f"{self.title} {text}")
            self.remarks.append(text)
            self.notes.clear()
            self.partial = ""
            code, qemu_log = self.boot()
        self.judge(code, qemu_log)

    def boot(self):
        """From power on to off: what QEMU ended with, and where it wrote its complaints."""
        for path in (self.console, self.results, self.verdict):
            path.write_bytes(b"")
        start = heard = time.monotonic()
        # Beyond the machine's own limit for a program, which leaves a dump behind: one that
        # says nothing for so long is dead.
        limit = self.limits()[0] + 90
        qemu_log = self.console.with_suffix(".qemu")
        with open(self.results, "r", errors="replace", newline="\n") as results, \
                open(qemu_log, "wb") as errors, \
                subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=errors,
                                 stderr=errors) as qemu:
            try:
                while not self.stop.is_set():
                    code = qemu.poll()
                    text = results.read()
                    self.feed(text)
                    if code is not None:
                        break
                    if text:
                        heard = time.monotonic()
                    elif time.monotonic() - heard > limit:
                        qemu.kill()
                        self.ended = f"the machine was silent for {limit}s"
                        break
                    self.show(time.monotonic() - start)
                    time.sleep(0.1)
            finally:
                # does nothing to one that has ended
                qemu.kill()
            qemu.wait()
            self.feed(results.read() + "\n")
        self.console.with_suffix(".initrd").unlink()
        self.seconds = time.monotonic() - start
        return qemu.returncode, qemu_log

    def show(self, elapsed):
        if self.current:
            passed, failed, skipped = self.current.counts()
            self.screen.status(f"{self.title} {self.current.name} {self.current.last_test()}: "
                               f"{passed + failed + skipped} results, {elapsed:.0f}s")
        else:
            what = self.notes[-1] if self.notes else "booting"
            self.screen.status(f"{self.title} {what}, {elapsed:.0f}s")

    def judge(self, code, qemu_log):
        self.judge_name()
        verdict = self.verdict.read_text(errors="replace").strip()
        console = self.console.read_text(errors="replace").replace("\r", "")
        for number, report in enumerate(reports(console), 1):
            self.trouble.append((f"kernel_log.{number}", report))
        if self.args.kcsan:
            self.judge_races(console, verdict == "done")
        known = Path(__file__).with_name("known-leaks").read_text()
        leaks, count = unknown_leaks("\n".join(self.leaks), self.label, known)
        if count:
            self.screen.line(f"{self.title} {count} leak(s) that vm/known-leaks tells about")
        if leaks:
            # Last, because of a long report the end is shown.
            sizes = Counter(re.findall(r"^unreferenced.*\((size \d+)\)", "".join(leaks), re.M))
            sums = ", ".join(f"{number} of {size}" for size, number in sizes.items())
            self.trouble.append(("kernel_log.kmemleak", f"{''.join(leaks)}\n"
                                 f"{len(leaks)} unknown leak(s), in this order: {sums}"))
        if verdict == "done" and not self.ended and code == 0:
            # Tests skip where they find no GPU, which is not what a cell is for.
            if not self.args.test and not any(program.did_run() for program in self.programs):
                self.trouble.append(("nothing_ran", "every program of this cell was skipped"))
            self.judge_skips()
            return
        if self.current:
            self.where()
            self.finish(self.ended or "the machine died")
        if verdict in ("stuck", "no-amdgpu"):
            return
        # The end of the log says why, unless a report of trouble does so already.
        tail = "" if self.trouble else "\n".join(console.splitlines()[-40:])
        text = self.ended or f"the machine ended before its programs, QEMU with status {code}"
        log = qemu_log.read_text(errors="replace").strip()
        self.trouble.append(("machine", "\n".join(filter(None, (text, log, tail)))))

    def judge_name(self):
        """Tests ask the kernel whose checkpoint code it has: is it the one that was meant?"""
        if self.label not in ("ours", "stock"):
            return
        said = {line.split(":", 1)[1].strip() for program in self.programs
                for line in program.lines if line.startswith("# KERNEL:")}
        if said - {self.label}:
            self.trouble.append(("kernel", f"the kernel was to be '{self.label}', tests found "
                                 f"'{', '.join(sorted(said))}'"))

    def judge_skips(self):
        """A skip that nobody knows of fails the run, and so does one that is no more."""
        # Other GPUs than the cell's skip other tests, and so do kernels of half a series.
        if self.told or self.args.parameters or self.args.more_parameters or \
                self.label not in ("ours", "stock"):
            return
        words = {self.label, "debug" if self.args.debug or self.args.kcsan else "plain"}
        wrong = [text for program in self.programs if program.status in (0, 1, 4)
                 for text in Skips(self.args.skips).judge(self.cell.name, words, program)]
        if wrong:
            self.trouble.append(("skips", "\n".join(wrong)))

    def judge_races(self, console, ended):
        """Data races: those of the engine fail the run, others are told."""
        try:
            ours = functions(self.kernel.resolve().parents[3])
        except Error as error:
            self.trouble.append(("kcsan", str(error)))
            return
        if ended and not self.watched:
            self.trouble.append(("kcsan", "this kernel has watched no access for data races"))
        for title, report, whose in data_races(console, ours):
            self.races[whose, title] += 1
            if whose == "engine":
                self.trouble.append((f"kcsan.{self.races.total()}", report))

    def where(self):
        """For a machine that did not end well: what ran at that time."""
        test = self.current.last_test() or "no test of it yet"
        self.screen.line(f"{self.title} was in {self.current.name}, {test}")

    def dumps(self):
        """The part of the kernel's log that a time limit left behind."""
        if not self.console.is_file():
            return []
        console = self.console.read_text(errors="replace").replace("\r", "")
        return re.findall(r"[^\n]*vmtest: dump of blocked.*?vmtest: end of dump", console, re.S)

    def ktap(self, number):
        """This cell as one result of the whole document."""
        pad = "    "
        ran = {program.name for program in self.programs}
        results = [f"{pad}# {remark}" for remark in self.remarks]
        count = 0
        for program in self.programs:
            count += 1
            results += program.ktap(count, pad)
        for name in self.cell.programs:
            if name not in ran:
                count += 1
                results.append(f"{pad}ok {count} {name} # SKIP did not run, told only"
                               if self.told else
                               f"{pad}not ok {count} {name} # did not run")
        for name, text in self.trouble:
            count += 1
            results += [f"{pad}# {line}" for line in text.splitlines()]
            results.append(f"{pad}ok {count} {name} # SKIP told, not judged" if self.told
                           else f"{pad}not ok {count} {name}")
        if not self.trouble:
            count += 1
            results.append(f"{pad}ok {count} kernel_log")
        failed = any(line.startswith(f"{pad}not ok") for line in results)
        return [f"{pad}KTAP version 1", f"{pad}# Subtest: {self.cell.title}", f"{pad}1..{count}",
                *results, f"{'not ok' if failed else 'ok'} {number} {self.cell.title}"]


def parse(document, srctree):
    """Counts and failures, by the kernel's own parser; the document is a list of lines."""
    folder = srctree / "tools/testing/kunit"
    if not (folder / "kunit_parser.py").is_file():
        raise Error(f"{srctree} has no tools/testing/kunit/kunit_parser.py")
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    noise = io.StringIO()
    # The parser prints as it goes, through a printer that it makes when imported.
    with contextlib.redirect_stdout(noise):
        # pylint: disable=import-outside-toplevel,import-error
        import kunit_parser
        from kunit_printer import Printer
        if "printer" in inspect.signature(kunit_parser.parse_run_tests).parameters:
            test = kunit_parser.parse_run_tests(document, Printer())
        else:
            test = kunit_parser.parse_run_tests(document)
    complaints = [line for line in noise.getvalue().splitlines() if "[ERROR]" in line]
    return test, complaints


def failures(test, path=()):
    """Innermost tests that failed, with the lines that belong to them."""
    path = (*path, test.name) if test.name and test.name != "main" else path
    if test.subtests:
        for subtest in test.subtests:
            yield from failures(subtest, path)
    elif not test.ok_status():
        yield " > ".join(path) or "(a test that did not report)", test.log


def why(log):
    """Of a test's lines, those that say why it failed."""
    lines = [re.sub(r"^\s*# ?", "", line) for line in log]
    lines = [line for line in lines if line.strip() and
             not re.match(r"\s*(RUN|OK|FAIL|Starting|PASSED|FAILED|TABLE:|TRIED:|KERNEL:)(\s|$)", line)]
    return lines[-REPORT_LINES:]


def summarise(document, srctree, out=print):
    """Print failures; returns counts and failures, as leave() wants them."""
    test, complaints = parse(document, srctree)
    counts = test.counts
    failed = counts.failed + counts.crashed
    broken = [(name, why(log)) for name, log in failures(test)]
    # A plan that is not fulfilled, or results outside of one.
    if counts.errors:
        broken.append(("the document", [re.sub(r"^\[[\d:]+\]\s*", "",
                                               re.sub(r"\033\[[\d;]*m", "", line))
                                        for line in complaints]))
        failed = max(failed, 1)
    if broken:
        out("")
        out("Failures:")
    for name, lines in broken:
        out(f"  {name}")
        for line in lines:
            out(f"    {line}")
    return counts.passed, failed, counts.skipped, broken


def base_version(kernel):
    """The release of the kernel that was built; None where it says nothing."""
    try:
        return (kernel.resolve().parents[3] / "include/config/kernel.release").read_text().strip()
    except (OSError, IndexError):
        return None


def side_by_side(args):
    """How many machines run at once: as many as there are CPUs, and memory for."""
    match = re.fullmatch(r"(\d+)([MG])", args.memory)
    if not match:
        raise Error(f"--memory {args.memory}: a number with M or G expected")
    size = (int(match[1]) << (20 if match[2] == "M" else 30)) + QEMU_BYTES
    free = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    room = ((int(free[1]) << 10) - HOST_BYTES) // size if free else 1
    return max(1, min(os.cpu_count() or 1, room))


def table(lines):
    """What tests want to have in the table of results: a line for each row, aligned.

    A row of several boots is one line; where they differ, their values stand
    side by side.
    """
    rows = {}
    for line in lines:
        name, *fields = [field.strip() for field in line.split("# TABLE:", 1)[1].split("|")]
        row = rows.setdefault(name, [])
        row += [[] for _ in range(len(fields) - len(row))]
        for values, field in zip(row, fields):
            if field and field not in values:
                values.append(field)
    if not rows:
        return []
    rows = [[name, *(" / ".join(values) for values in row)] for name, row in rows.items()]
    columns = max(len(row) for row in rows)
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(columns)]
    return ["  ".join(field.ljust(width) for field, width in zip(row, widths)).rstrip()
            for row in rows]


def grid(machines):
    """For cells named <row>/<column>: how many rows of the table of results say what."""
    words = ("pass", "fail", "FAIL", "broken", "not run")
    said, rows, columns = {}, [], []
    for machine in machines:
        row, column = machine.cell.name.split("/", 1)
        rows += [row] if row not in rows else []
        columns += [column] if column not in columns else []
        results = [line.split("|")[2].strip() for program in machine.programs
                   for line in program.lines if line.startswith("# TABLE:")]
        counts = [f"{results.count(word)} {word}" for word in words if word in results]
        if machine.trouble:
            counts.append("TROUBLE")
        said[row, column] = ", ".join(counts) or "nothing"
    lines = [["", *columns]] + [[row, *(said.get((row, column), "does not exist")
                                        for column in columns)] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(field.ljust(width) for field, width in zip(line, widths)).rstrip()
            for line in lines]


def show_grids(args, lines):
    """The grid of this run, and those of other kernels as they were last time."""
    print(f"\nRows of the table of results, kernel '{args.label}':")
    print("\n".join(lines))
    if not args.cell:
        (args.results / "grid").write_text("\n".join(lines) + "\n")
    for other in sorted(args.results.parent.glob("*/grid")):
        if other.parent.name != args.results.name:
            when = time.strftime("%F %R", time.localtime(other.stat().st_mtime))
            print(f"\nThe same of '{other.parent.name}', from {when}:")
            print(other.read_text(), end="")


def show_coverage(args, machines, number):
    """What of the engine was reached; if all tests ran, as a result of the document."""
    # pylint: disable=import-outside-toplevel
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import coverage
    # A part of the tests leaves much out, which says nothing.
    whole = not (args.cell or args.test or args.grid or args.parameters or args.more_parameters)
    archives = [machine.coverage for machine in machines
                if machine.label == "ours" and machine.coverage.is_file()]
    if not archives:
        return []
    try:
        found = coverage.measure([path for path in archives if path.stat().st_size],
                                 args.kernel.parents[3], args.srctree)
        if found is None and whole:
            raise coverage.Error("no machine has told which lines ran")
    except coverage.Error as error:
        print(f"\nno coverage: {error}")
        return [f"# {error}", f"not ok {number} coverage"] if whole else []
    if found is None:
        return []
    rows, missing, percent, unknown = found
    print("\nWhat these tests reached of the engine:")
    print("\n".join(rows))
    if not whole:
        return []
    print("\n".join(missing))
    fine = percent >= COVERAGE and not unknown
    told = (f"{percent:.1f}% of the lines are reached, {COVERAGE}% is the least; "
            f"{len(unknown)} places are not and have no reason in vm/unreached")
    print(told)
    return [*(f"# {line}" for line in unknown), f"# {told}",
            f"{'ok' if fine else 'not ok'} {number} coverage"]


def show_races(machines):
    """What KCSAN found: that of the engine is a failure, the rest is told."""
    print("\nData races that KCSAN reported:")
    for machine in machines:
        sums = Counter()
        for (whose, _), count in machine.races.items():
            sums[whose] += count
        print(f"{machine.cell.title}: of the engine {sums['engine']}, of what it calls "
              f"{sums['called by the engine']}, of others {sums['base']}; "
              f"{machine.watched} accesses were watched")
    races = sum((machine.races for machine in machines), Counter())
    for (whose, title), count in sorted(races.items()):
        print(f"  {count:4} {whose}: {title}")


def known_tests(args):
    listing = args.tests / "list"
    names = listing.read_text().split() if listing.is_file() else []
    return [*names, "criu_demo.sh", "kfd_criu_bench", "kunit.sh", "reload.sh"]


def choose(args):
    """The cells to boot, each with the programs that were asked for."""
    known = known_tests(args)
    cells = read_cells(args.cells, known)
    if args.cell:
        names = list(dict.fromkeys(cell.name for cell in cells))
        # Several patterns; but names of the matrix have blanks in them.
        patterns = [args.cell, *args.cell.split()]
        cells = [cell for cell in cells
                 if any(fnmatch.fnmatchcase(cell.name, pattern) for pattern in patterns)]
        if not cells:
            raise Error(f"no cell '{args.cell}', there are: {', '.join(names)}")
    there = {None} if args.same else {None, args.label, args.other}
    lost = {cell.name: cell.kernel for cell in cells if cell.kernel not in there}
    if cells and all(cell.name in lost for cell in cells):
        raise Error(f"cell '{cells[0].name}' boots a kernel '{lost[cells[0].name]}', "
                    "which is not there")
    if not args.cell:
        lost.update({cell.name: None for cell in cells
                     if (cell.plain if args.debug else cell.debug)})
    cells = [cell for cell in cells if cell.name not in lost]
    for cell in cells:
        if args.programs:
            cell.programs = []
            cell.take(args.programs, known)
        if args.test:
            names = [(command.split()[0], command) for command in cell.programs]
            cell.programs = [command for name, command in names
                             if fnmatch.fnmatchcase(name, args.test) or
                             fnmatch.fnmatchcase(name.rsplit(".", 1)[0], args.test)]
    cells = [cell for cell in cells if cell.programs]
    if not cells:
        what = f"TEST={args.test}" if args.test else args.programs
        what = f"matches {what}" if what else "can run"
        raise Error(f"no test {what}, there are: {', '.join(sorted(known))}")
    return cells


def run_shell(args):
    cells = read_cells(args.cells, [])
    cell = next((c for c in cells if c.name == (args.cell or "hws")), None)
    if cell is None:
        raise Error(f"no cell '{args.cell}'")
    # In a shell there is no boot before, and only the kernel under test.
    cell.before = cell.kernel = None
    if args.parameters:
        cell.parameters = args.parameters
    if args.more_parameters:
        cell.parameters += " " + args.more_parameters
    print("Leave with 'exit', or Ctrl-A X.", flush=True)
    return subprocess.run(Machine(args, cell, "", None).command(), check=False).returncode


def run_chain(chain, screen, start):
    """Boots of one cell, each of which may need what the one before has left."""
    for machine in chain:
        if machine.stop.is_set():
            return
        machine.run()
        if machine.trouble:
            names = ", ".join(name for name, _ in machine.trouble)
            screen.line(f"{machine.title} TROUBLE: {names}")
        for dump in machine.dumps():
            screen.line(dump)
        screen.line(f"{machine.title} done in {machine.seconds:.0f}s, "
                    f"{time.monotonic() - start:.0f}s in all")


def run_cells(args):
    cells = choose(args)
    screen = Screen()
    machines, chains = [], {}
    start = time.monotonic()
    for number, cell in enumerate(cells, 1):
        machine = Machine(args, cell, f"[{cell.title} {number}/{len(cells)}]", screen)
        if args.parameters and cell.parameters != "-":
            cell.parameters = args.parameters
        if args.more_parameters and cell.parameters != "-":
            cell.parameters += " " + args.more_parameters
        machines.append(machine)
        chains.setdefault(cell.name, []).append(machine)
    # A machine keeps one CPU busy, little more: most tests have one thread, or wait.
    with ThreadPoolExecutor(max_workers=args.jobs or side_by_side(args)) as pool:
        runs = [pool.submit(run_chain, chain, screen, start) for chain in chains.values()]
        try:
            for run in runs:
                run.result()
        except BaseException:
            for machine in machines:
                machine.stop.set()
            raise
    results = []
    for number, machine in enumerate(machines, 1):
        results += machine.ktap(number)
    count = len(machines)
    if args.debug:
        judged = show_coverage(args, machines, count + 1)
        results += judged
        count += bool(judged)
    document = ["KTAP version 1", f"1..{count}", *results]
    (args.results / "results.ktap").write_text("\n".join(document) + "\n")

    if args.grid:
        show_grids(args, grid(machines))
    if args.kcsan:
        show_races(machines)
    rows = table([line for machine in machines for program in machine.programs
                  for line in program.lines if line.startswith("# TABLE:")])
    if rows and not args.grid:
        print(f"\nWhat the kernel '{args.label}' does:")
        print("\n".join(rows))
    for word, title in (("TRIED", "What was tried"), ("SPEED", "How fast waves are executed")):
        told = [f"{machine.cell.title}: {line.split(f'# {word}:', 1)[1].strip()}"
                for machine in machines for program in machine.programs
                for line in program.lines if line.startswith(f"# {word}:")]
        if told:
            print(f"\n{title}:")
            print("\n".join(told))
    passed, failed, skipped, broken = summarise(document, args.srctree)
    base = base_version(args.kernel)
    remarks = [f"{machine.cell.title}: {remark}" for machine in machines
               for remark in machine.remarks]
    print("".join(f"\nnote: {remark}" for remark in remarks))
    print(f"base kernel: {base or 'unknown'}; logs, results.ktap and results.json: "
          f"{os.path.relpath(args.results)}")
    ran = any(program.did_run() for machine in machines for program in machine.programs)
    if not ran:
        print("error: no test ran, all were skipped")
        broken.append(("no test ran", ["all were skipped"]))
        failed += 1
    leave(passed, failed, skipped, broken, remarks, base)
    keep_results(args, machines, (passed, failed, skipped, broken, remarks, base))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


def keep_results(args, machines, said):
    """The same for other programs, with what each machine and program took."""
    keys = ("passed", "failed", "skipped", "failures", "notes", "base")
    cells = [{"cell": machine.cell.title, "kernel": machine.label,
              "seconds": round(machine.seconds, 1),
              "programs": [{"name": program.name, "status": program.status,
                            "seconds": round(program.seconds, 1)}
                           for program in machine.programs]} for machine in machines]
    (args.results / "results.json").write_text(
        json.dumps({**dict(zip(keys, said)), "cells": cells}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--srctree", type=Path, required=True, help="kernel sources")
    parser.add_argument("--kernel", type=Path, help="bzImage")
    parser.add_argument("--initramfs", type=Path)
    parser.add_argument("--tests", type=Path, help="built selftests")
    parser.add_argument("--results", type=Path, help="where logs go")
    parser.add_argument("--cells", type=Path, default=HERE / "cells")
    parser.add_argument("--cell", help="only cells of this name (patterns)")
    parser.add_argument("--test", help="only programs of this name (a pattern)")
    parser.add_argument("--programs", help="these instead of the cells', as in a line of theirs")
    parser.add_argument("--parameters", help="amdgpu parameters instead of the cell's")
    parser.add_argument("--more-parameters", help="amdgpu parameters behind the cell's")
    parser.add_argument("--grid", action="store_true",
                        help="cells are named <row>/<column>: print what they say of the rows of "
                        "the table of results, as a grid")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                        help="for the programs")
    parser.add_argument("--label", default="ours", help="name of the kernel in results: "
                        "ours or stock, which tests have to agree with")
    parser.add_argument("--same", action="store_true",
                        help="no cells for one of two kernels: they are the same")
    parser.add_argument("--other", help="label of another kernel, for cells that boot both")
    parser.add_argument("--other-kernel", type=Path, help="its bzImage")
    parser.add_argument("--other-initramfs", type=Path)
    parser.add_argument("--wants-other", action="store_true",
                        help="only say by the exit status if a cell boots that one")
    parser.add_argument("--debug", action="store_true", help="longer limits, look for leaks")
    parser.add_argument("--kcsan", action="store_true", help="longer limits, judge data races")
    parser.add_argument("--skips", type=Path, default=HERE / "skips",
                        help="skips that are known")
    parser.add_argument("--jobs", type=int, help="machines that run side by side (default: as "
                        "CPUs and memory allow)")
    parser.add_argument("--icount", action="store_true",
                        help="a clock that counts the instructions of one emulated CPU")
    parser.add_argument("--kvm", action="store_true")
    parser.add_argument("--shell", action="store_true", help="a shell instead of tests")
    parser.add_argument("--story", action="store_true", help="print comments as they come")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one program")
    parser.add_argument("--memory", default="2815M",
                        help="above this q35 has less of it below 4 GiB")
    parser.add_argument("--reserve", default="1088M$0x40000000",
                        help="memory that plays the GPUs' BARs, for memmap=")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--qemu", default="qemu-system-x86_64")
    parser.add_argument("--parse", type=Path, help="only judge this KTAP document")
    args = parser.parse_args()
    try:
        if args.parse:
            passed, failed, skipped, _ = summarise(args.parse.read_text().splitlines(),
                                                   args.srctree)
            print(f"{passed} passed, {failed} failed, {skipped} skipped")
            return 1 if failed or not passed else 0
        if args.wants_other:
            return 0 if any(cell.kernel == args.other for cell in choose(args)) else 1
        args.results.mkdir(parents=True, exist_ok=True)
        if args.kvm and args.icount:
            raise Error("only an emulated CPU counts instructions: KVM=1 can't be had here")
        if shutil.which(args.qemu) is None:
            raise Error(f"{args.qemu} is not installed: apt-get install qemu-system-x86")
        return run_shell(args) if args.shell else run_cells(args)
    except Error as error:
        # What only asks is followed by a run that says so, too.
        if not args.wants_other:
            print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
