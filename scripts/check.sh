#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Static checks of all that the series adds, each with an "ok" or "not ok".
# Takes KSRC and J from the environment, as the Makefile passes them.
set -eu
cd "$(dirname "$(dirname "$(realpath "$0")")")"

: "${KSRC:=/usr/src/linux-source-6.12.tar.xz}" "${J:=$(nproc)}"
series=(scripts/series.py --ksrc "$KSRC")
selftests=tools/testing/selftests/kfd_criu
work=build/check
rm -rf "$work"
mkdir -p "$work"

passed=0
failures=()

# One check: its name, and the command whose output is shown when it fails.
check()
{
	local name=$1 log=$work/log.${1//[^A-Za-z0-9]/-}

	shift
	if "$@" > "$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok - $name"
	else
		failures+=("$name" "$log")
		sed 's/^/# /' "$log"
		echo "not ok - $name"
	fi
}

tree=$("${series[@]}" tree)
mapfile -t targets < <("${series[@]}" list)
added=()
for target in "${targets[@]}"; do
	case $target in
	"add "*) added+=("${target#add }") ;;
	esac
done

# Files that the series adds and that match a pattern.
pick()
{
	local file

	for file in ${added[@]+"${added[@]}"}; do
		# shellcheck disable=SC2254	# the argument is a pattern
		case $file in
		$1) printf '%s\n' "$file" ;;
		esac
	done
}

checkpatch()
{
	local patch options userspace stand_in bad=0

	"${series[@]}" export > /dev/null || return 1
	options=(--strict --show-types --no-summary --terse
		# The person who submits signs off, see TRAILER= of 'make series'.
		--ignore MISSING_SIGN_OFF
		# MAINTAINERS names whole folders, and later patches add files below.
		--ignore FILE_PATH_CHANGES
		# An edit of the base kernel takes the names that it finds there.
		--ignore CAMELCASE)
	# Programs of user space have none of the kernel's macros, share memory
	# with a GPU, use a library whose names are in mixed case, and a test
	# harness whose assertions return from the test.
	userspace=(--ignore
		"CAMELCASE,VOLATILE,PREFER_DEFINED_ATTRIBUTE_MACRO,BIT_MACRO,MACRO_WITH_FLOW_CONTROL")
	# What stands in for headers of the kernel has the macros that are in them.
	stand_in=(--ignore PREFER_DEFINED_ATTRIBUTE_MACRO --ignore MACRO_ARG_REUSE
		--ignore MACRO_ARG_UNUSED --ignore MACRO_ARG_PRECEDENCE)
	for patch in build/series/*/*/[0-9]*.patch; do
		case $patch in
		*/0000-*) continue ;;
		esac
		if ! grep '^+++ b/' "$patch" | grep -qv '/tests/\|/Makefile$'; then
			# Tables of a unit test name a field for its size and for its offset.
			(cd "$tree" && perl scripts/checkpatch.pl "${options[@]}" \
				--ignore MACRO_ARG_REUSE "$OLDPWD/$patch") || bad=1
		elif ! grep '^+++ b/' "$patch" | grep -qv '/fuzz/\|/isa/'; then
			(cd "$tree" && perl scripts/checkpatch.pl "${options[@]}" \
				"${stand_in[@]}" "$OLDPWD/$patch") || bad=1
		elif grep '^+++ b/' "$patch" | grep -qv '^+++ b/tools/'; then
			(cd "$tree" && perl scripts/checkpatch.pl "${options[@]}" "$OLDPWD/$patch") || bad=1
		else
			(cd "$tree" && perl scripts/checkpatch.pl "${options[@]}" "${userspace[@]}" \
				"$OLDPWD/$patch") || bad=1
		fi
	done
	return $bad
}

