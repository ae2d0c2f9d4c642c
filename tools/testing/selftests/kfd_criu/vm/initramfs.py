#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make the initramfs of the test machine.

Programs come from the packages of the distribution that runs this, with the
libraries that they are linked with; modules and tests from a kernel build.
Nothing is compressed: unpacking would cost an emulated CPU more than reading.
"""

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# program, package that has it
PROGRAMS = (("busybox", "busybox-static"), ("kmod", "kmod"), ("criu", "criu"),
            ("rocminfo", "rocminfo"))
KMOD_NAMES = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")
# Of the kselftest framework, which the tests look for beside their own folder.
KSELFTEST = ("ktap_helpers.sh",)
# Read by libraries at run time, when they are there.
DATA = ("/usr/share/libdrm/amdgpu.ids",)


class Error(Exception):
    """What the user has to know."""


class Cpio:
    """Writer of the "newc" format, which is what the kernel unpacks."""

    def __init__(self, stream):
        self.stream = stream
        self.inode = 0
        self.known = set()

    def entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        self.stream.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))

    def folder(self, name):
        if name and name not in self.known:
            self.folder(os.path.dirname(name))
            self.known.add(name)
            self.entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name))
        if name not in self.known:
            self.known.add(name)
            self.entry(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        path = Path(path)
        self.file(name, path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def link(self, name, target):
        self.folder(os.path.dirname(name))
        if name not in self.known:
            self.known.add(name)
            self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        self.folder(os.path.dirname(name))
        self.entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def close(self):
        self.entry("TRAILER!!!", 0)
        self.stream.write(b"\0" * (-self.stream.tell() % 512))


def libraries(path):
    """Paths of the shared libraries that a program is linked with."""
    done = subprocess.run(["ldd", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    lost = re.findall(r"^\s*(\S+) => not found", done.stdout, re.M)
    if lost:
        raise Error(f"{path}: library {lost[0]} is not installed")
    return re.findall(r"(/\S+) \(0x", done.stdout)


def find_program(name, package):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise Error(f"{name} is not installed: apt-get install {package}")
    return path


def kernel_release(out):
    path = out / "include/config/kernel.release"
    if not path.is_file():
        raise Error(f"{out} is not the output of a kernel build")
    return path.read_text().strip()


def modules(out):
    listing = out / "modules.order"
    if not listing.is_file():
        return []
    return [line[:-2] + ".ko" if line.endswith(".o") else line
            for line in listing.read_text().split()]


def tests(folder, source):
    """Name and path of each test, and of what they run: built ones, and scripts from the sources."""
    names = [name for listing in ("list", "files") if (folder / listing).is_file()
             for name in (folder / listing).read_text().split()]
    found = {}
    for name in names:
        path = next((p for p in (folder / name, source / name) if p.is_file()), None)
        if path is None:
            raise Error(f"the test {name} is listed, but neither built nor in {source}")
        found[name] = path
    return found


def collect(args):
    """All that goes in, as a list of (name in the machine, path here)."""
    files = []
    binaries = [(f"usr/bin/{name}", find_program(name, package)) for name, package in PROGRAMS]
    built = tests(args.tests, args.source) if args.tests else {}
    for script in ("kunit.sh", "reload.sh"):
        built[script] = HERE / script
    linked = [path for _, path in binaries] + [str(path) for path in built.values()
                                               if path.suffix != ".sh"]
    for library in sorted({lib for path in linked for lib in libraries(path)}):
        files.append((re.sub(r"^/(usr/)?", "usr/", library), library))
    files += binaries
    files += [(f"tests/{name}", str(path)) for name, path in built.items()]
    files += [(path.lstrip("/"), path) for path in DATA if Path(path).exists()]
    files += [(f"kselftest/{name}", str(args.source.parent / "kselftest" / name))
              for name in KSELFTEST if args.tests]
    files.append(("init", str(HERE / "init.sh")))
    release = kernel_release(args.out)
    for module in modules(args.out):
        files.append((f"usr/lib/modules/{release}/kernel/{module}", str(args.out / module)))
    return release, files


def depmod(release, files, out):
    """The index that modprobe reads."""
    prefix = f"usr/lib/modules/{release}/"
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in files:
            if name.startswith(prefix):
                # depmod looks below lib/modules.
                target = Path(scratch, name.removeprefix("usr/"))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path)
        base = Path(scratch, "lib/modules", release)
        base.mkdir(parents=True, exist_ok=True)
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (out / name).is_file():
                shutil.copy(out / name, base / name)
        program = find_program("depmod", "kmod")
        done = subprocess.run([program, "-b", scratch, release], stderr=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode:
            raise Error(f"depmod failed: {done.stderr}")
        return {prefix + path.name: path.read_bytes() for path in base.iterdir()
                if path.is_file()}


def write(args):
    release, files = collect(args)
    # A change of any input shows in its size or time.
    stamp = "\n".join(f"{name} {path} {os.stat(path).st_size} {os.stat(path).st_mtime_ns}"
                      for name, path in files)
    stamp += f"\n{Path(__file__).stat().st_mtime_ns}\n"
    stampfile = args.output.with_suffix(".stamp")
    if args.output.is_file() and stampfile.is_file() and stampfile.read_text() == stamp:
        return
    stampfile.unlink(missing_ok=True)
    with open(args.output, "wb") as stream:
        cpio = Cpio(stream)
        for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "tmp",
                     "run", "root", "etc", "tests", "var"):
            cpio.folder(name)
        for name in ("bin", "sbin", "lib", "lib64"):
            cpio.link(name, f"usr/{name}")
        cpio.link("var/run", "/run")
        cpio.device("dev/console", 5, 1)
        cpio.device("dev/null", 1, 3)
        cpio.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        cpio.file("etc/group", b"root:x:0:\nvideo:x:44:\nrender:x:105:\n")
        for name, path in files:
            cpio.copy(name, path)
        for name, data in depmod(release, files, args.out).items():
            cpio.file(name, data)
        for name in KMOD_NAMES:
            cpio.link(f"usr/sbin/{name}", "../bin/kmod")
            cpio.link(f"usr/bin/{name}", "kmod")
        applets = subprocess.run([find_program("busybox", "busybox-static"), "--list"],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        for name in applets:
            cpio.link(f"usr/bin/{name}", "busybox")
        cpio.close()
    stampfile.write_text(stamp)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="output of the kernel build")
    parser.add_argument("--tests", type=Path, help="output of the build of the selftests")
    parser.add_argument("--source", type=Path, default=HERE.parent, help="sources of the tests")
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    try:
        write(args)
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
