#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tables and a plot of what kfd_criu_bench has measured, for both kernels.

Reads the lines "# BENCH: kernel | objects | GPUs | number | figure | samples" of
all *.results in a folder.  A sample of a cost is the caller's and, behind a plus,
that of the kernel's workers; "-" and a reason stand for what could not be
measured.  Fails if a figure hangs on one of its samples, or if one of this kernel
is missing.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools/testing/selftests/kfd_criu"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import verdict

KERNELS = ("stock", "ours")
COSTS = ("PROCESS_INFO", "CHECKPOINT", "create", "RESTORE", "RESUME")
MEMORY = ("CHECKPOINT peak", "RESTORE peak", "RESTORE left")
# Where so few instructions are all of it, one interrupt more is a difference.
SMALL = 2000000
# What is wanted, of BOs and from so many on: name, least number, limit, how it is told.
GOALS = (
    ("RESTORE of stock", 1000, 0.5),
    ("CHECKPOINT of stock", 100, 0.7),
    ("RESTORE of create", 1000, 0.6),
    ("RESTORE of that of 1,000", 1000, 1.1),
    ("bytes of image for a BO", 1000, 40),
)


class Error(Exception):
    """What the user has to know."""


class Figures:
    """All figures: (objects, GPUs, number) -> (kernel, figure) -> list of samples."""

    def __init__(self):
        self.rows = {}
        self.reasons = []           # (kernel, row, figure, why there is none)

    def take(self, line):
        fields = [field.strip() for field in line.split("# BENCH:", 1)[1].split("|")]
        if len(fields) != 6:
            raise Error(f"not a figure: '{line.strip()}'")
        kernel, name, gpus, number, figure, samples = fields
        row = (name, int(gpus), int(number))
        values = self.rows.setdefault(row, {})
        if samples.startswith("-"):
            reason = (kernel, row, figure, samples[1:].strip())
            if reason not in self.reasons:
                self.reasons.append(reason)
            return
        values.setdefault((kernel, figure), []).extend(
            sum(int(part) for part in sample.split("+")) for sample in samples.split())

    def value(self, row, kernel, figure):
        """The median, or None."""
        samples = self.rows[row].get((kernel, figure))
        return statistics.median(samples) if samples else None

    def each(self, row, kernel, figure):
        """The same for one object."""
        value = self.value(row, kernel, figure)
        return None if value is None else value / row[2]

    def spread(self):
        """How far medians of costs may be off: (share, row, kernel, figure), worst first.

        That is how much one of them moves if any one of the samples had not been there.
        Single samples lie further apart: workers run sooner or later, and do then a
        little more or less.
        """
        found = []
        for row, values in self.rows.items():
            for (kernel, figure), samples in values.items():
                if figure not in COSTS or len(samples) < 2 or statistics.median(samples) < SMALL:
                    continue
                medians = [statistics.median(samples[:i] + samples[i + 1:])
                           for i in range(len(samples))]
                share = (max(medians) - min(medians)) / statistics.median(samples)
                found.append((share, row, kernel, figure))
        return sorted(found, reverse=True)


def read(folder):
    figures = Figures()
    for path in sorted(folder.glob("*.results")):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("# BENCH:"):
                figures.take(line)
    if not figures.rows:
        raise Error(f"nothing was measured: no figure in {folder}")
    return figures


def row_name(row):
    name, gpus, number = row
    return f"{name}, {gpus} GPU{'s' if gpus > 1 else ''}, {number:,}"


def ratio(a, b):
    return f"{a / b:.2f}" if a is not None and b else "-"


def short(value):
    """Three digits and a unit."""
    if value is None:
        return "-"
    for unit in ("", "k", "M"):
        if abs(value) < 999.5:
            break
        value, unit = value / 1000, "G"
    digits = 0 if abs(value) >= 99.5 else 1 if abs(value) >= 9.95 else 2
    if not unit:
        digits = min(digits, 1)
    return f"{value:.{digits}f}{unit}"


