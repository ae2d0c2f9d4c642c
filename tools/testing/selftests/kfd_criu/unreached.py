# SPDX-License-Identifier: GPL-2.0
"""Lines that nothing has run, and the reasons that are known for them.

A file of reasons has one per line: file | what stands there | why.  A reason
holds for a place if its text stands in the statement that did not run, or in
the two lines before it: it may be about the condition in front.  One that
begins with "sometimes: " is of a place that other runs do reach.
"""

from pathlib import Path

BEFORE = 2
SOMETIMES = "sometimes: "


class Reasons:
    """The reasons of one file, and which of them were of use."""

    def __init__(self, path):
        self.entries = []
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                # What stands in a line may have a bar in it.
                name, rest = line.split(" | ", 1)
                text, why = rest.rsplit(" | ", 1)
                self.entries.append((name.strip(), text.strip(), why.strip()))
        self.used = set()

    def find(self, name, there):
        """Why a place of a file is not reached; None if nobody knows."""
        for entry in self.entries:
            if entry[0] == name and entry[1] in there:
                self.used.add(entry)
                return entry[2]
        return None

    def unused(self, sources):
        """What there should be no entry for any more, in words; @sources: {file: its text}."""
        for entry in self.entries:
            name, text, why = entry
            if text not in sources.get(name, ""):
                yield f"{name}: stands nowhere: {text}"
            elif entry not in self.used and not why.startswith(SOMETIMES):
                yield f"{name}: reached all the same: {text}"


def stretches(numbers, code):
    """Statements with such lines as pairs of the first and the last line; neighbours are one."""
    result = []
    for number in sorted(numbers):
        if result and number <= result[-1][1] + 1:
            result[-1][1] = max(result[-1][1], number)
        else:
            result.append([number, number])
        # An argument of a call that did not run may count as a line that did.
        while not code[result[-1][1] - 1].rstrip().endswith((";", "{", "}", ":")) and \
                result[-1][1] < len(code):
            result[-1][1] += 1
    return result


def explain(path, numbers, reasons):
    """For each place that did not run: where it is, why or None, and its first line."""
    path = Path(path)
    code = path.read_text().splitlines()
    before = 0
    for first, last in stretches(numbers, code):
        where = f"{path.name}:{first}-{last}" if last > first else f"{path.name}:{first}"
        there = "\n".join(code[max(first - 1 - BEFORE, before):last])
        yield where, reasons.find(path.name, there), code[first - 1].strip()
        # What is said of one place is not said of the next one.
        before = last


def share(values):
    """How many of the values are not 0, as a cell of a table."""
    ran = sum(1 for value in values if value)
    return ratio(ran, len(values))


def ratio(ran, count):
    """A part of a count and its percentage, as a cell of a table."""
    return f"{ran}/{count} {100 * ran / max(count, 1):5.1f}%"