# Our objects alone, in an output folder of their own: W=1 is another command
# line, and would have the kernel that is tested built anew.
objects()
{
	local file found=0 goals=()

	tree_out=$tree/out-check
	for file in $(pick 'drivers/gpu/drm/amd/*.c'); do
		case $file in
		*/tests/*) goals+=("${file%.c}.o") ;;
		drivers/gpu/drm/amd/amdgpu/*) goals+=("${file%.c}.o") ;;
		*) goals+=("drivers/gpu/drm/amd/amdgpu/../${file#drivers/gpu/drm/amd/}") ;;
		esac
	done
	goals=("${goals[@]/%.c/.o}")
	ONLY=none "$selftests/vm/build.sh" "$tree" out-check || return 1
	# What is up to date would not be looked at again.
	for file in "${goals[@]}"; do
		rm -f "$tree_out/$file"
	done
	make -C "$tree" O=out-check ARCH=x86_64 -j"$J" --no-print-directory "$@" "${goals[@]}" \
		> "$work/objects" 2>&1 || found=1
	for file in "${goals[@]}"; do
		if [ ! -f "$tree_out/$file" ]; then
			echo "$file was not built"
			found=1
		fi
	done
	# Remarks on the base kernel's own headers are not ours to answer; an error
	# anywhere stops the checker before it comes to our code.
	if grep -E '(^|/)(simgpu|amdkfd/kfd_criu)[^:]*:[0-9]+:([0-9]+:)? warning|: error:' \
			"$work/objects"; then
		found=1
	elif [ "$found" = 1 ]; then
		tail -n 30 "$work/objects"
	fi
	return $found
}

sparse_objects()
{
	# sparse lays out some packed structures of amdgpu's headers otherwise than
	# a compiler, takes their assertions for errors, and then checks nothing.
	echo '#define _Static_assert(...)' > "$work/sparse.h"
	objects C=2 CF="-include $PWD/$work/sparse.h"
}

kernel_doc()
{
	local files

	mapfile -t files < <(pick 'drivers/*.[ch]'; pick 'include/*.h')
	(cd "$tree" && scripts/kernel-doc -none -Wall -Werror "${files[@]}")
}

sphinx()
{
	local file files

	mapfile -t files < <(pick 'Documentation/*.rst')
	[ ${#files[@]} -gt 0 ] || { echo "the series adds no documentation"; return 1; }
	mkdir -p "$work/doc"
	cat > "$work/doc/conf.py" <<-EOF
		import sys
		sys.path.insert(0, "$tree/Documentation/sphinx")
		extensions = ["kerneldoc"]
		kerneldoc_bin = "$tree/scripts/kernel-doc"
		kerneldoc_srctree = "$tree"
		master_doc = "index"
		project = "kfd-criu"
	EOF
	{
		printf '%s\n%s\n\n.. toctree::\n\n' kfd-criu ========
		for file in "${files[@]}"; do
			cp "$tree/$file" "$work/doc/"
			file=${file##*/}
			printf '   %s\n' "${file%.rst}"
		done
	} > "$work/doc/index.rst"
	(cd "$tree" && srctree=$tree sphinx-build -q -W --keep-going -b html \
		"$OLDPWD/$work/doc" "$OLDPWD/$work/html")
}

scripts()
{
	local files

	mapfile -t files < <(git ls-files -co --exclude-standard |
		while IFS= read -r file; do
			[ -f "$file" ] || continue
			IFS= read -r first < "$file" || [ -n "$first" ] || continue
			case $first in
			'#!'*sh|'#!'*sh' '*) printf '%s\n' "$file" ;;
			esac
		done)
	shellcheck -x "${files[@]}"
}

listed()
{
	"${series[@]}" unlisted
}

spdx()
{
	local file missing=0

	for file in $(git ls-files -co --exclude-standard); do
		case $file in
		LICENSES/*|MAINTAINERS|*/config|*/settings|*.gitignore|series/*|*.md|*.config) continue ;;
		esac
		[ -f "$file" ] || continue
		if ! head -n 5 "$file" | grep -q SPDX-License-Identifier; then
			echo "$file has no SPDX line"
			missing=1
		fi
	done
	return $missing
}

check "every kernel file is in a patch" listed
check "checkpatch --strict" checkpatch
check "W=1" objects W=1
check "sparse" sparse_objects
check "kernel-doc" kernel_doc
check "sphinx" sphinx
check "shellcheck" scripts
check "SPDX" spdx
check "tests of the tooling" scripts/selftest.sh

failed=$((${#failures[@]} / 2))
"$selftests/verdict.py" "$passed" "$failed" 0 ${failures[@]+"${failures[@]}"}
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
