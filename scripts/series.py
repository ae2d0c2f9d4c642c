#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make a kernel tree, and patches, out of a base kernel and this repository.

The repository holds files that are added to the kernel, and edits of files
that the base kernel already has:

  <file>                       added as it is
  <file>.cocci, <file>.<tag>.cocci    a semantic patch, applied with spatch
  <file>.ed, <file>.<tag>.ed          a script for ed(1)
  MAINTAINERS                  entries, inserted at their alphabetical place
                               (MAINTAINERS#<title> takes one entry alone)

series/<part>/<NN-name>.txt is one patch: its message, a line "--", and the
files of the repository that it brings.  Parts are independent of each other.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "tools/testing/selftests/kfd_criu"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import verdict
# Of a tree's top level, what is never part of the sources.
NOT_SOURCE = ("out", "out-*", ".git", ".kfd-criu.json")
# Where the kernel's files live in this repository; the rest is tooling.
KERNEL_DIRS = ("arch", "Documentation", "drivers", "include", "kernel", "lib", "mm", "tools")
FIXED_DATE = "2025-01-01T00:00:00+0000"
# Changes when a cached result would no longer be what this tool makes.
CACHE_VERSION = "1"


class Error(Exception):
    """What the user has to know; shown without a traceback."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def sha(*chunks):
    digest = hashlib.sha256()
    for chunk in chunks:
        data = chunk.encode() if isinstance(chunk, str) else chunk
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def run(argv, **kwargs):
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, **kwargs)
    except FileNotFoundError:
        raise Error(f"{argv[0]} is not installed: run 'make deps'") from None


def git(where, *args, **kwargs):
    done = run(["git", "-C", str(where), *args], **kwargs)
    if done.returncode:
        raise Error(f"git {' '.join(args[:2])} failed in {where}:\n" +
                    done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace"))
    return done.stdout.decode()


# ---------------------------------------------------------------- base kernel

class Base:
    """A pristine kernel tree."""

    def __init__(self, path, label):
        self.path = path
        self.label = label
        self.version = kernel_version(path, label)
        stat = (path / "Makefile").stat()
        self.identity = f"{path} {stat.st_mtime_ns} {self.version}"

    def read(self, name):
        path = self.path / name
        if not path.is_file():
            return None
        return path.read_bytes()


def kernel_version(path, label):
    makefile = path / "Makefile"
    if not makefile.is_file() or not (path / "Kbuild").is_file():
        raise Error(f"KSRC={label} is not a Linux source tree: it has no Makefile and Kbuild")
    fields = {}
    for line in makefile.read_text(errors="replace").splitlines()[:12]:
        match = re.match(r"(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)\s*=\s*(\S*)", line)
        if match:
            fields[match[1]] = match[2]
    if not fields.get("VERSION") or not fields.get("PATCHLEVEL"):
        raise Error(f"KSRC={label} is not a Linux source tree: its Makefile names no version")
    if not (path / "drivers/gpu/drm/amd/amdkfd").is_dir():
        raise Error(f"KSRC={label} has no drivers/gpu/drm/amd/amdkfd")
    return "{VERSION}.{PATCHLEVEL}.{SUBLEVEL}{EXTRAVERSION}".format(
        **{"SUBLEVEL": "0", "EXTRAVERSION": "", **fields})


def unpack(tarball, build):
    """Unpack a source package, once, and return the tree."""
    stat = tarball.stat()
    stamp = f"{tarball} {stat.st_size} {stat.st_mtime_ns}\n"
    name = re.sub(r"\.tar(\.\w+)?$", "", tarball.name)
    if name == tarball.name:
        raise Error(f"KSRC={tarball} is neither a directory nor a .tar archive")
    place = build / "base"
    tree = place / name
    stampfile = place / f"{name}.stamp"
    if stampfile.is_file() and stampfile.read_text() == stamp:
        return tree
    say(f"unpacking {tarball.name}, once, into build/base")
    scratch = place / f"{name}.unpacking"
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    scratch.mkdir(parents=True)
    done = subprocess.run(["tar", "-xf", str(tarball), "-C", str(scratch),
                           "--checkpoint=4000", "--checkpoint-action=dot"],
                          stdout=sys.stderr, check=False)
    say("")
    roots = [entry for entry in scratch.iterdir() if entry.is_dir()]
    if done.returncode or len(roots) != 1:
        raise Error(f"KSRC={tarball} is not an archive with one kernel tree in it")
    kernel_version(roots[0], tarball)
    roots[0].rename(tree)
    shutil.rmtree(scratch)
    stampfile.write_text(stamp)
    return tree


def find_base(args):
    path = Path(args.ksrc).resolve()
    if path.is_dir():
        for leftover in (".config", "include/config"):
            if (path / leftover).exists():
                raise Error(f"KSRC={path} was built in place ({leftover} exists): "
                            "run 'make mrproper' there")
        return Base(path, args.ksrc)
    if not path.is_file():
        raise Error(f"KSRC={args.ksrc} does not exist: name a kernel tree or source tarball, "
                    "or run 'make deps' for the default")
    return Base(unpack(path, args.build), args.ksrc)


# -------------------------------------------------------------------- series

class Entry:
    """One file of the repository, as a patch names it."""

    def __init__(self, name, where, base):
        self.title = None
        path, _, title = name.partition("#")
        self.path = path
        self.source = REPO_FILES / path
        if not self.source.is_file():
            raise Error(f"{where}: no file {path} in this repository")
        if path == "MAINTAINERS":
            self.kind, self.target, self.title = "maintainers", path, title or None
        elif path.endswith((".cocci", ".ed")):
            stem, self.kind = path.rsplit(".", 1)
            untagged = stem.rsplit(".", 1)[0] if "." in stem.rsplit("/", 1)[-1] else stem
            self.target = next((t for t in (stem, untagged) if base.read(t) is not None), None)
            if self.target is None:
                raise Error(f"{path}: the base kernel {base.version} has no file {stem}")
        else:
            self.kind, self.target = "add", path
            if base.read(path) is not None:
                raise Error(f"{path}: the base kernel {base.version} has a file of that name; "
                            "an edit of it is a .cocci or .ed file")


class Patch:
    """One patch of a part: message and files."""

    def __init__(self, path, base):
        self.name = path.stem
        self.where = f"series/{path.parent.name}/{path.name}"
        message, found, files = path.read_text().partition("\n--\n")
        lines = message.strip("\n").split("\n")
        if not found or len(lines) < 3 or lines[1]:
            raise Error(f"{self.where}: wants a subject, an empty line, a body, a line '--', "
                        "and a list of files")
        if len(lines[0]) > 75:
            raise Error(f"{self.where}: the subject has {len(lines[0])} columns, at most 75")
        self.message = "\n".join(lines) + "\n"
        self.entries = [Entry(line.strip(), self.where, base) for line in files.splitlines()
                        if line.strip() and not line.startswith("#")]
        if not self.entries:
            raise Error(f"{self.where}: names no file")


REPO_FILES = REPO
SERIES = REPO / "series"


def load_parts(base):
    """All parts that have patches, in their order."""
    parts = {}
    # Always in this order, so that a tree with several parts is always the same one.
    for name in ("simgpu", "selftests", "criu"):
        patches = [Patch(path, base) for path in sorted((SERIES / name).glob("[0-9]*.txt"))]
        if patches:
            parts[name] = patches
    if not parts:
        raise Error("series/ names no patch")
    return parts


def repo_kernel_files():
    """Files of this repository that belong into a kernel tree, tracked or about to be."""
    if (REPO_FILES / ".git").exists():
        listing = git(REPO_FILES, "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    else:
        listing = [str(path.relative_to(REPO_FILES)) for top in KERNEL_DIRS
                   for path in (REPO_FILES / top).rglob("*") if path.is_file()]
    return sorted(name for name in set(listing)
                  if name.split("/")[0] in KERNEL_DIRS and (REPO_FILES / name).is_file())


# ----------------------------------------------------------------- the edits

def cocci_rules(text, where):
    """Names of the rules of a semantic patch that have to apply."""
    names = []
    # A rule is "@name ...@", declarations, a line with "@@", and its body.
    in_header = False
    for number, line in enumerate(text.splitlines(), 1):
        if in_header:
            in_header = "@@" not in line
            continue
        head = re.match(r"@([^@]*)@", line)
        if not head:
            continue
        in_header = "@@" not in line[head.end():]
        words = head[1].split()
        if words and re.match(r"(script:|initialize:|finalize:)", words[0]):
            continue
        if not words or words[0] in ("depends", "exists", "forall", "extends", "disable"):
            raise Error(f"{where}:{number}: this rule needs a name, so that it can be reported "
                        "when it does not apply")
        names.append(words[0])
    if not names:
        raise Error(f"{where}: has no rule")
    return names


def apply_cocci(entry, content, base):
    text = entry.source.read_text()
    names = cocci_rules(text, entry.path)
    # spatch succeeds when nothing matched.  These rules run when a rule never did.
    watch = "".join(f'\n@script:python depends on never {name}@\n@@\n'
                    f'print("RULE-NOT-APPLIED {name}")\n' for name in names)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch, Path(entry.target).name)
        target.write_bytes(content)
        Path(scratch, "edit.cocci").write_text(text + watch)
        done = run(["spatch", "--very-quiet", "--no-includes", "--no-show-diff",
                    "--sp-file", "edit.cocci", target.name, "-o", "result"], cwd=scratch)
        output = (done.stdout + done.stderr).decode(errors="replace")
        missing = re.findall(r"^RULE-NOT-APPLIED (\w+)$", output, re.M)
        if missing:
            raise Error("\n".join(
                f"{entry.path}: rule '{name}' does not apply to {entry.target} of the base "
                f"kernel {base.version}" for name in missing))
        result = Path(scratch, "result")
        if done.returncode or not result.is_file():
            raise Error(f"{entry.path}: spatch failed on {entry.target} of the base kernel "
                        f"{base.version}:\n{output}")
        return result.read_bytes()


def run_ed(lines, content):
    """The edited text, and what ed complained about, if it did."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch, "target")
        target.write_bytes(content)
        done = run(["ed", "-s", "target"], cwd=scratch,
                   input=("H\n" + "\n".join(lines) + "\nw\nq\n").encode())
        output = (done.stdout + done.stderr).decode(errors="replace")
        complaint = re.search(r"^\?\n(.*)", output, re.M)
        return target.read_bytes(), complaint[1] if complaint else None


def apply_ed(entry, content, base):
    script = entry.source.read_text().splitlines()
    # ed knows no comments: those at the head of the script are for the reader.
    first = next((n for n, line in enumerate(script) if not line.startswith("#")), len(script))
    lines = script[first:]
    result, complaint = run_ed(lines, content)
    if complaint is None:
        return result
    # ed goes on after an error, so look for the shortest script that has one.
    for count in range(1, len(lines) + 1):
        complaint = run_ed(lines[:count], content)[1]
        if complaint:
            raise Error(f"{entry.path}:{first + count}: the command '{lines[count - 1]}' does not "
                        f"apply to {entry.target} of the base kernel {base.version}: {complaint}")
    raise Error(f"{entry.path}: ed cannot write the result: {complaint}")


def apply_maintainers(entry, content, base):
    text = content.decode(errors="surrogateescape")
    head = re.search(r"^Maintainers List\n-+\n", text, re.M)
    if not head:
        raise Error(f"MAINTAINERS of the base kernel {base.version} has no 'Maintainers List'")
    added = [block.strip("\n") for block in
             re.split(r"\n\n+", entry.source.read_text().strip("\n"))]
    if entry.title:
        added = [block for block in added if block.split("\n")[0] == entry.title]
        if not added:
            raise Error(f"MAINTAINERS has no entry '{entry.title}'")
    for block in added:
        title = block.split("\n")[0]
        for match in re.finditer(r"(?<=\n\n)([^\s.][^\n]*)\n[A-Z]:\t", text[head.end():]):
            if match[1] == "THE REST" or match[1].upper() > title.upper():
                at = head.end() + match.start()
                text = text[:at] + block + "\n\n" + text[at:]
                break
        else:
            raise Error(f"MAINTAINERS of the base kernel {base.version}: no place for '{title}'")
    return text.encode(errors="surrogateescape")


EDITS = {"cocci": apply_cocci, "ed": apply_ed, "maintainers": apply_maintainers}


def apply_edit(entry, content, base, cache):
    """One edit of one file; the result depends on nothing but the two texts."""
    key = sha(CACHE_VERSION, entry.kind, entry.title or "", entry.target, content,
              entry.source.read_bytes())
    kept = cache / key
    if kept.is_file():
        return kept.read_bytes()
    result = EDITS[entry.kind](entry, content, base)
    if result == content:
        raise Error(f"{entry.path}: changes nothing in {entry.target} of the base kernel "
                    f"{base.version}")
    cache.mkdir(parents=True, exist_ok=True)
    scratch = cache / f"{key}.{os.getpid()}"
    scratch.write_bytes(result)
    scratch.rename(kept)
    return result


# ---------------------------------------------- Makefiles that grow with a series

def names_absent(line, folder, absent):
    """Does a Makefile's line name an object, program or script that is not there yet?"""
    if line.lstrip().startswith("#"):
        return False
    for word in re.findall(r"[\w./$()-]+\.o\b", line):
        plain = re.sub(r"\$\([^)]*\)/?", "", word)[:-2].lstrip("/")
        stem = plain.rsplit("/", 1)[-1]
        for name in absent:
            if name.startswith(folder + "/") and (
                    name == f"{folder}/{plain}.c" or name.rsplit("/", 1)[-1] == f"{stem}.c"):
                return True
    if folder.startswith("tools/testing/"):
        for word in re.findall(r"[\w.-]+", line):
            if f"{folder}/{word}" in absent or f"{folder}/{word}.c" in absent:
                return True
    return False


def grow_makefile(target, content, absent):
    """A Makefile without the lines whose sources only a later patch brings."""
    folder = target.rsplit("/", 1)[0] if "/" in target else ""
    kept = []
    dropping_recipe = False
    for line in content.decode().split("\n"):
        if dropping_recipe and line.startswith("\t"):
            continue
        dropping_recipe = False
        if not names_absent(line, folder, absent):
            kept.append(line)
            continue
        if re.match(r"[^\t#][^=]*:(?!=)", line):
            dropping_recipe = True
        elif not line.endswith("\\") and kept and kept[-1].endswith("\\"):
            # The line was the last of a continued list: the list ends before it.
            kept[-1] = kept[-1][:-1].rstrip()
    return "\n".join(kept).encode()


def is_makefile(target):
    return target.rsplit("/", 1)[-1] in ("Makefile", "Kbuild")


def states(patches, base, cache):
    """For each patch, all files that the series has touched by then: {path: (bytes, mode)}."""
    all_files = [name for name in repo_kernel_files() if not name.endswith((".cocci", ".ed"))]
    raw, modes, result, brought = {}, {}, [], set()
    for patch in patches:
        for entry in patch.entries:
            if entry.kind == "add":
                if entry.target in raw:
                    raise Error(f"{patch.where}: {entry.path} is in an earlier patch already")
                raw[entry.target] = entry.source.read_bytes()
                modes[entry.target] = 0o755 if os.access(entry.source, os.X_OK) else 0o644
                brought.add(entry.target)
                continue
            content = raw.get(entry.target)
            if content is None:
                content = base.read(entry.target)
                modes[entry.target] = (base.path / entry.target).stat().st_mode & 0o777
            raw[entry.target] = apply_edit(entry, content, base, cache)
        absent = [name for name in all_files if name not in brought]
        result.append({
            target: (grow_makefile(target, content, absent) if is_makefile(target) else content,
                     modes[target]) for target, content in raw.items()})
    return result


# ---------------------------------------------------------------------- trees

def is_source(name):
    return not any(fnmatch.fnmatch(name, pattern) for pattern in NOT_SOURCE)


def clone_tree(base, tree):
    """A copy of the base that shares its files; whoever changes one unlinks it first."""
    say(f"linking a tree from the base kernel {base.version}")
    scratch = tree.parent / f"{tree.name}.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    entries = sorted(str(path) for path in base.path.iterdir() if is_source(path.name))
    linked = run(["cp", "-al", "--", *entries, str(scratch)])
    if linked.returncode:
        # Another file system than ours: then it has to be a real copy.
        shutil.rmtree(scratch)
        scratch.mkdir()
        copied = run(["cp", "-a", "--", *entries, str(scratch)])
        if copied.returncode:
            raise Error("cannot copy the base kernel:\n" + copied.stderr.decode())
    scratch.rename(tree)


def replace(path, content, mode):
    """Write a new file; an old one may be a link to the base's, so it goes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def sync_tree(tree, base, state):
    """Bring a tree to a state, touching only what differs: make(1) goes by the times."""
    manifest = tree / ".kfd-criu.json"
    known = json.loads(manifest.read_text()) if manifest.is_file() else None
    if known is None or known["base"] != base.identity:
        keep = [path for path in tree.glob("out*")] if tree.is_dir() else []
        for path in keep:
            say(f"the base kernel is another one: {path.relative_to(REPO)} goes")
        shutil.rmtree(tree, ignore_errors=True)
        clone_tree(base, tree)
        known = {"base": base.identity, "files": []}
    changed = []
    # Written before anything else, so that an interrupted run leaves nothing unknown.
    manifest.write_text(json.dumps({"base": base.identity,
                                    "files": sorted(set(known["files"]) | set(state))}))
    for name in known["files"]:
        if name in state:
            continue
        path = tree / name
        original = base.read(name)
        if original is None:
            path.unlink(missing_ok=True)
            for parent in path.relative_to(tree).parents:
                if (base.path / parent).is_dir() or any((tree / parent).iterdir()):
                    break
                (tree / parent).rmdir()
            changed.append(name)
        elif not path.is_file() or path.read_bytes() != original:
            # With a new time: what was built from the edited file has to be built again.
            replace(path, original, (base.path / name).stat().st_mode & 0o777)
            changed.append(name)
    for name, (content, mode) in state.items():
        path = tree / name
        if path.is_file() and path.read_bytes() == content and \
                path.stat().st_mode & 0o777 == mode:
            continue
        replace(path, content, mode)
        changed.append(name)
    manifest.write_text(json.dumps({"base": base.identity, "files": sorted(state)}))
    return changed


def wanted_parts(args, parts):
    """Parts of the tree that a kernel is built from."""
    names = [name for name in parts if args.kernel == "ours" or name != "criu"]
    if not names:
        raise Error("KERNEL=stock wants part simgpu, which has no patch")
    return names


def unlisted(parts):
    listed = {entry.path for patches in parts.values() for patch in patches
              for entry in patch.entries}
    return [name for name in repo_kernel_files() if name not in listed]


def make_tree(args, base):
    parts = load_parts(base)
    names = wanted_parts(args, parts)
    patches = [patch for name in names for patch in parts[name]]
    state = states(patches, base, args.build / "cache")[-1]
    # The name of the folder tells bases apart that have the same version.
    # Selftests are no part of the kernel: a tree is named after what it boots.
    folder = "+".join(name for name in names if name != "selftests")
    tree = args.build / "tree" / f"{base.version}-{sha(str(base.path))[:8]}" / folder
    changed = sync_tree(tree, base, state)
    if changed:
        shown = ", ".join(changed[:4]) + (" ..." if len(changed) > 4 else "")
        say(f"{len(changed)} file(s) of the tree updated: {shown}")
    for name in unlisted(parts):
        say(f"warning: {name} is in no patch of series/, so the tree lacks it")
    return tree, state


# --------------------------------------------------------------------- export

def identity():
    """Who the patches are from: whoever exports them."""
    values = []
    for key, fallback in (("user.name", "kfd-criu"), ("user.email", "kfd-criu@localhost")):
        found = run(["git", "-C", str(REPO), "config", key]).stdout.decode().strip()
        values.append(found or fallback)
    return values


def export_part(name, patches, base, args):
    """Write build/series/<version>/<part>/NNNN-*.patch; returns the folder."""
    steps = states(patches, base, args.build / "cache")
    target = args.build / "series" / base.version / name
    cover = SERIES / name / "cover.txt"
    author, mail = identity()
    key = sha(CACHE_VERSION, author, mail, args.trailer, base.version,
              cover.read_text() if cover.is_file() else "",
              *[patch.message for patch in patches],
              *[item for step in steps for path, (content, mode) in sorted(step.items())
                for item in (path, content, str(mode))])
    stamp = target / ".stamp"
    if stamp.is_file() and stamp.read_text() == key:
        return target
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
           "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": FIXED_DATE,
           "GIT_COMMITTER_NAME": author, "GIT_COMMITTER_EMAIL": mail,
           "GIT_COMMITTER_DATE": FIXED_DATE}
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        git(work, "init", "-q", "-b", "series", env=env)
        for path in sorted(steps[-1]):
            original = base.read(path)
            if original is not None:
                replace(work / path, original, (base.path / path).stat().st_mode & 0o777)
        git(work, "add", "-A", "-f", env=env)
        git(work, "commit", "-q", "--allow-empty", "-m", f"Linux {base.version}", env=env)
        for patch, step in zip(patches, steps):
            for path, (content, mode) in step.items():
                replace(work / path, content, mode)
            git(work, "add", "-A", "-f", env=env)
            if not git(work, "status", "--porcelain", env=env):
                raise Error(f"{patch.where}: changes nothing")
            message = patch.message
            if args.trailer:
                done = run(["git", "interpret-trailers", "--trailer", args.trailer],
                           input=message.encode(), env=env, cwd=work)
                if done.returncode:
                    raise Error(f"TRAILER={args.trailer} is not a trailer")
                message = done.stdout.decode()
            git(work, "commit", "-q", "-F", "-", input=message.encode(), env=env)
        options = ["--no-signature", "--no-renames", "--zero-commit", "-o", str(target)]
        if cover.is_file():
            git(work, "config", "branch.series.description", cover.read_text(), env=env)
            options += ["--cover-letter", "--cover-from-description=subject"]
        git(work, "format-patch", "-q", *options, f"-{len(patches)}", env=env)
    stamp.write_text(key)
    return target


def export(args, base):
    result = {}
    for name, patches in load_parts(base).items():
        result[name] = export_part(name, patches, base, args)
    return result


# ---------------------------------------------------------------- check-series

def am_tree(base, place, state):
    """A pristine copy under git, which knows only the files that the series touches."""
    shutil.rmtree(place, ignore_errors=True)
    clone_tree(base, place)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
           "GIT_COMMITTER_NAME": "check", "GIT_COMMITTER_EMAIL": "check@localhost",
           "GIT_AUTHOR_NAME": "check", "GIT_AUTHOR_EMAIL": "check@localhost"}
    git(place, "init", "-q", "-b", "series", env=env)
    touched = [name for name in state if base.read(name) is not None]
    for name in touched:
        replace(place / name, base.read(name), (base.path / name).stat().st_mode & 0o777)
    if touched:
        git(place, "add", "-f", "--", *touched, env=env)
    git(place, "commit", "-q", "--allow-empty", "-m", "base", env=env)
    return env


def compare(place, state, what):
    wrong = [name for name, (content, _) in state.items()
             if not (place / name).is_file() or (place / name).read_bytes() != content]
    if wrong:
        raise Error(f"{what}: these files are not what was built: {', '.join(wrong)}")


def check_series(args, base):
    """The exported patches on a pristine base: same tree, and each of them builds.

    Returns how many things were found to be right."""
    right = 0
    parts = load_parts(base)
    missing = unlisted(parts)
    if missing:
        raise Error("in no patch of series/: " + ", ".join(missing))
    folders = export(args, base)
    place = args.build / "check-series" / "tree"
    shutil.rmtree(args.build / "check-series", ignore_errors=True)
    cache = args.build / "cache"

    # Every order in which somebody may take the parts.
    orders = [[name] for name in parts]
    if len(parts) > 1:
        orders.append(list(parts))
    for order in orders:
        state = states([patch for name in order for patch in parts[name]], base, cache)[-1]
        env = am_tree(base, place, state)
        for name in order:
            files = sorted(str(path) for path in folders[name].glob("*.patch")
                           if not path.name.startswith("0000-"))
            git(place, "am", "-q", *files, env=env)
        compare(place, state, f"git am of {' and '.join(order)}")
        say(f"ok: git am of {' and '.join(order)} on {base.version} gives the tree that is built")
        right += 1

    if args.no_build:
        return right
    for name, patches in parts.items():
        # user space, which is built against the headers of whatever kernel there is
        if name == "selftests":
            continue
        steps = states(patches, base, cache)
        env = am_tree(base, place, steps[-1])
        files = [path for path in sorted(folders[name].glob("*.patch"))
                 if not path.name.startswith("0000-")]
        for number, (path, step) in enumerate(zip(files, steps), 1):
            git(place, "am", "-q", str(path), env=env)
            compare(place, step, path.name)
            say(f"building {name} {number}/{len(files)}: {path.name}")
            done = subprocess.run([str(REPO_FILES / "scripts/build-step.sh"), str(place)],
                                  stdout=sys.stderr, check=False)
            if done.returncode:
                raise Error(f"{path.name} does not build")
            say(f"ok: {path.name} builds")
            right += 1
    if "criu" in parts:
        right += check_boots(args, base, parts, folders, place)
    return right


def check_boots(args, base, parts, folders, place):
    """Each patch of part criu boots, on simulated GPUs, with their memory and queues."""
    right = 0
    cache = args.build / "cache"
    tests, state = make_tree(args, base)
    vm = REPO_FILES / "tools/testing/selftests/kfd_criu/vm"
    done = subprocess.run([str(vm / "build.sh"), str(tests), "out"], stdout=sys.stderr,
                          env={**os.environ, "ONLY": "tests"}, check=False)
    if done.returncode:
        raise Error("the selftests do not build")
    env = am_tree(base, place, state)
    for name in ("simgpu", "criu"):
        steps = states([patch for before in ("simgpu", name) for patch in parts[before]]
                       if name != "simgpu" else parts[name], base, cache)
        files = [path for path in sorted(folders[name].glob("*.patch"))
                 if not path.name.startswith("0000-")]
        for number, path in enumerate(files, 1):
            git(place, "am", "-q", str(path), env=env)
            if name == "simgpu":
                continue
            compare(place, steps[len(parts["simgpu"]) + number - 1], path.name)
            say(f"booting {name} {number}/{len(files)}: {path.name}")
            for argv in ([str(REPO_FILES / "scripts/build-step.sh"), str(place)],
                         [str(vm.parent / "vmtest.sh"), "-n", "-S", str(tests), "-K", str(place),
                          "-l", "step", "-c", "hws", "-t", "kfd_[ms]*_test",
                          "-r", str(args.build / "check-series/results")]):
                if subprocess.run(argv, stdout=sys.stderr, check=False).returncode:
                    raise Error(f"{path.name} does not build or boot with part simgpu")
            say(f"ok: {path.name} boots")
            right += 1
    return right


# ----------------------------------------------------------------------- main

def main():
    global REPO_FILES, SERIES
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("base", "tree", "export", "check", "list", "unlisted"))
    parser.add_argument("--ksrc", required=True, help="kernel tree or source tarball")
    parser.add_argument("--build", type=Path, default=REPO / "build")
    parser.add_argument("--repo", type=Path, default=REPO, help="where the files are")
    parser.add_argument("--kernel", choices=("ours", "stock"), default="ours")
    parser.add_argument("--trailer", default="", help="added to each message")
    parser.add_argument("--no-build", action="store_true", help="check: compare only")
    args = parser.parse_args()
    REPO_FILES = args.repo.resolve()
    SERIES = REPO_FILES / "series"
    args.build = args.build.resolve()
    try:
        base = find_base(args)
        if args.command == "base":
            print(base.path)
        elif args.command == "tree":
            print(make_tree(args, base)[0])
        elif args.command == "list":
            # What the series adds or changes, for the static checks.
            parts = load_parts(base)
            for patches in parts.values():
                for patch in patches:
                    for entry in patch.entries:
                        print(entry.kind, entry.target)
        elif args.command == "unlisted":
            missing = unlisted(load_parts(base))
            for name in missing:
                print(f"{name} is in no patch of series/")
            return 1 if missing else 0
        elif args.command == "export":
            for name, folder in export(args, base).items():
                count = len([p for p in folder.glob("*.patch")
                             if not p.name.startswith("0000-")])
                say(f"{name}: {count} patch(es) in {os.path.relpath(folder)}")
        else:
            verdict.leave(check_series(args, base), 0, 0, base=base.version)
    except Error as error:
        say(f"error: {error}")
        if args.command == "check":
            verdict.leave(0, 1, 0, [("the series", str(error).splitlines())])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