def columns(lines, over=()):
    """Aligned lines; @over: names that stand over as many of the columns each."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    size = (len(widths) - 1) // len(over) if over else 1
    for i, name in enumerate(over):
        widths[1 + i * size] += max(0, len(name) + 1 - sum(widths[1 + i * size:][:size]) -
                                    2 * (size - 1))
    text = ["  ".join([line[0].ljust(widths[0])] +
                      [field.rjust(width) for field, width in zip(line[1:], widths[1:])]).rstrip()
            for line in lines]
    if over:
        text.insert(0, " " * widths[0] + "".join(
            name.rjust(sum(widths[1 + i * size:][:size]) + 2 * size)
            for i, name in enumerate(over)))
    return text


def costs(figures, names):
    lines = [["instructions for each object", *((*KERNELS, "ratio") * len(names))]]
    for row in figures.rows:
        line = [row_name(row)]
        for figure in names:
            values = [figures.each(row, kernel, figure) for kernel in KERNELS]
            line += [*(short(value) for value in values), ratio(values[1], values[0])]
        lines.append(line)
    return columns(lines, names)


def memory(figures):
    names = ("image", *MEMORY)
    lines = [["bytes for each object", *(KERNELS * len(names))]]
    for row in figures.rows:
        line = [row_name(row)]
        for name in names:
            line += [short(figures.each(row, kernel, name)) for kernel in KERNELS]
        lines.append(line)
    return columns(lines, names)


def goal_value(figures, name, row):
    """What a goal is about, of one row; None if that is not known."""
    if name == "bytes of image for a BO":
        return figures.each(row, "ours", "image")
    figure, what = name.split(" of ", 1)
    mine = figures.each(row, "ours", figure)
    other = {
        "stock": figures.each(row, "stock", figure),
        "create": figures.each(row, "ours", "create"),
    }.get(what)
    if what not in ("stock", "create"):
        first = (*row[:2], 1000)
        other = figures.each(first, "ours", figure) if first in figures.rows else None
    return mine / other if mine is not None and other else None


def goals(figures):
    """Of BOs, the worst of each goal."""
    lines = [["", "goal", "worst", "", ""]]
    for name, least, limit in GOALS:
        values = [(goal_value(figures, name, row), row) for row in figures.rows
                  if row[0].endswith("iB") and row[2] >= least]
        values = [(value, row) for value, row in values if value is not None]
        if values:
            value, row = max(values)
            lines.append([name, f"{limit:g}", f"{value:.3g}",
                          "met" if value <= limit else "missed", row_name(row)])
    return columns(lines) if len(lines) > 1 else []


PLOT = """set terminal svg size 1200,900 background "white"
set output "{svg}"
set datafile missing "-"
set multiplot layout 2,2 title "Instructions for each object: stock (dashed), ours (solid)"
set logscale xy
set xrange [50:200000]
set grid
set key left bottom
set xlabel "objects of a process"
{panels}
unset multiplot
"""


def plot(figures, folder):
    """The costs of BOs over their number, for who wants to see a curve."""
    blocks, panels = [], []
    for figure in ("create", "CHECKPOINT", "RESTORE", "RESUME"):
        parts = []
        curves = list(dict.fromkeys(row[:2] for row in figures.rows if row[0].endswith("iB")))
        for color, (name, gpus) in enumerate(curves, 1):
            for kernel in KERNELS:
                points = [(row[2], figures.each(row, kernel, figure)) for row in figures.rows
                          if row[:2] == (name, gpus)]
                points = [f"{x} {y:.1f}\n" for x, y in points if y]
                if not points:
                    continue
                title = f'title "{name}, {gpus} GPU"' if kernel == "ours" else "dt 2 notitle"
                parts.append(f'"{folder / "bench.dat"}" index {len(blocks)} '
                             f"with linespoints lc {color} {title}")
                blocks.append(f"# {figure}, {name}, {gpus} GPU, {kernel}\n" + "".join(points))
        if parts:
            panels.append(f'set title "{figure}"\nplot ' + ", \\\n     ".join(parts))
    (folder / "bench.dat").write_text("\n\n".join(blocks))
    script = folder / "bench.gnuplot"
    script.write_text(PLOT.format(svg=folder / "bench.svg", panels="\n".join(panels)))
    done = subprocess.run(["gnuplot", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Error(f"gnuplot: {done.stderr.strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder with what the programs printed")
    parser.add_argument("out", type=Path, help="folder for tables and plot")
    parser.add_argument("--spread", type=float, default=2.0, help="how many percent is too much")
    args = parser.parse_args()
    try:
        figures = read(args.results)
        args.out.mkdir(parents=True, exist_ok=True)
        text = [*costs(figures, COSTS[:2]), "", *costs(figures, COSTS[2:]), "",
                *memory(figures)]
        wanted = goals(figures)
        text += ["", *wanted] if wanted else []
        if figures.reasons:
            text += ["", "What there is no figure of:"]
            text += [f"  {kernel}: {row_name(row)}: {figure}: {why}"
                     for kernel, row, figure, why in figures.reasons]
        spread = figures.spread()
        if spread:
            share, row, kernel, figure = spread[0]
            text += ["", f"One sample moves a figure by {share * 100:.2f} % at most: "
                     f"{figure} of {kernel}, {row_name(row)}"]
        print("\n".join(text))
        (args.out / "bench.txt").write_text("\n".join(text) + "\n")
        if shutil.which("gnuplot"):
            plot(figures, args.out)
            print(f"\nplot and tables: {args.out}")
        else:
            print("\nno plot: gnuplot is not installed (apt-get install gnuplot-nox)")
        errors = [f"one sample moves it by {share * 100:.2f} %: {figure} of {kernel}, "
                  f"{row_name(row)}" for share, row, kernel, figure in spread
                  if share * 100 > args.spread]
        errors += [f"{figure} of {row_name(row)}: {why}"
                   for kernel, row, figure, why in figures.reasons
                   if kernel == "ours" and figure != "all"]
    except Error as error:
        errors = [str(error)]
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    verdict.leave(int(not errors), len(errors), 0, [("figures", [error]) for error in errors])
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
