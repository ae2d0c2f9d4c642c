#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Configure and build a kernel for vmtest.sh, and the selftests for it.
# usage: build.sh <source tree> <output folder> [fragment]...
#
# The output folder stands directly in the source tree, so that no compiler
# command holds a path of the machine, and a compiler cache serves any clone.
set -eu

here=$(dirname "$(realpath "$0")")
src=$(realpath "$1")
out=$2
shift 2
fragments=("$here/../config" "$here/vm.config" "$@")
# The stock kernel has not heard of these.
if grep -q HSA_AMD_CRIU "$src/drivers/gpu/drm/amd/amdkfd/Kconfig"; then
	fragments+=("$here/criu.config")
fi
jobs=${J:-$(nproc)}

cc=gcc
hostcc=gcc
if command -v ccache >/dev/null; then
	cc="ccache gcc"
	hostcc="ccache gcc"
fi
kmake=(make -C "$src" "O=$out" ARCH=x86_64 "CC=$cc" "HOSTCC=$hostcc" "-j$jobs" --no-print-directory)

# The engine's files are those that coverage is of, where the configuration wants it.  Their
# names are the ones that amdgpu's makefile has for them.
for file in "$src"/drivers/gpu/drm/amd/amdkfd/kfd_criu*.c; do
	[ -e "$file" ] || continue
	name=${file##*/}
	kmake+=("GCOV_PROFILE_../amdkfd/${name%.c}.o=y")
done

# KCSAN watches the accesses of amdkfd alone, and of what amdgpu has for it: a watchpoint is to be
# where it can catch something, and the machine is slow enough.  What the rest of the kernel
# changes under them is noticed all the same, as a value that changed.  Simulated GPUs play
# hardware, which nobody watches either.  Make has the folder and the file at hand when it wants
# the value.
# shellcheck disable=SC2016	# for make
kmake+=('KCSAN_SANITIZE=$(if $(filter drivers/gpu/drm/amd/amdgpu,$(obj)),'\
'$(if $(filter ../amdkfd/% amdgpu_amdkfd%,$(target-stem)),,n),n)')

# Times and names in the kernel would defeat both a compiler cache and a comparison.
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2025'
export KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=kfd-criu KBUILD_BUILD_HOST=vmtest
export CCACHE_NOHASHDIR=1

configure()
{
	local stamp=$src/$out/.fragments want symbol value lost=()

	# New options of the series have to reach the configuration as well.
	want=$(cat "${fragments[@]}" "$src"/drivers/gpu/drm/amd/*/Kconfig | sha256sum)
	if [ -f "$src/$out/.config" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
		return
	fi
	mkdir -p "$src/$out"
	# Later fragments win, which kconfig would remark upon for each symbol.
	grep -h '^CONFIG_' "${fragments[@]}" | tac | awk -F= '!seen[$1]++' > "$src/$out/.wanted"
	"${kmake[@]}" -s KCONFIG_ALLCONFIG=.wanted allnoconfig
	while IFS='=' read -r symbol value; do
		if [ "$value" = n ]; then
			! grep -q "^$symbol=" "$src/$out/.config" || lost+=("$symbol=$value")
		else
			grep -qx "$symbol=$value" "$src/$out/.config" || lost+=("$symbol=$value")
		fi
	done < "$src/$out/.wanted"
	if [ ${#lost[@]} -gt 0 ] && [ -z "${LAX_CONFIG:-}" ]; then
		echo "error: these lines of ${fragments[*]##*/} did not survive kconfig:" >&2
		printf '  %s\n' "${lost[@]}" >&2
		rm -f "$src/$out/.config"
		exit 1
	fi
	echo "$want" > "$stamp"
}

# One line per hundred build steps: enough to see that it moves.
progress()
{
	local line count=0 quiet=0 start=$SECONDS

	while IFS= read -r line; do
		printf '%s\n' "$line" >> "$src/$out/build.log"
		case $line in
		"  "[A-Z]*" "*)
			count=$((count + 1))
			quiet=0
			if [ $((count % 200)) -eq 0 ]; then
				printf '  build: %d steps, %ds, %s\n' "$count" \
					$((SECONDS - start)) "${line#"${line%%[! ]*}"}"
			fi
			;;
		make*|"  "*|"")
			[ "$quiet" = 0 ] || printf '%s\n' "$line"
			;;
		*)
			# Anything else is a warning or an error, with the lines that belong to it.
			quiet=1
			printf '%s\n' "$line"
			;;
		esac
	done
	[ "$count" -lt 20 ] || printf '  build: done, %d steps, %ds\n' "$count" $((SECONDS - start))
}

quietly()
{
	"$@" 2>&1 | progress
	return "${PIPESTATUS[0]}"
}

build_kernel()
{
	quietly "${kmake[@]}" bzImage modules || {
		echo "error: the kernel does not build, see $src/$out/build.log" >&2
		exit 1
	}
}

build_tests()
{
	local tests=$src/tools/testing/selftests/kfd_criu built=$src/$out/kfd_criu

	[ -f "$tests/Makefile" ] || return 0
	"${kmake[@]}" -s headers
	mkdir -p "$built"
	make -s -C "$tests" --no-print-directory "-j$jobs" OUTPUT="$built" CC="$cc" \
		KHDR_INCLUDES="-isystem $src/$out/usr/include" all || {
		echo "error: the selftests do not build" >&2
		exit 1
	}
	# Programs that left the list do not stay behind.
	make -s -C "$tests" --no-print-directory OUTPUT="$built" COLLECTION=kfd_criu emit_tests |
		cut -d: -f2 | sort -u > "$built/list"
	make -s -C "$tests" --no-print-directory OUTPUT="$built" emit_files > "$built/files"
}

configure
: > "$src/$out/build.log"
case ${ONLY:-all} in
all)
	build_kernel
	build_tests
	;;
kernel)
	build_kernel
	;;
tests)
	build_tests
	;;
none)
	;;
modules)
	quietly "${kmake[@]}" modules
	;;
*)
	echo "error: ONLY=$ONLY is none of kernel, tests, modules" >&2
	exit 2
	;;
esac
