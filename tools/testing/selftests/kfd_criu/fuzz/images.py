#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Real images for the fuzzer: from a file of kfd_criu_carry, and to and from text.

usage: images.py carry <file.carry> <input>      what the virtual machine left behind
       images.py text <input> <comment>...       prints it, for the folder images
       images.py binary <file.txt> <input>

An input is what RESTORE gets: see struct call in fuzz.h.  In its text, lines of
32 bytes that are all zero are left out.
"""

import re
import struct
import sys
from pathlib import Path

# struct head of kfd_criu_carry.c, and the arguments of AMDKFD_IOC_CRIU_OP in it
HEAD = struct.Struct("<8sII")
ARGS = struct.Struct("<4Q5I4x")
DEVICE_BUCKET, BO_BUCKET = 16, 48
# num_devices, num_bos, num_objects, and chance with pages of 4 KiB and no failure
CALL = struct.Struct("<4I")
PAGES_OF_4K = 8
WIDTH = 32


def from_carry(data):
    start = data.find(b"KFDCARRY")
    if start < 0:
        return None
    _, context, _ = HEAD.unpack_from(data, start)
    args = ARGS.unpack_from(data, start + HEAD.size)
    size, (devices, bos, objects) = args[3], args[4:7]
    at = start + HEAD.size + ARGS.size + context
    end = at + devices * DEVICE_BUCKET + bos * BO_BUCKET + size
    if end > len(data):
        raise SystemExit("the file ends within the image")
    return CALL.pack(devices, bos, objects, PAGES_OF_4K) + data[at:end]


def to_text(data, comments):
    lines = ["# SPDX-License-Identifier: GPL-2.0", *(f"# {comment}" for comment in comments)]
    for at in range(0, len(data), WIDTH):
        row = data[at:at + WIDTH]
        if any(row):
            lines.append(f"{at:04x}: {row.hex(' ', 4)}")
    return "\n".join([*lines, f"size {len(data):#x}", ""])


def from_text(text):
    data = bytearray(int(re.search(r"^size (\w+)$", text, re.M)[1], 0))
    for at, row in re.findall(r"^([0-9a-f]+): ([0-9a-f ]+)$", text, re.M):
        row = bytes.fromhex(row)
        data[int(at, 16):int(at, 16) + len(row)] = row
    return bytes(data)


def main():
    command, source, *rest = sys.argv[1:]
    if command == "carry":
        data = from_carry(Path(source).read_bytes())
        if data is None:
            return 1
        Path(rest[0]).write_bytes(data)
    elif command == "text":
        sys.stdout.write(to_text(Path(source).read_bytes(), rest))
    elif command == "binary":
        Path(rest[0]).write_bytes(from_text(Path(source).read_text()))
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
